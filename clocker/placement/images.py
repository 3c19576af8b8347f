"""Rather where the image is, by what is on record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from clocker.model import ContainerRequest, HostView, Install


@dataclass(frozen=True, slots=True)
class ImageThere:
    """Rather a host that has had this image, with what is installed in it."""

    reads: ClassVar[tuple[str, ...]] = ("image", "install")

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        return 0.0 if image_kind(request) in view.host.images else 1.0

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        return "has the image" if self.cost(view, request) == 0 else "lacks the image"


def image_kind(request: ContainerRequest) -> str:
    """The same for requests that start from the same image: its name, and what is installed."""
    return request.image if request.install is None else _generated(request.image, request.install)


@lru_cache(maxsize=256)
def _generated(image: str, install: Install) -> str:
    files = [
        (file.target, file.mode, file.digest or hashlib.sha256(file.content).hexdigest())
        for file in install.files
    ]
    steps = repr((install.packages, files, install.commands, sorted(install.args.items())))
    return f"{image}+{hashlib.sha256(steps.encode()).hexdigest()[:16]}"
