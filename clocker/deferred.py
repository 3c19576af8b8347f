"""What waits until something of it is used. A command needs a few modules and parts of many, and
to have them all would be most of its time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from threading import Lock
from typing import Any, TypeVar, cast

T = TypeVar("T")


def exports(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """A package's ``__getattr__``. ``homes``: the names that it exports, by their modules in it."""
    home_of = {name: home for home, names in homes.items() for name in names}

    def __getattr__(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home_of[name]}"), name)

    return __getattr__


def modules(package: str, names: str) -> dict[str, Any]:
    """What stands for each of a package's modules of these names, for ``globals``."""
    return {name: _Module(f"{package}.{name}") for name in names.split()}


def deferred(make: Callable[[], T], idle: Collection[str] = ("close",)) -> T:
    """Stands for what ``make`` gives: `clocker ps` needs no libcloud and no SSH. ``idle``: methods
    that do nothing while it was not made: what was never opened needs no closing."""
    return cast(T, _Deferred(make, idle))


class _Module:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


class _Deferred:
    def __init__(self, make: Callable[[], object], idle: Collection[str]) -> None:
        self._make, self._idle = make, idle
        self._made: object | None = None
        self._lock = Lock()

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            if name in self._idle:
                return lambda: None
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return getattr(self._made, name)
