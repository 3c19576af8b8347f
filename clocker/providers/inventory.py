"""The machines that somebody has: from the entry itself, or from an inventory file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from clocker.errors import ConfigError
from clocker.model import ProviderEntry, Resources

WRITTEN = re.compile(r"(?:(?P<user>[^@\s]+)@)?(?P<address>[^:@\s]+)(?::(?P<port>\d+))?")
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MiB|GiB|TiB|M|G|T)?", re.IGNORECASE)
UNITS = {"": 1, "m": 1, "g": 1024, "t": 1024 * 1024}
# What Ansible calls some of the keys.
ANSIBLE = {"ansible_host": "address", "ansible_user": "user", "ansible_port": "port"}


@dataclass(frozen=True, slots=True)
class StaticMachine:
    """``host_key``: its OpenSSH public key line, if it is known. ``cores``, ``ram_mb`` and
    ``disk_mb``: 0 where nobody says."""

    address: str
    user: str
    port: int = 22
    name: str = ""
    host_key: str | None = None
    private_address: str | None = None
    region: str | None = None
    zone: str | None = None
    cores: float = 0.0
    ram_mb: int = 0
    disk_mb: int = 0

    @property
    def id(self) -> str:
        """Where it is reached: two entries that name one machine mean the same."""
        return f"{self.address}:{self.port}"

    @property
    def resources(self) -> Resources:
        return Resources(self.cores, self.ram_mb, self.disk_mb)

    def as_document(self) -> dict[str, Any]:
        return asdict(self)


KEYS = (*(f.name for f in fields(StaticMachine) if not f.name.endswith("_mb")), "ram", "disk")


def machines_of(entry: ProviderEntry) -> tuple[StaticMachine, ...]:
    """In their order, each once. ConfigError names the one that is wrong."""
    where = f"provider {entry.name}: options"
    listed = entry.options.get("machines") or []
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise _wrong("machines must be a list", f"{where}.machines")
    found = [
        _machine(item, entry.ssh_user, f"{where}.machines[{number}]")
        for number, item in enumerate(listed)
    ]
    if inventory := entry.options.get("inventory"):
        found += _from_file(Path(str(inventory)).expanduser(), entry.ssh_user)
    if not found:
        raise _wrong("no machines are named", where)
    once: dict[str, StaticMachine] = {}
    for machine in found:
        once.setdefault(machine.id, machine)
    return tuple(once.values())


def _from_file(path: Path, user: str) -> Iterator[StaticMachine]:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the inventory cannot be read: {error}", where=str(path)) from error
    items = _from_yaml(text, path) if path.suffix in (".yaml", ".yml") else _from_lines(text)
    for place, item in items:
        yield _machine(item, user, f"{path}:{place}")


def _from_yaml(text: str, path: Path) -> Iterator[tuple[str, object]]:
    import yaml

    try:
        document = yaml.safe_load(text) or []
    except yaml.YAMLError as error:
        raise ConfigError(f"the inventory is no YAML: {error}", where=str(path)) from error
    if not isinstance(document, list):
        raise _wrong("the inventory must be a list", str(path))
    for number, item in enumerate(document):
        yield f"[{number}]", item


def _from_lines(text: str) -> Iterator[tuple[str, object]]:
    """As Ansible writes inventories: a host a line, in groups, which mean nothing here."""
    skipping = False
    for number, line in enumerate(text.splitlines(), start=1):
        words = re.sub(r"(^|\s)[#;].*", "", line).split()
        if not words:
            continue
        if words[0].startswith("["):
            skipping = ":" in words[0]  # variables of a group, or groups of groups
        elif not skipping:
            yield str(number), _from_words(words)


def _from_words(words: Sequence[str]) -> object:
    first, *rest = words
    item: dict[str, object] = {}
    for word in rest:
        key, _, value = word.partition("=")
        # What else Ansible is told about a host means nothing here.
        if key in ANSIBLE or not key.startswith("ansible_"):
            item[ANSIBLE.get(key, key)] = value.strip("'\"")
    if "address" in item:
        return {"name": first, **item}
    return {**_written(first), **item} if item else first


def _machine(item: object, user: str, where: str) -> StaticMachine:
    document = _written(item, where) if isinstance(item, str) else item
    if not isinstance(document, Mapping):
        raise _wrong(f"{item!r} is no machine", where)
    unknown = sorted(set(document) - set(KEYS))
    if unknown:
        raise _wrong(f"{unknown[0]!r} is not known of a machine", where)
    if not document.get("address"):
        raise _wrong("a machine has an address", where)
    try:
        return StaticMachine(
            address=str(document["address"]),
            user=str(document.get("user") or user),
            port=int(document.get("port") or 22),
            name=str(document.get("name") or document["address"]),
            cores=float(document.get("cores") or 0),
            ram_mb=_size(document.get("ram")),
            disk_mb=_size(document.get("disk")),
            **{key: _text(document.get(key)) for key in _TEXTS},
        )
    except (TypeError, ValueError) as error:
        raise _wrong(str(error), where) from error


_TEXTS = ("host_key", "private_address", "region", "zone")


def _written(text: str, where: str = "") -> dict[str, object]:
    if "[" in text:
        raise _wrong(f"{text!r} is a pattern: name each machine", where)
    found = WRITTEN.fullmatch(text)
    if not found:
        raise _wrong(f"{text!r} is no machine", where)
    return {key: value for key, value in found.groupdict().items() if value}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _size(value: object) -> int:
    """MiB."""
    found = SIZE.fullmatch(str(value or 0).strip())
    if not found:
        raise ValueError(f"{value!r} is no size: write MiB, or 512MiB, or 8GiB")
    return int(float(found[1]) * UNITS[(found[2] or "")[:1].lower()])


def _wrong(what: str, where: str) -> ConfigError:
    return ConfigError(
        what,
        where=where,
        remedy="write an address, USER@ADDRESS:PORT, or a mapping of: " + ", ".join(KEYS),
    )
