"""How a machine carries whose it is: the ways in which libcloud's drivers take and tell tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from clocker.errors import ProviderError

CLOUD, HOST, NAME = "clocker-cloud", "clocker-host", "clocker-name"
GATEWAY, KEY = "clocker-gateway", "clocker-key"

Tags = Mapping[str, str]
Arguments = dict[str, Any]
# libcloud's own types differ from driver to driver, and are no more than names here.
Driver = Any
Machine = Any


class Tagging(Protocol):
    def arguments(self, name: str, tags: Tags) -> Arguments:
        """What ``create_node`` is given so that the machine has this name and these tags.
        ProviderError where it could not carry them."""
        ...

    def complete(self, driver: Driver, machine: Machine, tags: Tags) -> None:
        """Write what could not be said at creation; again is harmless."""
        ...

    def read(self, machine: Machine) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class AsMapping:
    """``argument``: of ``create_node``. ``found_in``: keys of ``Node.extra``. ``encoded``: keys and
    values may only have lower-case letters, digits, ``-`` and ``_``."""

    argument: str
    found_in: tuple[str, ...]
    encoded: bool = False
    longest: int = 255

    def arguments(self, name: str, tags: Tags) -> Arguments:
        found = {encode(k): encode(v) for k, v in tags.items()} if self.encoded else dict(tags)
        for text in (*found, *found.values()):
            _refuse_longer(text, self.longest)
        return {"name": name, self.argument: found}

    def complete(self, driver: Driver, machine: Machine, tags: Tags) -> None:
        """All is said at creation."""

    def read(self, machine: Machine) -> dict[str, str]:
        for key in self.found_in:
            tags = machine.extra.get(key)
            if isinstance(tags, Mapping):
                found = {str(k): str(v) for k, v in tags.items()}
                return {decode(k): decode(v) for k, v in found.items()} if self.encoded else found
        return {}


@dataclass(frozen=True, slots=True)
class AsWords:
    """A list of words ``key:value`` below ``argument`` (of ``create_node``; the further names are
    keys of the mapping that it takes). ``joined``: all of them are one word."""

    argument: tuple[str, ...]
    found_in: str = "tags"
    separator: str = ":"
    longest: int = 255
    joined: str | None = None

    def arguments(self, name: str, tags: Tags) -> Arguments:
        words = [f"{encode(k)}{self.separator}{encode(v)}" for k, v in sorted(tags.items())]
        value: Any = words if self.joined is None else self.joined.join(words)
        for text in words if self.joined is None else [value]:
            _refuse_longer(text, self.longest)
        for key in reversed(self.argument[1:]):
            value = {key: value}
        return {"name": name, self.argument[0]: value}

    def complete(self, driver: Driver, machine: Machine, tags: Tags) -> None:
        """All is said at creation."""

    def read(self, machine: Machine) -> dict[str, str]:
        found = machine.extra.get(self.found_in) or []
        words = found if self.joined is None else str(found or "").split(self.joined)
        pairs = [word.partition(self.separator) for word in words]
        return {decode(key): decode(value) for key, between, value in pairs if between}


PREFIX, SEPARATOR = "clocker", "--"


@dataclass(frozen=True, slots=True)
class InName:
    """Where a machine carries nothing but its name, that says whose it is."""

    carries: tuple[str, ...] = (CLOUD, NAME, HOST, KEY, GATEWAY)

    def arguments(self, name: str, tags: Tags) -> Arguments:
        """``name`` is part of what the tags say."""
        lost = sorted(set(tags) - set(self.carries))
        if lost:
            raise ProviderError(
                f"this driver's machines carry no tags, so that {', '.join(lost)} would be lost",
                remedy="remove `tags` from the provider's entry, or use another provider",
            )
        return {"name": self.name_of(tags)}

    def name_of(self, tags: Tags) -> str:
        fields = [tags.get(key, "").replace(".", "-") for key in self.carries]
        for field in fields:
            if SEPARATOR in field or field.startswith("-") or field.endswith("-"):
                raise ProviderError(
                    f"{field!r} cannot be part of a machine's name, which says whose it is here",
                    remedy="choose a name without -- for the cloud and its hosts",
                )
        return SEPARATOR.join((PREFIX, *fields)).lower()

    def complete(self, driver: Driver, machine: Machine, tags: Tags) -> None:
        """All is said at creation."""

    def read(self, machine: Machine) -> dict[str, str]:
        first, *fields = str(machine.name).split(SEPARATOR)
        if first != PREFIX or len(fields) != len(self.carries):
            return {}
        tags = {key: field for key, field in zip(self.carries, fields, strict=True) if field}
        if GATEWAY in tags:
            tags[GATEWAY] = tags[GATEWAY].replace("-", ".")
        return tags


@dataclass(frozen=True, slots=True)
class Afterwards:
    """Tags are a second call: until it is made, the name says whose the machine is, so that one
    whose tags could not be written is found all the same."""

    write: Callable[[Driver, Machine, Tags], object]
    written: AsMapping = AsMapping("", ("tags", "metadata"))
    until_then: InName = InName((CLOUD, NAME, HOST))

    def arguments(self, name: str, tags: Tags) -> Arguments:
        return {"name": self.until_then.name_of(tags)}

    def complete(self, driver: Driver, machine: Machine, tags: Tags) -> None:
        if not tags.items() <= self.written.read(machine).items():
            self.write(driver, machine, tags)

    def read(self, machine: Machine) -> dict[str, str]:
        return {**self.until_then.read(machine), **self.written.read(machine)}


def encode(text: str) -> str:
    """In lower-case letters, digits, ``-`` and ``_`` alone: ``10.1`` is ``10_2e1``."""
    return re.sub(r"[^a-z0-9-]", lambda m: "".join(f"_{b:02x}" for b in m[0].encode()), text)


def decode(text: str) -> str:
    """What was encoded; what was not stays as it is."""

    def run(match: re.Match[str]) -> str:
        return bytes.fromhex(match[0].replace("_", "")).decode("utf-8", "replace")

    return re.sub(r"(?:_[0-9a-f]{2})+", run, text)


def _refuse_longer(text: str, longest: int) -> None:
    if len(text) > longest:
        raise ProviderError(
            f"the tag {text!r} has {len(text)} characters, and this driver's may have {longest}",
            remedy="choose shorter names for the cloud and its hosts, and shorter tags",
        )
