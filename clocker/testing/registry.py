"""Registries in memory, and what a fake engine does with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import RLock

from clocker.errors import (
    AuthenticationFailed,
    ImageNotFound,
    RegistryUntrusted,
    TransferInterrupted,
    Unreachable,
)
from clocker.images.reference import Reference
from clocker.model import ImageInfo, RegistryAuth
from clocker.testing.faults import Scripted, scripted
from clocker.testing.images import FakeImages


class FakeRegistry(dict[str, ImageInfo]):
    """All registries that there are: full names (docker.io/library/x:latest) to images. By their
    hosts: ``passwords``, of those that want one; ``down``; ``untrusted``; ``broken``: those that
    go away in the midst of the next transfer, and then are down."""

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[str, RegistryAuth] = {}
        self.down: set[str] = set()
        self.untrusted: set[str] = set()
        self.broken: set[str] = set()

    def enter(self, host: str, auth: RegistryAuth | None) -> None:
        """Raises if the registry is not there for who asks."""
        if host in self.down:
            raise Unreachable(f"registry {host} cannot be reached")
        if host in self.untrusted:
            raise RegistryUntrusted(f"the host does not know who signed for registry {host}")
        wanted = self.passwords.get(host)
        if wanted and auth is None:
            raise AuthenticationFailed(f"registry {host} wants a user and a password")
        if wanted and auth != wanted:
            raise AuthenticationFailed(f"registry {host} does not accept the user or the password")

    def carry(self, host: str) -> None:
        """Raises if the registry goes away meanwhile."""
        if host in self.broken:
            self.broken.discard(host)
            self.down.add(host)
            raise TransferInterrupted(f"registry {host} does not answer any more")


class EngineRegistries(Scripted):
    """A part of ``FakeEngine``."""

    name: str
    registry: FakeRegistry
    _images: FakeImages
    _lock: RLock

    @scripted
    def tag(self, image: str, reference: str) -> None:
        with self._lock:
            self._images.add(reference, self._images.need(image))

    @scripted
    def pull(
        self,
        reference: str,
        *,
        auth: RegistryAuth | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout_s: float = 300.0,
    ) -> None:
        name = Reference.parse(reference)
        with self._lock:
            self.registry.enter(name.registry, auth)
            info = self.registry.get(str(name)) or self._by_digest(name)
            if info is None:
                raise ImageNotFound(
                    f"registry {name.registry} has no image {reference}", where=self.name
                )
            self.registry.carry(name.registry)
            self._images.add(reference, self._images.find(info.id) or info)
        if on_line:
            on_line(f"Status: Downloaded newer image for {reference}")

    @scripted
    def push(
        self,
        reference: str,
        *,
        auth: RegistryAuth | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout_s: float = 600.0,
    ) -> str:
        name = Reference.parse(reference)
        with self._lock:
            info = self._images.find(reference)
            if info is None:
                raise ImageNotFound(f"the host has no image {reference}", where=self.name)
            self.registry.enter(name.registry, auth)
            self.registry.carry(name.registry)
            self.registry[str(name)] = replace(info, tags=())
        if on_line:
            on_line(f"{name.tag}: digest: {info.id}")
        return info.id

    def _by_digest(self, name: Reference) -> ImageInfo | None:
        """The fake's digests are its ids."""
        where = f"{name.registry}/{name.path}:"
        held = (info for key, info in self.registry.items() if key.startswith(where))
        return next((info for info in held if info.id == name.digest), None)
