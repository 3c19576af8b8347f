"""Looks at what is deployed."""

from __future__ import annotations

from collections.abc import Sequence

from clocker.applications import belongs, implied_needs, jobs_of
from clocker.applications.names import SERVICE
from clocker.cloud.container_spec import engine_name
from clocker.deploy.reports import ApplicationView, ContainerView, ServiceView, needs_of
from clocker.deploy.world import World, look
from clocker.interfaces import Parts
from clocker.model import Application, Deployment, Service


def views(parts: Parts) -> tuple[ApplicationView, ...]:
    with parts.store.read() as tx:
        found = tx.applications()
    return tuple(view(parts, deployment) for deployment in found)


def view(parts: Parts, deployment: Deployment) -> ApplicationView:
    world = look(parts, deployment.name)
    jobs = jobs_of(deployment.application)
    services = {service.name: service for service in deployment.application.services}
    return ApplicationView(
        deployment,
        tuple(
            _service(parts, world, service, is_job=service.name in jobs)
            for service in services.values()
        ),
    )


def containers(parts: Parts, application: Application, services: Sequence[str]) -> tuple[str, ...]:
    with parts.store.read() as tx:
        own = [each for each in tx.containers() if belongs(each, application.name)]
    order = {service.name: number for number, service in enumerate(application.services)}
    wanted = [c for c in own if not services or c.request.labels[SERVICE] in services]
    wanted.sort(key=lambda c: (order.get(c.request.labels[SERVICE], len(order)), c.name))
    return tuple(each.name for each in wanted)


def _service(parts: Parts, world: World, service: Service, *, is_job: bool) -> ServiceView:
    own = [
        _container(parts, world, name)
        for name, seen in world.seen.items()
        if seen.container.request.labels[SERVICE] == service.name
    ]
    own.sort(key=lambda view: (len(view.name), view.name))
    well = sum(_is_well(each, service, is_job=is_job) for each in own)
    return ServiceView(
        service.name,
        service.request.image,
        service.replicas,
        tuple(own),
        needs_of(implied_needs(service)),
        well == len(own) == service.replicas,
    )


def _container(parts: Parts, world: World, name: str) -> ContainerView:
    seen = world.seen[name]
    told = world.statuses.get(seen.container.host_id)
    status = told.get(engine_name(parts.spec.name, name)) if told else None
    state = "unknown" if told is None else (status.state if status else "missing")
    return ContainerView(
        name,
        seen.facts.host,
        seen.container.address,
        state,
        status.health if status else None,
        status.exit_code if status and state in ("exited", "dead") else None,
    )


def _is_well(view: ContainerView, service: Service, *, is_job: bool) -> bool:
    if view.state == "running":
        return view.health in (None, "healthy", "starting")
    ended_well = view.state == "exited" and not view.exit_code
    return ended_well and (is_job or service.request.restart.condition in ("no", "on-failure"))
