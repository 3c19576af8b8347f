"""What a fake engine does with images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

from clocker.errors import EngineError, ImageNotFound
from clocker.images.reference import Reference
from clocker.model import ImageInfo
from clocker.testing.builds import FakeBuild
from clocker.testing.engine_commits import EngineCommits
from clocker.testing.faults import scripted
from clocker.testing.images import FakeImages


class EngineImages(EngineCommits):
    """A part of ``FakeEngine``. ``registry``: full names (docker.io/library/x:latest) to images
    that it can pull."""

    def __init__(self) -> None:
        super().__init__()
        self.registry: dict[str, ImageInfo] = {}
        self._images = FakeImages()

    def add_image(self, reference: str, info: ImageInfo | None = None) -> ImageInfo:
        """Have an image from the start."""
        with self._lock:
            return self._images.add(reference, info)

    @scripted
    def image(self, reference: str) -> ImageInfo | None:
        with self._lock:
            return self._images.find(reference)

    @scripted
    def list_images(self) -> Sequence[ImageInfo]:
        with self._lock:
            return self._images.named()

    @scripted
    def pull(self, reference: str, *, timeout_s: float = 300.0) -> None:
        with self._lock:
            info = self.registry.get(str(Reference.parse(reference)))
            if info is None:
                raise ImageNotFound(
                    f"no such image, or its registry cannot be reached: {reference}",
                    where=self.name,
                )
            self._images.add(reference, info)

    @scripted
    def save(self, reference: str) -> Iterator[bytes]:
        with self._lock:
            return self._images.save(reference)

    @scripted
    def load(self, archive: Iterable[bytes]) -> None:
        chunks = list(archive)
        with self._lock:
            self._images.load(chunks)

    @scripted
    def build(
        self,
        context: bytes | BinaryIO,
        *,
        tag: str,
        labels: Mapping[str, str],
        timeout_s: float,
        dockerfile: str = "Dockerfile",
        args: Mapping[str, str] | None = None,
        target: str | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        packed = context if isinstance(context, bytes) else context.read()
        build = FakeBuild(packed, dockerfile, args or {}, target, timeout_s, on_line)
        with self._lock:
            made = build.run(self._images.find, labels)
            return self._images.add(tag, made).id

    @scripted
    def remove_image(self, reference: str) -> None:
        with self._lock:
            found = self._images.find(reference)
            if found and any(other.image.id == found.id for other in self._containers.values()):
                raise EngineError(f"image {reference} is in use", where=self.name)
            self._images.remove(reference)
