"""What of a cloud is left at its providers, and what of that may go. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from clocker.cloud.ownership import Whose, whose
from clocker.model import Host, HostState, Remnant, RemnantKind, shared_name

# What uses others goes before what is used.
_ORDER = (
    RemnantKind.MACHINE,
    RemnantKind.VOLUME,
    RemnantKind.KEY_PAIR,
    RemnantKind.SECURITY_GROUP,
    RemnantKind.NETWORK,
)
_NAMED = frozenset({RemnantKind.KEY_PAIR, RemnantKind.SECURITY_GROUP})


@dataclass(frozen=True, slots=True)
class Thing:
    """Something at a provider that carries this cloud's name."""

    provider: str
    remnant: Remnant

    @property
    def key(self) -> str:
        return f"{self.provider}/{self.remnant.kind}/{self.remnant.id}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A thing that nobody on record uses. ``since``: when it was made, or, where its provider does
    not say, when it was first found so. ``goes``: it may be removed; ``reason``: why it may, or
    not. ``twin_of``: the host that has another machine."""

    thing: Thing
    since: float
    goes: bool
    reason: str
    twin_of: Host | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """``mark``: the cloud's. ``grace_s``: what is younger may be in the making."""

    cloud: str
    mark: str
    grace_s: float


def findings(
    rules: Rules,
    things: Sequence[Thing],
    hosts: Sequence[Host],
    seen: Mapping[str, float],
    now: float,
) -> tuple[Finding, ...]:
    """Those of ``things`` that are not in use, in the order in which they are to go. ``seen``:
    when a thing was first found so, by its key."""
    machines = {
        (thing.provider, thing.remnant.id)
        for thing in things
        if thing.remnant.kind is RemnantKind.MACHINE
    }
    found = [_judge(rules, thing, hosts, machines, seen, now) for thing in things]
    left = [finding for finding in found if finding is not None]
    return tuple(sorted(left, key=lambda f: (_ORDER.index(f.thing.remnant.kind), f.thing.key)))


def first_seen(
    found: Iterable[Finding], seen: Mapping[str, float], silent: Iterable[str]
) -> dict[str, float]:
    """``seen`` for the next time: with what is new, and without what is gone or in use again; of
    ``silent`` providers nothing is known. Not for what tells itself when it was made."""
    known = {item.thing.key: item.since for item in found if item.thing.remnant.created_at is None}
    kept = tuple(f"{provider}/" for provider in silent)
    return {key: at for key, at in seen.items() if key.startswith(kept)} | known


def _judge(
    rules: Rules,
    thing: Thing,
    hosts: Sequence[Host],
    machines: set[tuple[str, str]],
    seen: Mapping[str, float],
    now: float,
) -> Finding | None:
    remnant = thing.remnant
    owner = next((host for host in hosts if _is_of(thing, host)), None)
    twin_of = owner if owner and _is_twin(thing, owner, machines) else None
    if owner and not twin_of:
        return None
    if owner is None and _is_shared(remnant) and _is_in_use(rules, remnant, hosts):
        return None
    since = seen.get(thing.key, now) if remnant.created_at is None else remnant.created_at
    # The id of a host on record is known to no other cloud.
    whom = Whose.OURS if twin_of else _whose(rules, remnant)
    against = _against(rules, whom, now - since)
    reason = against or _why(remnant, hosts, twin_of)
    return Finding(thing, since, against is None, reason, twin_of)


def _whose(rules: Rules, remnant: Remnant) -> Whose:
    """A machine that does not say whose host it is was not made by Clocker as it stands."""
    if remnant.kind is RemnantKind.MACHINE and "clocker-host" not in remnant.tags:
        return Whose.UNKNOWN
    return whose(rules.mark, rules.cloud, remnant.tags, remnant.name)


def _is_of(thing: Thing, host: Host) -> bool:
    is_its_machine = (host.provider, host.node_id) == (thing.provider, thing.remnant.id)
    return host.id == thing.remnant.tags.get("clocker-host") or is_its_machine


def _is_twin(thing: Thing, host: Host, machines: set[tuple[str, str]]) -> bool:
    """One of two machines for one creation; the other is the host's, and is there."""
    return (
        thing.remnant.kind is RemnantKind.MACHINE
        and host.state is HostState.READY
        and host.work is None
        and host.node_id is not None
        and (thing.provider, thing.remnant.id) != (host.provider, host.node_id)
        and (host.provider, host.node_id) in machines
    )


def _is_shared(remnant: Remnant) -> bool:
    return remnant.kind is not RemnantKind.MACHINE and "clocker-host" not in remnant.tags


def _is_in_use(rules: Rules, remnant: Remnant, hosts: Sequence[Host]) -> bool:
    if not hosts or _whose(rules, remnant) is Whose.OTHERS:
        return False
    return remnant.kind not in _NAMED or remnant.name == shared_name(rules.cloud, rules.mark)


def _against(rules: Rules, whom: Whose, age_s: float) -> str | None:
    match whom:
        case Whose.OTHERS:
            return "another cloud of this name made it: it has another key"
        case Whose.UNKNOWN:
            return "it does not say whose it is: made by hand, or by an older version"
        case Whose.OURS:
            return "younger than the grace" if age_s < rules.grace_s else None


def _why(remnant: Remnant, hosts: Sequence[Host], twin_of: Host | None) -> str:
    if twin_of is not None:
        return f"host {twin_of.name} has another machine"
    if not _is_shared(remnant):
        return "its host is not on record"
    return "the cloud uses another one" if hosts else "the cloud has no hosts"
