"""The registry where what Clocker makes of images is shared: pushed once it is made, pulled
elsewhere. It is a help, not a need: without it images go from host to host."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from clocker.errors import ConfigError, ImageNotFound, InfrastructureError
from clocker.images.ensure import Logins
from clocker.images.reference import Reference
from clocker.interfaces import Engine
from clocker.model import ImageInfo, Registry

_AWAY_S = 60.0
_PULL_S = 300.0
_PUSH_S = 300.0

Tell = Callable[[str], None]


class Shared:
    """Thread-safe. A registry that fails is not asked again for a while by this process."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins
        self._lock = Lock()
        self._away_until: dict[str, float] = {}

    def pull(
        self,
        engine: Engine,
        registry: Registry,
        tag: str,
        good: Callable[[ImageInfo], bool],
        tell: Tell,
    ) -> ImageInfo | None:
        """The image of that tag on ``engine``, or None: it is not there, not ``good``, or the
        registry fails, which is told."""
        if self._is_away(registry):
            return None
        name = Reference.parse(f"{registry.name}/{tag}")
        try:
            engine.pull(name.familiar, auth=self._logins(name), timeout_s=_PULL_S)
        except ImageNotFound:
            return None
        except (InfrastructureError, ConfigError) as error:
            self._has_failed(registry, error, tell)
            return None
        found = engine.image(name.familiar)
        if found is not None and good(found):
            engine.tag(found.id, tag)
        engine.remove_image(name.familiar)
        return engine.image(tag) if found and good(found) else None

    def push(self, engine: Engine, registry: Registry, tag: str, tell: Tell) -> bool:
        """What ``engine`` has of that name; whether it is there now. A failure is told."""
        if self._is_away(registry):
            return False
        name = Reference.parse(f"{registry.name}/{tag}")
        try:
            engine.tag(tag, name.familiar)
            engine.push(name.familiar, auth=self._logins(name), timeout_s=_PUSH_S)
        except (InfrastructureError, ConfigError) as error:
            self._has_failed(registry, error, tell)
            return False
        finally:
            engine.remove_image(name.familiar)
        return True

    def _is_away(self, registry: Registry) -> bool:
        with self._lock:
            return time.monotonic() < self._away_until.get(registry.name, 0.0)

    def _has_failed(
        self, registry: Registry, error: InfrastructureError | ConfigError, tell: Tell
    ) -> None:
        with self._lock:
            self._away_until[registry.name] = time.monotonic() + _AWAY_S
        tell(f"not shared by registry {registry.name}: {error.what}")
