"""A root file system as an image, in the form in which engines load them. No engine is needed to
make one."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_CHUNK = 1024 * 1024
_CONFIG, _LAYER = "config.json", "layer.tar"


@dataclass(frozen=True, slots=True)
class RootImage:
    """``layer``: a tar of the files. ``name``: what it is called where it is loaded.
    ``created_at``: epoch seconds."""

    layer: Path
    name: str
    architecture: str
    command: Sequence[str]
    labels: Mapping[str, str]
    created_at: float

    def archive(self) -> Iterator[bytes]:
        """For ``Engine.load``."""
        config = self._config()
        manifest = [{"Config": _CONFIG, "RepoTags": [self.name], "Layers": [_LAYER]}]
        yield from _member(_CONFIG, config)
        yield from _member("manifest.json", json.dumps(manifest).encode())
        yield _header(_LAYER, size := self.layer.stat().st_size)
        yield from _pieces(self.layer)
        yield b"\0" * (-size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)

    @property
    def id(self) -> str:
        return f"sha256:{hashlib.sha256(self._config()).hexdigest()}"

    def _config(self) -> bytes:
        digest = hashlib.sha256()
        for piece in _pieces(self.layer):
            digest.update(piece)
        when = datetime.fromtimestamp(self.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = {
            "architecture": self.architecture,
            "os": "linux",
            "created": when,
            "config": {"Cmd": list(self.command), "Labels": dict(self.labels)},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest.hexdigest()}"]},
            "history": [{"created": when, "created_by": "clocker image base"}],
        }
        return json.dumps(said, sort_keys=True).encode()


def _member(name: str, data: bytes) -> Iterator[bytes]:
    yield _header(name, len(data))
    yield data
    yield b"\0" * (-len(data) % tarfile.BLOCKSIZE)


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry.tobuf(tarfile.GNU_FORMAT)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            yield piece
