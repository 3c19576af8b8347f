"""Looks at clouds for the policy of healing: from tables, at random, and as they are after what was
decided has been done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    ContainerStatus,
    Healing,
    HealingSpec,
    Host,
    HostState,
    HostView,
    Move,
    Resources,
    Restart,
    SshAccess,
    Volume,
    Work,
)
from clocker.policies.heal_actions import (
    AdoptContainer,
    CleanHost,
    CreateContainer,
    GiveUp,
    Plan,
    RemoveContainer,
    RepairHost,
    ReplaceHost,
    RestartContainer,
)
from clocker.policies.heal_history import History, Silence
from clocker.policies.heal_look import Look, Seen

NOW = 1_000_000.0
DATA = (Volume("data", "/data"),)
_FOLDER = Path(__file__).parent / "data" / "healing"
_SAYS = {
    "nothing": Seen(False, False, why="no answer"),
    "ssh": Seen(True, False, why="its engine: no answer"),
    "all": Seen(True, True),
}


def tables(name: str) -> dict[str, dict[str, Any]]:
    return {case["what"]: case for case in yaml.safe_load((_FOLDER / f"{name}.yaml").read_text())}


def host(number: int, **changes: Any) -> Host:
    known = Host(
        id=f"h{number}",
        name=f"host-{number}",
        provider="fake",
        state=HostState.READY,
        capacity=Resources(4.0, 4096, 10_000),
        gateway=f"10.0.1.{number}",
        access=SshAccess(f"192.0.2.{number}"),
        address=f"192.0.2.{number}",
        stamp="s",
    )
    return replace(known, **changes)


def container(number: int, host_id: str, **changes: Any) -> Container:
    request = changes.pop("request", ContainerRequest("busybox"))
    known = Container(
        id=f"c{number}",
        name=f"web-{number}",
        host_id=host_id,
        state=ContainerState.RUNNING,
        request=request,
        address=f"10.0.0.{number}",
        mac="",
        engine_id=f"e{number}",
    )
    return replace(known, **changes)


def status(of: Container, state: str = "running", **changes: Any) -> ContainerStatus:
    labels = {
        "clocker.id": of.id,
        "clocker.name": of.name,
        "clocker.address": of.address,
        "clocker.request": "{}",
    }
    known = ContainerStatus(of.engine_id or "?", f"demo.{of.name}", state, labels, "busybox", "i")
    return replace(known, **changes)


def container_look(case: Mapping[str, Any]) -> Look:
    """One host with one container, as the case has it."""
    healing = Healing(attempts=case.get("attempts"))
    request = ContainerRequest(
        "busybox", restart=Restart(case.get("restart", "no")), healing=healing
    )
    state = ContainerState(case.get("record", "running"))
    work = Work("somebody", 1, NOW + 30) if case.get("busy") else None
    one = container(1, "h1", request=request, state=state, work=work)
    there = host(1)
    said = []
    if case["engine"] is not None:
        found = status(one, case["engine"], exit_code=case.get("exit"), health=case.get("health"))
        said = [replace(found, engine_id="another") if case.get("other") else found]
    history = History(
        hosts={"h1": Silence(2, NOW - 60)} if case.get("back") else {},
        tries={"c1": tuple(NOW - ago for ago in case["tries"])} if "tries" in case else {},
        ended=("c1",) if case.get("ended") else (),
    )
    view = HostView(there, (one,))
    return Look((view,), {"h1": Seen(True, True, tuple(said))}, history=history, now=NOW)


def host_look(case: Mapping[str, Any]) -> Look:
    """Several hosts, the first of which is as the case has it."""
    count = case.get("all", 4)
    access: SshAccess | None = SshAccess(
        "192.0.2.1", kept=case.get("kept", False), local=case.get("local", False)
    )
    first = host(
        1,
        state=HostState(case.get("state", "ready")),
        access=None if case.get("gone") else access,
        fenced_at=NOW - 5 if case.get("fenced") else None,
        stamp=None if case.get("unmade") else "s",
        work=Work("somebody", 1, NOW + 30) if case.get("busy") else None,
    )
    history = {}
    if "looks" in case or "repairs" in case:
        repairs = tuple(NOW - ago for ago in case.get("repairs", ()))
        history["h1"] = Silence(case.get("looks", 0), NOW - case.get("for", 0), repairs)
    seen = {f"h{n}": _SAYS["all"] for n in range(2, count + 1)}
    for number in range(2, 2 + case.get("also", 0)):
        seen[f"h{number}"] = _SAYS["nothing"]
        history[f"h{number}"] = Silence(1, NOW - 10)
    seen["h1"] = _SAYS[case.get("says", "nothing")]
    views = (HostView(first, _held(case, first)), *(HostView(host(n)) for n in range(2, count + 1)))
    return Look(views, seen, history=History(hosts=history), now=NOW)


def _held(case: Mapping[str, Any], there: Host) -> tuple[Container, ...]:
    kind = case.get("with", "a container")
    lost = there.state is HostState.LOST
    changes: dict[str, Any] = {}
    if lost:
        changes = {"state": ContainerState.REPLACING, "move": Move("")}
    if kind == "nothing" or case.get("unmade"):
        return ()
    if kind == "stays":
        healing = Healing(replace=False)
        changes |= {
            "request": ContainerRequest("busybox", healing=healing),
            "state": ContainerState.LOST,
        }
    if kind == "data":
        changes["request"] = ContainerRequest("busybox", volumes=DATA)
    engine_id = None if there.state is HostState.FAILED else "e1"
    return (container(1, there.id, engine_id=engine_id, **changes),)


@st.composite
def looks(draw: st.DrawFn) -> Look:
    """Anything that can be found."""
    spec = HealingSpec(
        looks=draw(st.integers(1, 3)),
        breaker_share=draw(st.sampled_from([0.0, 0.45, 1.0])),
        replace_volumes=draw(st.booleans()),
        strays=draw(st.sampled_from(["adopt", "remove"])),
    )
    views, seen, silent = [], {}, {}
    number = 0
    for index in range(1, draw(st.integers(1, 6)) + 1):
        there = draw(_hosts(index))
        held, said = [], []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            one = draw(_containers(number, there))
            held.append(one)
            said += draw(_statuses(one))
        views.append(HostView(there, tuple(held)))
        seen[there.id] = draw(
            st.sampled_from([_SAYS["nothing"], _SAYS["ssh"], Seen(True, True, tuple(said))])
        )
        if draw(st.booleans()):
            ago = draw(st.floats(0, 100))
            silent[there.id] = Silence(draw(st.integers(0, 4)), NOW - ago)
    tries = {f"c{n}": (NOW - draw(st.floats(0, 400)),) for n in range(1, number + 1, 2)}
    return Look(tuple(views), seen, spec, History(hosts=silent, tries=tries), NOW)


@st.composite
def _hosts(draw: st.DrawFn, number: int) -> Host:
    state = draw(st.sampled_from([HostState.READY] * 4 + list(HostState)))
    access = SshAccess(f"192.0.2.{number}", kept=draw(st.integers(0, 5)) == 0)
    fenced = draw(st.sampled_from([None, None, None, NOW - 5]))
    gone = state is HostState.LOST and fenced is not None and draw(st.booleans())
    return host(number, state=state, access=None if gone else access, fenced_at=fenced)


@st.composite
def _containers(draw: st.DrawFn, number: int, there: Host) -> Container:
    if there.state is HostState.LOST:
        state = draw(st.sampled_from([ContainerState.REPLACING, ContainerState.LOST]))
    else:
        usual = [ContainerState.RUNNING, ContainerState.STOPPED, ContainerState.FAILED]
        state = draw(st.sampled_from(usual))
    healing = Healing(
        attempts=draw(st.sampled_from([None, 0, 1])),
        replace=draw(st.integers(0, 3)) > 0,
        priority=draw(st.integers(0, 2)),
        restart_with=tuple(draw(st.sets(st.sampled_from(["web-1", "web-2", "web-3"]), max_size=2))),
    )
    restart = Restart(draw(st.sampled_from(["no", "on-failure", "always"])))
    volumes = DATA if draw(st.integers(0, 3)) == 0 else ()
    request = ContainerRequest("busybox", restart=restart, healing=healing, volumes=volumes)
    moves = there.state is HostState.LOST
    return container(
        number, there.id, request=request, state=state, move=Move("") if moves else None
    )


@st.composite
def _statuses(draw: st.DrawFn, of: Container) -> list[ContainerStatus]:
    kind = draw(st.sampled_from(["running"] * 3 + ["exited", "created", "missing", "unhealthy"]))
    if kind == "missing":
        return []
    if kind == "unhealthy":
        return [status(of, "running", health="unhealthy")]
    exit_code = draw(st.sampled_from([0, 1])) if kind == "exited" else None
    return [status(of, kind, exit_code=exit_code)]


def done(look: Look, plan: Plan) -> Look:
    """The look at the same moment, as if all of ``plan`` had succeeded; with the same silences."""
    views = {view.host.name: view for view in look.views}
    said = {view.host.name: look.seen[view.host.id] for view in look.views}
    for action in plan.actions:
        match action:
            case RestartContainer():
                _say(said, views, action.host, action.id, "running")
            case CreateContainer():
                _say(said, views, action.host, action.id, "running")
            case GiveUp():
                _set(views, action.host, action.id, state=ContainerState.FAILED)
                _say(said, views, action.host, action.id, "exited", exit_code=1)
            case RepairHost():
                _put(views, action.host, state=HostState.READY)
                seen = said[action.host]
                said[action.host] = Seen(True, True, seen.containers or _whole(views[action.host]))
            case CleanHost():
                _take_back(views, action.host)
                said[action.host] = Seen(True, True, _whole(views[action.host]))
            case ReplaceHost():
                _move_on(views, said, action.host, look.spec)
            case RemoveContainer():
                _drop(said, action.host, action.id)
            case AdoptContainer():
                raise AssertionError("none is made here")
    left = tuple(view for name, view in views.items() if name in said)
    seen = {views[name].host.id: item for name, item in said.items()}
    history = replace(plan.history, due=(), hosts=look.history.hosts)
    return replace(look, views=left, seen=seen, history=history)


def _put(views: dict[str, HostView], name: str, **changes: Any) -> None:
    views[name] = replace_host(views[name], **changes)


def replace_host(view: HostView, **changes: Any) -> HostView:
    return HostView(replace(view.host, **changes), view.containers)


def _set(views: dict[str, HostView], name: str, container_id: str, **changes: Any) -> None:
    view = views[name]
    held = tuple(replace(c, **changes) if c.id == container_id else c for c in view.containers)
    views[name] = HostView(view.host, held)


def _say(
    said: dict[str, Seen],
    views: dict[str, HostView],
    name: str,
    container_id: str,
    state: str,
    **changes: Any,
) -> None:
    of = next(c for c in views[name].containers if c.id == container_id)
    _drop(said, name, container_id)
    state = "exited" if of.state is ContainerState.STOPPED else state
    seen = said[name]
    said[name] = replace(seen, containers=(*seen.containers, status(of, state, **changes)))


def _drop(said: dict[str, Seen], name: str, container_id: str) -> None:
    rest = tuple(s for s in said[name].containers if s.labels["clocker.id"] != container_id)
    said[name] = replace(said[name], containers=rest)


def _whole(view: HostView) -> tuple[ContainerStatus, ...]:
    stopped = (ContainerState.STOPPED, ContainerState.FAILED)
    return tuple(
        status(c, "exited", exit_code=1) if c.state in stopped else status(c)
        for c in view.containers
    )


def _take_back(views: dict[str, HostView], name: str) -> None:
    _put(views, name, state=HostState.READY, fenced_at=None)
    for one in views[name].containers:
        if one.state in (ContainerState.REPLACING, ContainerState.LOST):
            _set(views, name, one.id, state=ContainerState.RUNNING, move=None)


def _move_on(
    views: dict[str, HostView], said: dict[str, Seen], name: str, spec: HealingSpec
) -> None:
    """Onto a host that is new; what must not be replaced is lost, and keeps the host on record."""
    view = views[name]
    there = host(90 + len(views))
    lasting = [
        c
        for c in view.containers
        if c.request.healing.replace and (spec.replace_volumes or not c.request.volumes)
    ]
    stay = tuple(
        replace(c, state=ContainerState.LOST, move=Move(""))
        for c in view.containers
        if c not in lasting
    )
    moved = tuple(
        replace(c, host_id=there.id, move=None, state=ContainerState.RUNNING) for c in lasting
    )
    views[there.name] = HostView(there, moved)
    said[there.name] = Seen(True, True, _whole(views[there.name]))
    if stay or view.host.access is not None and view.host.fenced_at is not None:
        by_word = view.host.fenced_at is not None
        lost = replace(
            view.host,
            state=HostState.LOST,
            fenced_at=NOW,
            access=view.host.access if by_word else None,
        )
        views[name] = HostView(lost, stay)
    else:
        del said[name]
