"""Where machines come from: one adapter for all of libcloud's drivers, one for this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from clocker.errors import ConfigError
from clocker.interfaces import Progress, Provider
from clocker.model import ProviderEntry

__all__ = ["open_provider"]

LOCAL_OPTIONS = frozenset({"network", "internal", "subnet", "image"})
STATIC_OPTIONS = frozenset({"machines", "inventory", "claims"})


def open_provider(entry: ProviderEntry, progress: Progress) -> Provider:
    """The provider that an entry of ``providers.yaml`` names; nothing is contacted yet."""
    return DRIVERS.get(entry.driver, _libcloud)(entry, progress)


def _local(entry: ProviderEntry, progress: Progress) -> Provider:
    _refuse_unknown(entry, LOCAL_OPTIONS)

    def connect() -> Any:
        from libcloud.compute.providers import get_driver

        from clocker.providers.local_driver import PROVIDER, register

        register()
        driver: Any = get_driver(PROVIDER)
        options = {**entry.arguments, **entry.options}
        return driver(**options, ex_say=lambda text: progress.step("node image", text))

    return _compute(entry, "clocker-local", connect, progress)


def _localhost(entry: ProviderEntry, progress: Progress) -> Provider:
    from clocker.providers.localhost import LocalhostProvider

    return LocalhostProvider(entry)


def _static(entry: ProviderEntry, progress: Progress) -> Provider:
    from clocker.providers.claims import ClaimsFile
    from clocker.providers.static import StaticProvider

    _refuse_unknown(entry, STATIC_OPTIONS)
    claims = entry.options.get("claims") or _state_home() / "clocker" / "static-claims.json"
    return StaticProvider(entry, ClaimsFile(Path(str(claims)).expanduser()))


def _state_home() -> Path:
    named = os.environ.get("XDG_STATE_HOME", "")
    return Path(named) if named.startswith("/") else Path.home() / ".local" / "state"


def _refuse_unknown(entry: ProviderEntry, known: Iterable[str]) -> None:
    unknown = sorted(set(entry.options) - set(known))
    if unknown:
        raise ConfigError(
            f"unknown option: {unknown[0]}",
            where=f"providers.yaml: {entry.name}.options",
            remedy=f"known: {', '.join(sorted(known))}",
        )


def _libcloud(entry: ProviderEntry, progress: Progress) -> Provider:
    from libcloud.compute.providers import DRIVERS as KNOWN
    from libcloud.compute.providers import get_driver

    from clocker.providers.constructor import check_arguments

    if entry.driver not in KNOWN:
        raise ConfigError(
            f"no such driver: {entry.driver}",
            where=f"providers.yaml: {entry.name}.driver",
            remedy=f"{', '.join(DRIVERS)}, or one of libcloud's compute drivers (ec2, gce, ...)",
        )

    driver: Any = get_driver(entry.driver)
    check_arguments(entry, driver)

    def connect() -> Any:
        return driver(**entry.arguments)

    return _compute(entry, entry.driver, connect, progress)


def _compute(
    entry: ProviderEntry, driver: str, connect: Callable[[], Any], progress: Progress
) -> Provider:
    from clocker.providers.compute import ComputeProvider
    from clocker.providers.dialects import dialect_of

    return ComputeProvider(entry, connect, dialect_of(driver), say=progress.step)


DRIVERS: Mapping[str, Callable[[ProviderEntry, Progress], Provider]] = {
    "local": _local,
    "localhost": _localhost,
    "static": _static,
}
