"""A cloud's images and volumes, as its class offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clocker.deferred import modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from clocker.cloud import base_image, builds, holdings, image_list, image_stock
    from clocker.cloud.base_image import LoadedImage
    from clocker.cloud.builds import BuildReport
    from clocker.cloud.holdings import VolumeView
    from clocker.cloud.image_list import ImageView
    from clocker.cloud.image_stock import ImageStock
    from clocker.cloud.sharing import Sharing
    from clocker.images import Images
    from clocker.images.archive import RootImage
    from clocker.interfaces import Parts
    from clocker.model import Build
else:
    globals().update(modules("clocker.cloud", "base_image builds holdings image_list image_stock"))


class CloudImages:
    """The part of a Cloud that is about what its hosts hold besides containers."""

    _parts: Parts
    _images: Images
    _sharing: Sharing

    def images(self) -> tuple[ImageView, ...]:
        """Those on the hosts, by name."""
        return image_list.images(self._parts)

    def build(
        self,
        build: Build,
        *,
        name: str | None = None,
        host: str | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> BuildReport:
        """Build an image on ``host``, or on any that is ready, and call it ``name``."""
        report = builds.build(
            self._parts, self._images, build, name=name, host=host, on_line=on_line
        )
        self._sharing.begin()
        return report

    def build_library(
        self,
        build: Build,
        name: str,
        *,
        host: str | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Iterator[BuildReport]:
        """Build each variant of a checkout like those of Docker's library, as ``name:VARIANT``."""
        yield from builds.build_library(
            self._parts, self._images, build, name=name, host=host, on_line=on_line
        )
        self._sharing.begin()

    def stock(self) -> ImageStock:
        """To copy, remove and clear up the images on the hosts."""
        return image_stock.ImageStock(self._parts, self._images)

    def image_places(self, hosts: Sequence[str] = ()) -> tuple[str, ...]:
        """Where ``load_base`` would load an image: these hosts, or this machine. NotFound,
        Unreachable, BadInput."""
        return tuple(name for name, _ in base_image.places(self._parts, hosts))

    def load_base(
        self, image: RootImage, hosts: Sequence[str] = (), *, ssh: bool = False
    ) -> list[LoadedImage]:
        """Put an image that was made here on ``hosts``, or into this machine's engine, from where
        hosts copy it; with ``ssh`` also one with an sshd."""
        return base_image.load_base(self._parts, self._images, image, hosts, ssh=ssh)

    def volumes(self) -> tuple[VolumeView, ...]:
        """The named ones on the hosts, also those that no container uses."""
        return holdings.volumes(self._parts)

    def create_volume(self, name: str, host: str, size_gb: int = 0) -> VolumeView:
        """For containers that are made on this host later."""
        return holdings.create_volume(self._parts, name, host, size_gb)

    def remove_volume(self, name: str, host: str) -> None:
        """With what is in it; refused while a container uses it."""
        holdings.remove_volume(self._parts, name, host)
