"""An image that is built from a Dockerfile: brought from elsewhere, or built by the first who asks
for it on the whole cloud, while the others wait for that and share its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clocker.cloud import ledger, turns, unshared
from clocker.cloud.heartbeat import holding_setting
from clocker.cloud.shared_registry import shared_registry, shared_registry_of
from clocker.errors import ClockerError
from clocker.images import Images, Sources
from clocker.images.built import is_built
from clocker.interfaces import Engine, Parts
from clocker.model import Host, ImageInfo, Work


@dataclass(frozen=True, slots=True)
class BuildOnce:
    """On ``host``, whose ``engine`` it is, for ``subject``. A builder that is killed is taken over:
    its engine has ended the build by then, as nobody hears it."""

    parts: Parts
    images: Images
    engine: Engine
    host: Host
    sources: Sources
    subject: str
    limit_s: float

    def __call__(self, tag: str, make: Callable[[], ImageInfo]) -> ImageInfo:
        """InfrastructureError when the one that was waited for has failed."""
        while True:
            if found := self._brought(tag):
                return found
            with self.parts.store.transaction() as tx:
                work = ledger.claim_setting(self.parts, tx, lease_of(tag))
            if work is not None:
                return self._held(tag, make, work)
            turns.await_end(self.parts, lease_of(tag), self.subject, "build", self.limit_s)

    def _held(self, tag: str, make: Callable[[], ImageInfo], work: Work) -> ImageInfo:
        """With the lease: it may have been completed just before that was ours."""
        made = failure = None
        try:
            with holding_setting(self.parts, lease_of(tag), work):
                if brought := self._brought(tag):
                    return brought
                made = make()
                return made
        except ClockerError as error:
            failure = str(error)
            raise
        finally:
            self._end(tag, work, made, failure)

    def _end(self, tag: str, work: Work, made: ImageInfo | None, failure: str | None) -> None:
        """Whoever was taken over has a good image, but it is not the one that all are to have."""
        with self.parts.store.transaction() as tx:
            if not ledger.holds_setting(tx, lease_of(tag), work):
                return
            if made is not None:
                turns.note_made(tx, lease_of(tag), made.id)
            if made is not None and shared_registry_of(self.parts, tx):
                unshared.intend(tx, tag, made.id, self.host.id)
            if failure is not None:
                turns.note_failure(self.parts, tx, lease_of(tag), failure)
            ledger.release_setting(tx, lease_of(tag), work)

    def _brought(self, tag: str) -> ImageInfo | None:
        """What this host has by that name is good; from elsewhere only the one that was made last,
        as far as that is on record."""
        there = self.engine.image(tag)
        if there and is_built(there):
            return there
        known = turns.made_last(self.parts, lease_of(tag))

        def good(image: ImageInfo) -> bool:
            return is_built(image) and known in (None, image.id)

        registry = shared_registry(self.parts)
        return self.images.brought(
            self.engine, tag, self.sources, good, registry, self._tell_failure
        )

    def _tell_failure(self, what: str) -> None:
        self.parts.progress.failed(self.subject, what)


def lease_of(tag: str) -> str:
    return f"build/{tag}"
