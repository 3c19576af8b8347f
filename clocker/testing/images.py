"""The images of a fake engine: their names and archives."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace

from clocker.errors import EngineError, ImageNotFound
from clocker.images.reference import Reference
from clocker.model import ImageInfo
from clocker.testing.files import FileTree

_CHUNK = 512
_CONTENTS: dict[str, bytes] = {}
"""Of layers, by their digests: whoever has an image's name for one may read it."""


class FakeImages:
    """Not locked: its engine is."""

    def __init__(self) -> None:
        self._by_id: dict[str, ImageInfo] = {}
        self._numbers = itertools.count()

    def add(self, reference: str, info: ImageInfo | None = None) -> ImageInfo:
        """Have ``info`` (made up when None) under a name, which it takes from any other."""
        name = Reference.parse(reference)
        made = info or ImageInfo(
            _hash(str(name).encode()), command=("sleep", "infinity"), architecture="amd64"
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

    def has_other_names(self, reference: str) -> bool:
        """Whether its image would stay if this name went."""
        name = Reference.parse(reference)
        found = self.find(reference)
        return bool(found and not name.is_id and {*found.tags} - {name.familiar})

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

    def tree(self, image: ImageInfo) -> FileTree:
        """What is in a fresh container of it."""
        files = FileTree()
        for digest in image.layers:
            files.unpack("/", _CONTENTS[digest])
        return files

    def commit(self, reference: str, made: ImageInfo, files: FileTree) -> ImageInfo:
        """``made`` with all that is in ``files`` as its topmost layer."""
        packed = files.without_mounts().pack("/")
        digest = _hash(packed)
        _CONTENTS[digest] = packed
        made = replace(made, layers=(*made.layers, digest), tags=())
        recipe = repr((made, reference, next(self._numbers))).encode()
        return self.add(reference, replace(made, id=_hash(recipe)))

    def save(self, reference: str) -> Iterator[bytes]:
        """Laid out as engines do it: a configuration, layers, and a manifest that names them."""
        info = self.need(reference)
        if not Reference.parse(reference).is_id:
            info = replace(info, tags=(Reference.parse(reference).familiar,))
        names = {digest: f"{_hex(digest)}/layer.tar" for digest in info.layers}
        config = f"{_hex(info.id)}.json"
        manifest = {"Config": config, "RepoTags": info.tags, "Layers": [*names.values()]}
        members = {config: json.dumps(asdict(info)).encode()}
        members |= {names[digest]: _CONTENTS[digest] for digest in info.layers}
        packed = _packed(members | {"manifest.json": json.dumps([manifest]).encode()})
        return (packed[at : at + _CHUNK] for at in range(0, len(packed), _CHUNK))

    def load(self, archive: Iterable[bytes]) -> None:
        """A layer may be missing in it where all layers up to it are here."""
        members = _unpacked(b"".join(archive))
        try:
            (manifest,) = json.loads(members["manifest.json"])
            values = json.loads(members[manifest["Config"]])
        except (KeyError, ValueError) as error:
            raise EngineError("this is no image archive") from error
        for key in ("tags", "entrypoint", "command", "layers"):
            values[key] = tuple(values[key])
        info = ImageInfo(**values)
        self._take_layers(info, dict(zip(info.layers, manifest["Layers"], strict=True)), members)
        there = self._by_id.get(info.id)
        tags = dict.fromkeys((*(there.tags if there else ()), *info.tags))
        self._by_id.pop(info.id, None)
        info = replace(info, tags=tuple(tags))
        self.add(info.tags[0] if info.tags else info.id, info)

    def _take_layers(
        self, info: ImageInfo, names: Mapping[str, str], members: Mapping[str, bytes]
    ) -> None:
        chains = {i.layers[:n] for i in self._by_id.values() for n in range(1, len(i.layers) + 1)}
        for count, digest in enumerate(info.layers, 1):
            data = members.get(names[digest])
            if info.layers[:count] in chains:
                continue
            if data is None:
                raise EngineError(f"the archive lacks {names[digest]}")
            if _hash(data) != digest:
                raise EngineError(f"{names[digest]} is not what the image says")
            _CONTENTS[digest] = data


def _packed(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in sorted(members.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _unpacked(archive: bytes) -> dict[str, bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            files = [(entry.name, tar.extractfile(entry)) for entry in tar if entry.isfile()]
            return {name: stream.read() for name, stream in files if stream}
    except tarfile.TarError as error:
        raise EngineError("this is no image archive") from error


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _hash(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
