"""A generated image on a host: there, brought from elsewhere, or installed; the first who asks for
a kind on the whole cloud installs it, the others wait for that and share its outcome."""

from __future__ import annotations

import time
from dataclasses import dataclass

from clocker.cloud import installs, ledger, unshared
from clocker.cloud.container_spec import CLOUD_LABEL, engine_name
from clocker.cloud.heartbeat import holding_setting
from clocker.cloud.shared_registry import shared_registry
from clocker.errors import ClockerError, InfrastructureError, TimedOut
from clocker.images import Images, Sources
from clocker.images.install import install_key, install_tag, is_good, once_tag
from clocker.images.installer import KEY_LABEL, Order, install_in
from clocker.interfaces import Engine, Parts
from clocker.model import Container, Host, ImageInfo, Install, Work

_LOOK_S = 0.2
_BEYOND_S = 300.0
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
                if unshared.is_due(self.parts, tag):
                    self._share(tag)
                return found
            if work := installs.claim(self.parts, key, self.host.id):
                made, is_new = self._held(base, install, key, tag, work)
                if is_new:
                    self._share(tag)
                return made
            self._await(install, key)

    def _alone(self, base: ImageInfo, install: Install, key: str, tag: str) -> ImageInfo:
        work = installs.claim(self.parts, key, self.host.id)
        if work is None:
            raise InfrastructureError("another process carries on with this", where=tag)
        return self._held(base, install, key, tag, work)[0]

    def _held(
        self, base: ImageInfo, install: Install, key: str, tag: str, work: Work
    ) -> tuple[ImageInfo, bool]:
        """With the lease: it may have been completed just before that was ours. And whether it
        was not, and is new."""
        failure, clean, made = None, False, None
        try:
            with holding_setting(self.parts, installs.lease_of(key), work):
                brought = self._brought(install, key, tag)
                made = brought or self._install(base, install, key, tag, work)
                clean = True
                return made, brought is None
        except ClockerError as error:
            failure, clean = str(error), self._is_clean(key)
            raise
        finally:
            made = made if install.keep else None
            installs.end(
                self.parts, key, self.host.id, work, clean=clean, failure=failure, made=made
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
        known = installs.made_last(self.parts, key)

        def good(image: ImageInfo) -> bool:
            right = image.id == known if known else image.labels.get(KEY_LABEL) == key
            return right and is_good(image, install, self.asked_at)

        if not install.keep:
            return None
        return self.images.generated(
            self.engine, tag, self.sources, good, shared_registry(self.parts), self._tell_failure
        )

    def _share(self, tag: str) -> None:
        registry = shared_registry(self.parts)
        if registry is not None:
            self.parts.progress.step(self.container.name, f"pushing to {registry.name}")
            unshared.begin(self.parts, tag)
            done = self.images.shared.push(self.engine, registry, tag, self._tell_failure)
            if done:
                unshared.end(self.parts, tag)
            outcome = "shared" if done else "not shared"
            ledger.log_now(self.parts, "install", self.container.name, outcome, registry.name)

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

    def _await(self, install: Install, key: str) -> None:
        """Until whoever installs it has ended, or is gone; InfrastructureError when that failed."""
        self.parts.progress.step(self.container.name, "waiting for the same install elsewhere")
        begun = self.parts.clock()
        while not installs.is_free(self.parts, key):
            if self.parts.clock() - begun > install.timeout_s + _BEYOND_S:
                raise TimedOut("the same install elsewhere does not end", where="install")
            self.parts.sleep(_LOOK_S)
        if what := installs.failed_since(self.parts, key, begun):
            raise InfrastructureError(f"the same install has failed elsewhere:\n{what}")

    def tell_build(self, line: str) -> None:
        self._tell(line, "build")

    def _tell(self, line: str, what: str = "install") -> None:
        shown = "".join(char for char in line.strip()[:_LINE] if char.isprintable())
        if shown:
            self.parts.progress.step(self.container.name, f"{what}: {shown}")
