"""The images of a fake engine: their names, archives and builds."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace

from clocker.errors import CommandFailed, EngineError, ImageNotFound, TimedOut
from clocker.images.reference import Reference
from clocker.model import ImageInfo
from clocker.testing.commands import Endless, Execution, run
from clocker.testing.files import FileTree

_MAGIC = b"fake image archive\n"
_CHUNK = 64


class FakeImages:
    """Not locked: its engine is."""

    def __init__(self) -> None:
        self._by_id: dict[str, ImageInfo] = {}

    def add(self, reference: str, info: ImageInfo | None = None) -> ImageInfo:
        """Have ``info`` (made up when None) under a name, which it takes from any other."""
        name = Reference.parse(reference)
        made = info or ImageInfo(
            _hash(str(name)), command=("sleep", "infinity"), architecture="amd64"
        )
        if not name.is_id and name.familiar not in made.tags:
            made = replace(made, tags=(*made.tags, name.familiar))
        for other in list(self._by_id.values()):
            if other.id != made.id:
                rest = tuple(tag for tag in other.tags if tag not in made.tags)
                self._by_id[other.id] = replace(other, tags=rest)
        self._by_id[made.id] = made
        return made

    def find(self, reference: str) -> ImageInfo | None:
        if found := self._by_id.get(reference):
            return found
        name = Reference.parse(reference)
        if name.is_id:
            return self._by_id.get(name.familiar)
        return next((i for i in self._by_id.values() if name.familiar in i.tags), None)

    def named(self) -> list[ImageInfo]:
        """As an engine lists them: without what only an inspection tells."""
        return [
            ImageInfo(i.id, i.tags, i.size_bytes, labels=i.labels, created_at=i.created_at)
            for i in self._by_id.values()
            if i.tags
        ]

    def need(self, reference: str) -> ImageInfo:
        found = self.find(reference)
        if found is None:
            raise ImageNotFound(f"no such image: {reference}")
        return found

    def remove(self, reference: str) -> None:
        """The name, and with its last name the image."""
        found = self.find(reference)
        if found is None:
            return
        name = Reference.parse(reference)
        rest = tuple(tag for tag in found.tags if tag != name.familiar)
        del self._by_id[found.id]
        if rest and not name.is_id:
            self._by_id[found.id] = replace(found, tags=rest)

    def save(self, reference: str) -> Iterator[bytes]:
        info = self.need(reference)
        if not Reference.parse(reference).is_id:
            info = replace(info, tags=(Reference.parse(reference).familiar,))
        packed = _MAGIC + json.dumps(asdict(info)).encode()
        return (packed[at : at + _CHUNK] for at in range(0, len(packed), _CHUNK))

    def load(self, archive: Iterable[bytes]) -> None:
        packed = b"".join(archive)
        if not packed.startswith(_MAGIC):
            raise EngineError("this is no image archive")
        values = json.loads(packed[len(_MAGIC) :])
        for key in ("tags", "entrypoint", "command", "layers"):
            values[key] = tuple(values[key])
        info = ImageInfo(**values)
        there = self._by_id.get(info.id)
        tags = dict.fromkeys((*(there.tags if there else ()), *info.tags))
        self._by_id.pop(info.id, None)
        info = replace(info, tags=tuple(tags))
        self.add(info.tags[0] if info.tags else info.id, info)

    def build(
        self, context: bytes, tag: str, labels: Mapping[str, str], timeout_s: float
    ) -> ImageInfo:
        """``FROM`` must be there; ``RUN`` of a plain command runs it; the rest is inherited."""
        lines = _dockerfile(context)
        wanted = next(line.split()[1] for line in lines if line.startswith("FROM "))
        base = self.find(wanted)
        if base is None:
            raise CommandFailed(f"no such image: {wanted}", status=1)
        for line in lines:
            if line.startswith("RUN ") and not line.startswith("RUN ["):
                _run_step(line.removeprefix("RUN "), timeout_s)
        recipe = hashlib.sha256(context).hexdigest() + base.id + repr(sorted(labels.items()))
        made = replace(base, id=_hash(recipe), tags=(), labels={**base.labels, **labels})
        return self.add(tag, made)


def _dockerfile(context: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(context)) as tar:
        stream = tar.extractfile("Dockerfile")
        return stream.read().decode().splitlines() if stream else []


def _run_step(command: str, timeout_s: float) -> None:
    try:
        result = run(Execution(("sh", "-c", command), "build", FileTree()))
    except Endless:
        raise TimedOut(f"the build took more than {timeout_s:g} s") from None
    if result.status not in (0, 127):
        said = (result.stdout + result.stderr).decode(errors="replace")
        raise CommandFailed(f"step {command!r} failed", status=result.status, tail=said.rstrip())


def _hash(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
