"""A network and names that hosts only keep in mind. What they do on a host goes through its
shell, as with the real ones, so that a dead host is found out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from threading import Lock

from clocker.interfaces import Answer, Record, Shell, Step
from clocker.model import (
    Attachment,
    Container,
    Host,
    Lease,
    LinkStatus,
    Net,
    Opening,
    Source,
)
from clocker.network.layout import Layout
from clocker.network.membership import membership
from clocker.network.verbs import step_name
from clocker.testing.faults import Scripted, scripted

_STEP_TEMPLATE = "testing/step.sh.j2"


class FakeNetwork(Scripted):
    """See ``clocker.interfaces.Network``. ``members``: what each shell's host was last told;
    ``announced``: addresses, in order."""

    def __init__(self, cloud: str = "test") -> None:
        super().__init__()
        self._layout = Layout(cloud)
        self.members: dict[str, str] = {}
        self.announced: list[str] = []
        self._lock = Lock()

    def of(self, net: Net) -> FakeNetwork:
        """Its calls are noted here too, and fail as this one is told to."""
        further = copy(self)
        further._layout = Layout(self._layout.cloud, net.name)
        return further

    def openings(self) -> tuple[Opening, ...]:
        return (Opening("udp", 4790, 4790, Source.HOSTS),)

    def step(self, host: Host) -> Step:
        name = step_name("network", self._layout)
        return Step(name, _STEP_TEMPLATE, {"text": f"{name} {host.gateway}"})

    def supply(self, shell: Shell) -> None: ...

    def prune(self, keep: Sequence[Net]) -> Step:
        kept = sorted(f"{net.name},{net.subnet}" for net in keep)
        return Step("networks", _STEP_TEMPLATE, {"text": f"keep {' '.join(kept)}"})

    def membership(self, hosts: Sequence[Host], gateways: Sequence[Lease] = ()) -> str:
        return membership(hosts, (), gateways)

    @scripted
    def status(self, shell: Shell) -> LinkStatus:
        host = _told(shell, "network status", "")
        peers = [line.split() for line in self.members.get(host, "").splitlines()]
        others = {peer[1] for peer in peers if not peer[0].startswith("#") and peer[0] != host}
        return LinkStatus("fake", 1450, 1450, "none", tuple(sorted(others)))

    @scripted
    def sync(self, shell: Shell, membership: str) -> None:
        host = _told(shell, "network sync", membership)
        shell.put(membership.encode(), f"{self._layout.etc}/members")
        with self._lock:
            self.members[host] = membership

    def attachment(self, container: Container) -> Attachment:
        return Attachment(self._layout.network, container.address, container.mac)

    @scripted
    def announce(self, shell: Shell, container: Container, pid: int) -> None:
        _told(shell, "network announce", container.address)
        with self._lock:
            self.announced.append(container.address)

    @scripted
    def leave(self, shell: Shell) -> None:
        host = _told(shell, "network leave", "")
        with self._lock:
            self.members.pop(host, None)


class FakeNames(Scripted):
    """See ``clocker.interfaces.Names``. ``zones``: what each authoritative host would answer."""

    def __init__(self, servers: int = 2) -> None:
        super().__init__()
        self.zones: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.aliases: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        self._servers = servers
        self._further: dict[str, FakeNames] = {}
        self._lock = Lock()

    def of(self, net: Net) -> FakeNames:
        """With zones of its own; its calls are noted here too, and fail as this one is told."""
        with self._lock:
            if net.name not in self._further:
                further = copy(self)
                further.zones, further.aliases = defaultdict(dict), defaultdict(dict)
                self._further[net.name] = further
            return self._further[net.name]

    def step(self, host: Host) -> Step:
        return Step("names", _STEP_TEMPLATE, {"text": f"names {host.gateway}"})

    def servers(self, hosts: Sequence[Host]) -> Sequence[Host]:
        return tuple(hosts[: self._servers])

    @scripted
    def publish(self, shell: Shell, records: Sequence[Record]) -> None:
        host = _told(shell, "names publish", _text(records))
        with self._lock:
            self.zones[host].update({record.name: record.address for record in records})
            self.aliases[host].update({record.name: record.aliases for record in records})

    @scripted
    def withdraw(self, shell: Shell, names: Sequence[str]) -> None:
        host = _told(shell, "names withdraw", json.dumps(list(names)))
        with self._lock:
            for name in names:
                self.zones[host].pop(name, None)
                self.aliases[host].pop(name, None)

    @scripted
    def replace(self, shell: Shell, records: Sequence[Record]) -> None:
        host = _told(shell, "names replace", _text(records))
        with self._lock:
            self.zones[host] = {record.name: record.address for record in records}
            self.aliases[host] = {record.name: record.aliases for record in records}

    @scripted
    def ask(self, shell: Shell, host: Host, names: Sequence[str]) -> Mapping[str, Answer]:
        _told(shell, "names ask", json.dumps(list(names)))
        return {name: frozenset(self.resolve(name)) for name in names}

    @scripted
    def held(self, shell: Shell) -> Sequence[Record]:
        host = _told(shell, "names held", "")
        with self._lock:
            aliases = self.aliases[host]
            return [Record(n, a, aliases.get(n, ())) for n, a in self.zones[host].items()]

    def resolve(self, name: str) -> set[str]:
        """Every address that any authoritative host answers for ``name``."""
        with self._lock:
            return {
                address
                for host, zone in self.zones.items()
                for owner, address in zone.items()
                if name == owner or name in self.aliases[host].get(owner, ())
            }


def _told(shell: Shell, command: str, text: str) -> str:
    """Say it to the host; returns the host's name (of a fake host; else the shell's identity)."""
    shell.run(f"fake {command}", stdin=text.encode())
    return str(getattr(shell, "host", id(shell)))


def _text(records: Sequence[Record]) -> str:
    return json.dumps({record.name: record.address for record in records})
