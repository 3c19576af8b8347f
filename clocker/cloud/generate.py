"""A generated image on a host: there, brought from elsewhere, or installed; the first who asks for
a kind on the whole cloud installs it, the others wait for that and share its outcome."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from clocker.cloud import installs, ledger, turns
from clocker.cloud.build_once import BuildOnce
from clocker.cloud.container_spec import CLOUD_LABEL, engine_name
from clocker.cloud.heartbeat import holding_setting
from clocker.cloud.shared_registry import shared_registry
from clocker.errors import ClockerError, InfrastructureError
from clocker.images import ImageKind, Images, Sources, kind_of
from clocker.images.install import install_key, install_tag, is_good, once_tag
from clocker.images.installer import KEY_LABEL, Order, install_in
from clocker.interfaces import Engine, Parts
from clocker.model import Container, Host, ImageInfo, Install, Work

_LINE = 100


@dataclass(frozen=True, slots=True)
class Generator:
    """For one container that is being made on ``host``. ``asked_at``: what was generated later is
    good, however short its time to live."""

    parts: Parts
    images: Images
    engine: Engine
    host: Host
    container: Container
    sources: Sources
    asked_at: float

    def __call__(self, base: ImageInfo) -> ImageInfo:
        """``base`` with what the container's request wants installed."""
        install = self.container.request.install
        if install is None:
            return base
        key = install_key(install, base)
        if not install.keep:
            once = f"{key[:16]}{self.container.id}"
            return self._alone(base, install, once, once_tag(self.container.id))
        tag = install_tag(key)
        return self.images.once(self.engine, tag, lambda: self._shared(base, install, key, tag))

    def _shared(self, base: ImageInfo, install: Install, key: str, tag: str) -> ImageInfo:
        while True:
            if found := self._brought(install, key, tag):
                return found
            if work := installs.claim(self.parts, key, self.host.id):
                return self._held(base, install, key, tag, work)
            lease, name = installs.lease_of(key), self.container.name
            turns.await_end(self.parts, lease, name, "install", install.timeout_s)

    def _alone(self, base: ImageInfo, install: Install, key: str, tag: str) -> ImageInfo:
        work = installs.claim(self.parts, key, self.host.id)
        if work is None:
            raise InfrastructureError("another process carries on with this", where=tag)
        return self._held(base, install, key, tag, work)

    def _held(self, base: ImageInfo, install: Install, key: str, tag: str, work: Work) -> ImageInfo:
        """With the lease: it may have been completed just before that was ours."""
        failure, clean, brought, made = None, False, None, None
        try:
            with holding_setting(self.parts, installs.lease_of(key), work):
                brought = self._brought(install, key, tag)
                made = brought or self._install(base, install, key, tag, work)
                clean = True
                return made
        except ClockerError as error:
            failure, clean = str(error), self._is_clean(key)
            raise
        finally:
            installs.end(
                self.parts,
                key,
                self.host.id,
                work,
                clean=clean,
                failure=failure,
                found=made if install.keep else None,
                new=brought is None,
            )

    def _is_clean(self, key: str) -> bool:
        try:
            installs.remove_left(self.parts, self.engine, key)
        except ClockerError as error:
            self.parts.progress.failed(self.container.name, f"left for later: {error.what}")
            return False
        return True

    def _brought(self, install: Install, key: str, tag: str) -> ImageInfo | None:
        """The very image that was made last of this kind, as far as that is on record."""
        known = turns.made_last(self.parts, installs.lease_of(key))

        def good(image: ImageInfo) -> bool:
            right = image.id == known if known else image.labels.get(KEY_LABEL) == key
            is_generated = kind_of(image) is ImageKind.GENERATED
            return is_generated and right and is_good(image, install, self.asked_at)

        if not install.keep:
            return None
        registry = shared_registry(self.parts)
        return self.images.brought(
            self.engine, tag, self.sources, good, registry, self._tell_failure
        )

    def _tell_failure(self, what: str) -> None:
        self.parts.progress.failed(self.container.name, what)

    def _install(
        self, base: ImageInfo, install: Install, key: str, tag: str, work: Work
    ) -> ImageInfo:
        installs.remove_left(self.parts, self.engine, key)
        installs.remove_elsewhere(self.parts, key, self.host.id)
        self._rename_old(tag)
        order = Order(
            base,
            install,
            key,
            name=f"{engine_name(self.parts.spec.name, 'install')}_{key}",
            tag=tag,
            labels={CLOUD_LABEL: self.parts.spec.name},
            on_line=self._tell,
            before_commit=lambda: self._check_held(key, work),
        )
        begun = time.monotonic()
        made = install_in(self.engine, order)
        took = f"{time.monotonic() - begun:.1f} s"
        subject, detail = self.container.name, f"{tag} on {self.host.name}, {took}"
        ledger.log_now(self.parts, "install", subject, "done", detail)
        return made

    def _rename_old(self, tag: str) -> None:
        """The name is about to become another image's; without one it would never be cleared up."""
        old = self.engine.image(tag)
        if old is not None:
            self.engine.tag(old.id, f"{tag}-{old.id.removeprefix('sha256:')[:12]}")

    def _check_held(self, key: str, work: Work) -> None:
        with self.parts.store.read() as tx:
            ledger.still_holds_setting(tx, installs.lease_of(key), work)

    def build_once(self, tag: str, make: Callable[[], ImageInfo]) -> ImageInfo:
        """See ``BuildOnce``; for what the container's image is built from."""
        build = self.container.request.build
        limit_s = build.timeout_s if build else 0.0
        once = BuildOnce(
            self.parts,
            self.images,
            self.engine,
            self.host,
            self.sources,
            self.container.name,
            limit_s,
        )
        return once(tag, make)

    def tell_build(self, line: str) -> None:
        self._tell(line, "build")

    def _tell(self, line: str, what: str = "install") -> None:
        shown = "".join(char for char in line.strip()[:_LINE] if char.isprintable())
        if shown:
            self.parts.progress.step(self.container.name, f"{what}: {shown}")
