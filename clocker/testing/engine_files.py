"""What a fake engine does with files: archives and volumes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from threading import RLock

from clocker.errors import EngineError
from clocker.testing.container import FakeContainer
from clocker.testing.faults import Scripted, scripted
from clocker.testing.volumes import FakeVolumes

_CHUNK = 65536


class EngineFiles(Scripted):
    """A part of ``FakeEngine``."""

    name: str

    def __init__(self) -> None:
        super().__init__()
        self._volumes = FakeVolumes()
        self._containers: dict[str, FakeContainer] = {}
        self._lock = RLock()

    @property
    def volumes(self) -> dict[str, dict[str, str]]:
        """Their labels by their names."""
        return self._volumes.labels

    @scripted
    def put_archive(self, container: str, path: str, tar: bytes) -> None:
        with self._lock:
            found = self._need(container)
            if found.spec.read_only:
                raise EngineError("the container's files are read-only", where=self.name)
            found.files.unpack(path, tar)

    @scripted
    def get_archive(self, container: str, path: str) -> bytes:
        with self._lock:
            return self._need(container).files.pack(path)

    @scripted
    def read_archive(self, container: str, path: str) -> Iterator[bytes]:
        with self._lock:
            packed = self._need(container).files.pack(path)
        return (packed[at : at + _CHUNK] for at in range(0, len(packed), _CHUNK))

    @scripted
    def write_archive(self, container: str, path: str, tar: Iterable[bytes]) -> None:
        chunks = list(tar)  # not under the lock: they may come from this very engine
        with self._lock:
            self._need(container).files.unpack(path, b"".join(chunks))

    @scripted
    def remove_volumes(self, labels: Mapping[str, str]) -> None:
        with self._lock:
            for name in self._labelled(labels):
                self._remove_volume(name)

    @scripted
    def list_volumes(self, labels: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
        with self._lock:
            return self._labelled(labels)

    @scripted
    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        with self._lock:
            self._volumes.ensure(name, labels)

    @scripted
    def has_volume(self, name: str) -> bool:
        with self._lock:
            return name in self.volumes

    @scripted
    def remove_volume(self, name: str) -> None:
        with self._lock:
            self._remove_volume(name)

    def _labelled(self, labels: Mapping[str, str]) -> dict[str, dict[str, str]]:
        return {n: dict(own) for n, own in self.volumes.items() if labels.items() <= own.items()}

    def _remove_volume(self, name: str) -> None:
        if any(v.source == name for c in self._containers.values() for v in c.spec.volumes):
            raise EngineError(f"volume {name} is in use", where=self.name)
        self._volumes.remove(name)

    def _need(self, container: str) -> FakeContainer:
        raise NotImplementedError
