"""Values that are known only when a service runs, and texts that have them in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from clocker.model import ContainerRequest, ServiceValue, Text


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one container; None or nothing of one that is not there yet. ``ports``:
    where its host publishes them."""

    name: str
    hostname: str
    address: str | None = None
    host: str | None = None
    host_address: str | None = None
    ports: Mapping[int, int] = field(default_factory=dict)

    def value(self, what: str) -> str | None:
        kind, _, port = what.partition("/")
        if kind == "port":
            found = self.ports.get(int(port))
            return None if found is None else str(found)
        values = {
            "name": self.name,
            "hostname": self.hostname,
            "address": self.address,
            "host": self.host,
            "host_address": self.host_address,
        }
        return values[what]


Known: TypeAlias = Mapping[str, Sequence[Facts]]
"""Of every service, its replicas in order."""


def rendered(
    request: ContainerRequest,
    env: Mapping[str, Text],
    command: tuple[Text, ...] | None,
    known: Known,
) -> tuple[ContainerRequest, tuple[ServiceValue, ...]]:
    """The request with its variables and command, and the values for them that nobody knows."""
    missing: dict[ServiceValue, None] = {}
    texts = {name: _joined(text, known, missing) for name, text in env.items()}
    words = None if command is None else tuple(_joined(text, known, missing) for text in command)
    made = replace(
        request,
        env={**request.env, **texts},
        command=request.command if words is None else words,
    )
    return made, tuple(missing)


def _joined(text: Text, known: Known, missing: dict[ServiceValue, None]) -> str:
    pieces = []
    for piece in text:
        found = piece if isinstance(piece, str) else _value(piece, known)
        if found is None:
            assert isinstance(piece, ServiceValue)  # noqa: S101 - a text is known
            missing[piece] = None
        pieces.append(found or "")
    return "".join(pieces)


def _value(wanted: ServiceValue, known: Known) -> str | None:
    replicas = known.get(wanted.service, ())
    values = [facts.value(wanted.value) for facts in replicas]
    if wanted.every:
        return None if None in values else ",".join(filter(None, values))
    return values[0] if values else None
