"""Which user and password are for an image's registry."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from clocker.bootstrap.own_registries import own_registries
from clocker.images import Reference
from clocker.interfaces import Keys, Parts
from clocker.model import Registry, RegistryAuth

OWN_USER = "clocker"


@dataclass(frozen=True, slots=True)
class Logins:
    """Nothing is fetched before it is asked for."""

    parts: Parts

    def __call__(self, reference: Reference) -> RegistryAuth | None:
        """Of the registry of clocker.yaml that names most of it, or of one of the cloud's own."""
        spec = self.parts.spec
        fitting = [r for r in spec.registries if r.holds(reference.registry, reference.path)]
        for registry in sorted(fitting, key=lambda registry: -len(registry.name)):
            if found := self.parts.login(registry.name):
                return found
        with self.parts.store.read() as tx:
            own = own_registries(tx, spec.zone)
        for registry in own:
            if registry.holds(reference.registry, reference.path):
                return own_auth(self.parts.keys, spec.name, registry)
        return None


def own_auth(keys: Keys, cloud: str, registry: Registry) -> RegistryAuth:
    """Of a registry that is a container of the cloud. It follows from the cloud's key, and is
    kept nowhere."""
    container = registry.name.partition(".")[0]
    return RegistryAuth(OWN_USER, own_password(keys, cloud, container))


def own_password(keys: Keys, cloud: str, container: str) -> str:
    derived = keys.derive("registry-password", f"{cloud}/{container}")
    return sha256(derived.private.encode()).hexdigest()
