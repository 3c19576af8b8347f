"""Registries, and what goes to and comes from them, as the Cloud's class offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clocker.deferred import modules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clocker.cloud import image_transfers, registry
    from clocker.cloud.image_transfers import Pulled, Pushed
    from clocker.cloud.registry import RegistryCheck, RegistryView, RegistryWishes
    from clocker.images import Images
    from clocker.interfaces import Parts
else:
    globals().update(modules("clocker.cloud", "image_transfers registry"))


class CloudRegistries:
    """The part of a Cloud that is about registries."""

    _parts: Parts
    _images: Images

    def registries(self) -> tuple[RegistryView, ...]:
        """Those of clocker.yaml, then those that are containers of the cloud."""
        return registry.views(self._parts)

    def run_registry(
        self, name: str = "registry", wishes: RegistryWishes | None = None
    ) -> RegistryView:
        """A registry as a container of the cloud, with TLS and a password, that all hosts use."""
        return registry.run(self._parts, self._images, name, wishes or registry.RegistryWishes())

    def remove_registry(self, name: str, *, data: bool = False) -> None:
        """``data``: with all images that are in it."""
        registry.remove(self._parts, name, data=data)

    def check_registry(self, name: str) -> tuple[RegistryCheck, ...]:
        """Whether it lets each host in."""
        return registry.check(self._parts, name)

    def pull_image(self, reference: str, hosts: Sequence[str] = ()) -> Pulled:
        """To the hosts named, or all that are ready."""
        return image_transfers.pull(self._parts, reference, hosts)

    def push_image(
        self, reference: str, target: str | None = None, *, host: str | None = None
    ) -> Pushed:
        """From a host that has it, under the name ``target``."""
        return image_transfers.push(self._parts, reference, target, host)
