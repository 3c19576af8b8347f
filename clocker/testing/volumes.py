"""The volumes of a fake engine, and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clocker.model import ContainerSpec
from clocker.testing.files import File, FileTree


@dataclass(slots=True)
class FakeVolumes:
    """Not locked: their engine is. ``labels``: by the volume's name."""

    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, FileTree] = field(default_factory=dict)

    def ensure(self, name: str, labels: Mapping[str, str]) -> FileTree:
        self.labels.setdefault(name, dict(labels))
        return self.files.setdefault(name, FileTree({"/": File()}))

    def remove(self, name: str) -> None:
        self.labels.pop(name, None)
        self.files.pop(name, None)

    def mounts(self, spec: ContainerSpec) -> dict[str, FileTree]:
        """By their paths in the container, made where they are missing. A host's folders are not
        modelled."""
        return {
            volume.target: self.ensure(volume.source, {})
            for volume in spec.volumes
            if not volume.source.startswith("/")
        }
