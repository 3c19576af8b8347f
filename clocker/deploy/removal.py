"""Removes an application, what others need last."""

from __future__ import annotations

from clocker.applications import belongs, implied_needs, volume_name, waves
from clocker.applications.names import SERVICE
from clocker.cloud import holdings
from clocker.cloud.release import release
from clocker.cloud.steps import side_by_side
from clocker.deploy import networks, record
from clocker.errors import NotFound
from clocker.interfaces import Parts
from clocker.model import Application, Container, Deployment, DeploymentState

_AT_ONCE = 16


def remove(parts: Parts, name: str, *, volumes: bool) -> tuple[str, ...]:
    """NotFound; Unreachable for what is on a host that is away: the same again goes on."""
    with parts.store.read() as tx:
        there = tx.application(name)
        own = [each for each in tx.containers() if belongs(each, name)]
    if there is None and not own:
        raise record.not_found(parts, name)

    def begin(now: Deployment | None, _: object) -> Deployment:
        found = now or Deployment(name, Application(name, ()), DeploymentState.REMOVING)
        return Deployment(
            name, found.application, DeploymentState.REMOVING, found.former, found.networks
        )

    with record.claimed(parts, name, begin) as deployment:
        for group in _in_order(deployment, own):
            _release(parts, group)
        networks.remove(parts, deployment.networks)
        if volumes:
            _remove_volumes(parts, deployment)
        record.forget(parts, deployment)
    return tuple(each.name for each in own)


def _in_order(deployment: Deployment, own: list[Container]) -> list[list[str]]:
    """Of services that are not described any more, at first."""
    services = deployment.application.services
    needs = {s.name: [need.service for need in implied_needs(s)] for s in services}
    rank = {name: number for number, wave in enumerate(waves(needs)) for name in wave}
    groups: dict[int, list[str]] = {}
    for each in own:
        at = rank.get(each.request.labels[SERVICE], len(rank))
        groups.setdefault(at, []).append(each.name)
    return [groups[at] for at in sorted(groups, reverse=True)]


def _release(parts: Parts, names: list[str]) -> None:
    def gone(name: str) -> None:
        try:
            release(parts, name)
        except NotFound:
            return  # somebody else has removed it meanwhile

    with side_by_side(min(_AT_ONCE, len(names))) as pool:
        jobs = [pool.submit(gone, name) for name in names]
    for job in jobs:
        job.result()


def _remove_volumes(parts: Parts, deployment: Deployment) -> None:
    names = {volume_name(deployment.name, each) for each in deployment.application.volumes}
    for view in holdings.volumes(parts):
        if view.name in names:
            holdings.remove_volume(parts, view.name, view.host)
