"""Which hosts are dead, which came back, and what is to be done about them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from clocker.model import Container, ContainerState, Host, HostState, HostView
from clocker.policies.heal_actions import (
    CleanHost,
    OnHost,
    Pending,
    RepairHost,
    ReplaceHost,
    Trouble,
)
from clocker.policies.heal_history import Silence
from clocker.policies.heal_look import (
    Look,
    Seen,
    in_order,
    keeps_data,
    lasts,
    may_be_asked,
    own,
)


@dataclass(slots=True)
class HostFindings:
    """``silent``: what is known of those that are not well, by id. ``well``: ids of those whose
    containers can be judged; ``back``: of those of them that were silent at the look before."""

    actions: list[OnHost] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    breaker: str | None = None
    silent: dict[str, Silence] = field(default_factory=dict)
    well: set[str] = field(default_factory=set)
    back: set[str] = field(default_factory=set)


def judge_hosts(look: Look) -> HostFindings:
    found = HostFindings()
    dead: list[tuple[HostView, str]] = []
    for view in look.views:
        host = view.host
        seen = look.seen.get(host.id) if may_be_asked(host) else None
        if host.state is HostState.LOST:
            dead += _judge_lost(look, found, view, seen)
        elif host.stamp is None:
            _judge_unmade(look, found, host)
        elif seen is None:
            _remember(look, found, host)
        elif seen.answers:
            _judge_answering(look, found, host)
        else:
            dead += _judge_silent(look, found, view, seen)
    _bury(look, found, dead)
    return found


def _remember(look: Look, found: HostFindings, host: Host) -> None:
    """Of one that was not asked nothing is concluded."""
    if may_be_asked(host) and host.id in look.history.hosts:
        found.silent[host.id] = look.history.hosts[host.id]


def _judge_lost(
    look: Look, found: HostFindings, view: HostView, seen: Seen | None
) -> list[tuple[HostView, str]]:
    """One that was given up by an earlier decision, which is carried on."""
    host = view.host
    if seen and seen.answers:
        found.actions.append(CleanHost(host.name, "it answers again"))
        return []
    if host.work is not None:
        return []
    if host.fenced_at is None:
        if seen is None:  # it may be back
            _remember(look, found, host)
            return []
        found.silent[host.id] = _once_more(look, host)
    containers = list(own(view))
    is_gone = host.access is None and host.fenced_at is not None
    goes_on = any(lasts(c, look.spec) and c.work is None for c in containers)
    if host.fenced_at is None or goes_on or (is_gone and not view.containers):
        return [(view, host.error or "it was given up")]
    return []


def _judge_unmade(look: Look, found: HostFindings, host: Host) -> None:
    """One that never was ready, and that nobody is at."""
    if host.work is not None or host.state is HostState.DELETING:
        return
    if host.state is HostState.FAILED:
        remedy = f"clocker up tries again; clocker host rm {host.name} gives it back"
        why = f"it could not be made: {host.error}"
        found.troubles.append(Trouble(host.name, why, remedy))
    else:
        found.actions.append(RepairHost(host.name, "it was left half-made"))


def _judge_answering(look: Look, found: HostFindings, host: Host) -> None:
    before = look.history.hosts.get(host.id)
    if host.fenced_at is not None:
        found.actions.append(CleanHost(host.name, "it was said to be dead, and answers"))
    elif host.state is HostState.READY:
        found.well.add(host.id)
        if before is not None:
            found.back.add(host.id)
        if host.id in look.left:
            _repair(look, found, host, _calm(before, look), "it was left half-mended")
    else:
        known = _calm(before, look)
        if not _repair(look, found, host, known, f"it is {host.state}, and nobody is at it"):
            remedy = f"see what is wrong: clocker host repair {host.name}"
            found.troubles.append(Trouble(host.name, _in_vain(known, host.error or ""), remedy))


def _calm(before: Silence | None, look: Look) -> Silence:
    """It answers; only how often it was mended is remembered."""
    return replace(before, looks=0) if before else Silence(0, look.now)


def _judge_silent(
    look: Look, found: HostFindings, view: HostView, seen: Seen
) -> list[tuple[HostView, str]]:
    """What is to be buried, unless it waits, or may only need its engine mended."""
    host = view.host
    known = found.silent[host.id] = _once_more(look, host)
    silent_s = look.now - known.since
    if host.fenced_at is not None:
        return [(view, "it is dead, as was said")]
    if known.looks < look.spec.looks or silent_s < look.spec.silence_s:
        until = max(look.now, known.since + look.spec.silence_s)
        why = f"silent at {known.looks} of {look.spec.looks} looks: {seen.why}"
        found.pending.append(Pending(host.name, why, until))
        return []
    why = f"it has been silent for {silent_s:.0f} s, at {known.looks} looks: {seen.why}"
    if not seen.reachable:
        return [(view, why)]
    if _repair(look, found, host, known, why):
        return []
    return [(view, _in_vain(known, why))]


def _repair(look: Look, found: HostFindings, host: Host, known: Silence, why: str) -> bool:
    """Whether it is repaired, now or later."""
    if len(known.repairs) >= look.spec.repairs:
        found.silent[host.id] = known
        return False
    wait_until = known.repairs[-1] + look.spec.silence_s if known.repairs else look.now
    if wait_until > look.now:
        found.pending.append(Pending(host.name, f"to be repaired again: {why}", wait_until))
        found.silent[host.id] = known
    else:
        found.actions.append(RepairHost(host.name, why))
        found.silent[host.id] = replace(known, repairs=(*known.repairs, look.now))
    return True


def _in_vain(known: Silence, why: str) -> str:
    return f"{len(known.repairs)} repairs were in vain; {why}".removesuffix("; ")


def _once_more(look: Look, host: Host) -> Silence:
    before = look.history.hosts.get(host.id)
    return replace(before, looks=before.looks + 1) if before else Silence(1, look.now)


def _bury(look: Look, found: HostFindings, dead: Sequence[tuple[HostView, str]]) -> None:
    """Replace the dead that may be replaced; say of the others why not."""
    breaker = _breaker(look, found)
    for view, why in dead:
        host = view.host
        if host.fenced_at is None and (against := _against(look, view)):
            found.troubles.append(Trouble(host.name, f"{why}; {against[0]}", against[1]))
        elif host.fenced_at is None and breaker:
            found.breaker = breaker
            remedy = f"if it is certain that it is off: clocker heal --fenced {host.name}"
            found.troubles.append(Trouble(host.name, f"{why}; it is not replaced", remedy))
        else:
            anew = sorted((c for c in own(view) if lasts(c, look.spec)), key=in_order)
            found.actions.append(ReplaceHost(host.name, why, tuple(c.name for c in anew)))


def _breaker(look: Look, found: HostFindings) -> str | None:
    """Who sees many die at once may itself be cut off. Whoever is fenced does not count: of them
    it is known."""
    counted = [v.host for v in look.views if may_be_asked(v.host) and v.host.fenced_at is None]
    silent = [h for h in counted if h.id in found.silent and found.silent[h.id].looks]
    if not silent:
        return None
    said = f"{len(silent)} of {len(counted)} hosts are silent at once"
    if len(silent) == len(counted):
        return f"{said}: it may be this machine that is cut off; no host is replaced"
    if len(silent) > max(1.0, look.spec.breaker_share * len(counted)):
        share = f"{look.spec.breaker_share:.0%}"
        return f"{said}, more than {share}: no host is replaced"
    return None


def _against(look: Look, view: HostView) -> tuple[str, str] | None:
    """Why the host cannot be given up without somebody's word, and what to do about it."""
    host, access = view.host, view.host.access
    fenced = f"if it is certain that it is off: clocker heal --fenced {host.name}"
    if not look.spec.replace:
        return "healing.replace is off", f"bring it back, or {fenced}"
    if access is not None and (access.local or access.kept):
        return f"nobody can switch it off at {host.provider}", f"bring it back; {fenced}"
    held = sorted(c.name for c in own(view) if _would_lose(look, c))
    if held:
        what = f"{', '.join(held)} would lose what is in volumes or folders there"
        return what, f"bring it back; {fenced}, which moves the others; or healing.replace_volumes"
    return None


def _would_lose(look: Look, container: Container) -> bool:
    return keeps_data(container, look.spec) and container.state is not ContainerState.REMOVING
