"""An application as containers to ask for, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from clocker.applications.flaws import Flaw, flaws
from clocker.applications.names import (
    COMMON_NETWORK,
    SERVICE,
    container_name,
    network_name,
    volume_name,
)
from clocker.applications.order import implied_needs, waves
from clocker.errors import BadInput
from clocker.model import (
    Application,
    Condition,
    ContainerRequest,
    Need,
    Service,
    Text,
    Volume,
    Wait,
)

APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A container of an application. ``request``: named, labelled and with the cloud's names of
    its networks and volumes, but without the variables and words that values are in."""

    service: str
    number: int
    request: ContainerRequest
    env: Mapping[str, Text]
    command: tuple[Text, ...] | None

    @property
    def name(self) -> str:
        assert self.request.name is not None  # noqa: S101 - it was given one
        return self.request.name


@dataclass(frozen=True, slots=True)
class Resolved:
    """``networks``: those that are the application's own, as the cloud calls them. ``wanted``: by
    service, in the order of ``waves``. ``jobs``: services that are to come to an end."""

    application: Application
    networks: tuple[str, ...]
    wanted: Mapping[str, tuple[Wanted, ...]]
    needs: Mapping[str, tuple[Need, ...]]
    waves: tuple[tuple[str, ...], ...]
    jobs: frozenset[str]


def resolve(application: Application) -> Resolved:
    """BadInput with everything that is wrong."""
    if found := flaws(application):
        raise refusal(application, found)
    services = {service.name: service for service in application.services}
    needs = {name: implied_needs(service) for name, service in services.items()}
    jobs = jobs_of(application)
    order = waves({name: [need.service for need in those] for name, those in needs.items()})
    names = {name: _names(application, service) for name, service in services.items()}
    wanted = {
        name: _wanted(application, services[name], needs[name], names, is_job=name in jobs)
        for wave in order
        for name in wave
    }
    return Resolved(application, _networks(application), wanted, needs, order, jobs)


def jobs_of(application: Application) -> frozenset[str]:
    """The services that others wait for the end of."""
    return frozenset(
        need.service
        for service in application.services
        for need in service.needs
        if need.condition is Condition.COMPLETED
    )


def refusal(application: Application, found: tuple[Flaw, ...]) -> BadInput:
    lines = [
        f"{flaw.service or application.name}: {flaw.part}: {flaw.sentence}"
        + (f" ({flaw.remedy})" if flaw.remedy else "")
        for flaw in found
    ]
    where = f"application {application.name}"
    if len(lines) == 1:
        return BadInput(lines[0], where=where)
    listed = "\n".join(f"  {line}" for line in lines)
    return BadInput(f"{len(lines)} problems:\n{listed}", where=where)


def _names(application: Application, service: Service) -> tuple[str, ...]:
    return tuple(
        container_name(application.name, service.name, number)
        for number in range(1, service.replicas + 1)
    )


def _networks(application: Application) -> tuple[str, ...]:
    own = dict.fromkeys(application.networks)
    if any(not service.request.networks for service in application.services):
        own |= {COMMON_NETWORK: None}
    return tuple(network_name(application.name, network) for network in own)


def _wanted(
    application: Application,
    service: Service,
    needs: tuple[Need, ...],
    names: Mapping[str, tuple[str, ...]],
    *,
    is_job: bool,
) -> tuple[Wanted, ...]:
    """The same for every replica but for its name."""
    asked = service.request
    with_it = tuple(name for need in needs if need.restart for name in names[need.service])
    healing = replace(asked.healing, restart_with=with_it)
    common = replace(
        asked,
        labels={**asked.labels, APPLICATION: application.name, SERVICE: service.name},
        networks=_networks_of(application, asked),
        volumes=tuple(_volume(application, volume) for volume in asked.volumes),
        aliases=tuple(dict.fromkeys((service.name, *asked.aliases))),
        healing=replace(healing, attempts=0) if is_job else healing,
        wait=Wait.CREATED if is_job else asked.wait,
    )
    return tuple(
        Wanted(service.name, number, replace(common, name=name), service.env, service.command)
        for number, name in enumerate(names[service.name], start=1)
    )


def _networks_of(application: Application, request: ContainerRequest) -> tuple[str, ...]:
    """Own ones by the cloud's names for them; others are the cloud's."""
    if not request.networks:
        return (network_name(application.name),)
    own = application.networks
    return tuple(
        network_name(application.name, network) if network in own else network
        for network in request.networks
    )


def _volume(application: Application, volume: Volume) -> Volume:
    if volume.source in application.volumes:
        return replace(volume, source=volume_name(application.name, volume.source))
    return volume
