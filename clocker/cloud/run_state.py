"""Starts, stops and restarts containers; their names and addresses stay as they are."""

from __future__ import annotations

from dataclasses import replace

from clocker.cloud import ledger, secrets
from clocker.cloud.announce import announce
from clocker.cloud.machine import ContainerMachine
from clocker.cloud.views import machine
from clocker.errors import NameTaken
from clocker.interfaces import Parts
from clocker.model import ContainerState

_SETTLED = (ContainerState.RUNNING, ContainerState.STOPPED, ContainerState.FAILED)


def start(parts: Parts, name: str) -> None:
    found = _settled(parts, name)
    _trust_again(found)
    secrets.deliver(parts, found.host, found.record)
    found.engine.start(found.engine_name)
    _announce(parts, found)
    _record(parts, found, ContainerState.RUNNING, "start")


def stop(parts: Parts, name: str, grace_s: float | None = None) -> None:
    """``grace_s``: None is what the container asked for."""
    found = _settled(parts, name)
    found.engine.stop(found.engine_name, grace_s=_grace(found, grace_s))
    _record(parts, found, ContainerState.STOPPED, "stop")


def restart(parts: Parts, name: str, grace_s: float | None = None) -> None:
    found = _settled(parts, name)
    _trust_again(found)
    secrets.deliver(parts, found.host, found.record)
    found.engine.restart(found.engine_name, grace_s=_grace(found, grace_s))
    _announce(parts, found)
    _record(parts, found, ContainerState.RUNNING, "restart")


def _settled(parts: Parts, name: str) -> ContainerMachine:
    found = machine(parts, name)
    if found.record.state not in _SETTLED:
        raise NameTaken(
            f"it is {found.record.state}", where=f"container {name}", remedy="try again later"
        )
    return found


def _trust_again(found: ContainerMachine) -> None:
    """Its engine was told to leave it alone when it was given up."""
    if found.record.state is ContainerState.FAILED:
        found.engine.set_restart(found.engine_name, found.record.request.restart)


def _grace(found: ContainerMachine, grace_s: float | None) -> float:
    return found.record.request.stop_grace_s if grace_s is None else grace_s


def _announce(parts: Parts, found: ContainerMachine) -> None:
    """It may have come from another host while it was stopped."""
    announce(parts, found.engine, found.host, found.record, found.engine_name)


def _record(parts: Parts, found: ContainerMachine, state: ContainerState, verb: str) -> None:
    with parts.store.transaction() as tx:
        now = tx.container(found.name)
        if now is None or now.id != found.record.id or now.work is not None:
            return  # it is being removed meanwhile, which is the last word
        tx.put_container(replace(now, state=state, error=None))
        ledger.log(parts, tx, verb, found.name, state.value)
