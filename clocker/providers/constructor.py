"""What a libcloud driver's constructor takes. Most swallow what they do not know, so that a region
with a slip in its name would silently be another one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from difflib import get_close_matches

from clocker.errors import ConfigError
from clocker.model import ProviderEntry

# What libcloud takes out of ``**kwargs``: of every driver that passes them on, and by driver.
_EVERY = frozenset({"timeout", "retry_delay", "backoff", "proxy_url"})
_MORE = {
    "azure": {"follow_redirects"},
    "azure_arm": {"cloud_environment"},
    "opennebula": {"plain_auth"},
    "openstack": {
        "ex_force_api_version",
        "ex_force_image_url",
        "ex_force_network_url",
        "ex_force_reservation_url",
        "ex_force_volume_url",
    },
    "rackspace": {"ex_force_api_version"},
    "rackspace_first_gen": {"ex_force_api_version"},
}


def check_arguments(entry: ProviderEntry, driver: type) -> None:
    """ConfigError for an argument of the entry that ``driver`` does not take, or one that it
    needs and has not got."""
    known = parameters(driver) | _MORE.get(entry.driver, set())
    for name in sorted(set(entry.arguments) - known):
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(
            f"the driver {entry.driver} takes no argument {name!r}",
            where=f"providers.yaml: {entry.name}.arguments",
            remedy=f"{hint}it takes: {', '.join(sorted(known))}",
        )
    for name in sorted(needed(driver) - set(entry.arguments)):
        raise ConfigError(
            f"the driver {entry.driver} needs the argument {name!r}",
            where=f"providers.yaml: {entry.name}.arguments",
            remedy="clocker providers shows the shipped entries: extend one of them",
        )


def parameters(driver: type) -> set[str]:
    """By name; passed on from class to class for as long as these take any."""
    found: set[str] = set()
    # A driver that makes one of its subclasses, by the version of an API, takes theirs.
    chosen: list[type] = driver.__subclasses__() if "__new__" in vars(driver) else []
    for made in chosen:
        found |= {p.name for p in _named(made) if made.__module__ == driver.__module__}
    for made in driver.__mro__:
        found |= {p.name for p in _named(made)}
        if "__init__" in vars(made) and not _takes_any(made):
            return found
    return found | _EVERY


def needed(driver: type) -> set[str]:
    first = next(made for made in driver.__mro__ if list(_named(made)))
    return {p.name for p in _named(first) if p.default is p.empty}


def _named(made: type) -> Iterator[inspect.Parameter]:
    for method in ("__new__", "__init__"):
        if method in vars(made) and made is not object:
            # Without the first one, which is the class or the object.
            _, *rest = inspect.signature(_function(made, method)).parameters.values()
            yield from (p for p in rest if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def _takes_any(made: type) -> bool:
    signature = inspect.signature(_function(made, "__init__"))
    return any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())


def _function(made: type, method: str) -> Callable[..., object]:
    """As written, bound to nothing: ``__new__`` is a static method."""
    found = vars(made)[method]
    function: Callable[..., object] = getattr(found, "__func__", found)
    return function
