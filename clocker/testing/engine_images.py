"""What a fake engine does with images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

from clocker.errors import EngineError
from clocker.model import ImageInfo
from clocker.testing.builds import FakeBuild
from clocker.testing.engine_commits import EngineCommits
from clocker.testing.faults import scripted
from clocker.testing.images import FakeImages
from clocker.testing.registry import EngineRegistries, FakeRegistry


class EngineImages(EngineCommits, EngineRegistries):
    """A part of ``FakeEngine``."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = FakeRegistry()
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
            is_used = found and any(c.image.id == found.id for c in self._containers.values())
            if is_used and not self._images.has_other_names(reference):
                raise EngineError(f"image {reference} is in use", where=self.name)
            self._images.remove(reference)
