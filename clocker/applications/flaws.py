"""What is wrong with an application, all of it at once, whichever way it was written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from clocker.applications.names import container_name
from clocker.applications.order import circles, implied_needs, values_in
from clocker.model import Application, Condition, Service

_VALUES = ("name", "hostname", "address", "host", "host_address")
_FOR_EVER = ("always", "unless-stopped")


@dataclass(frozen=True, slots=True)
class Flaw:
    """``service``: whose it is, None for the application's. ``part``: the field of the model that
    it is about."""

    service: str | None
    part: str
    sentence: str
    remedy: str | None = None


def flaws(application: Application) -> tuple[Flaw, ...]:
    services = {service.name: service for service in application.services}
    counts = Counter(service.name for service in application.services)
    found = [Flaw(name, "name", "is there twice") for name, count in counts.items() if count > 1]
    if not application.services:
        found.append(Flaw(None, "services", "there are none", "describe at least one"))
    for service in services.values():
        found += _of_service(service, services)
    found += _of_names(application)
    found += _of_circles(services)
    return tuple(found)


def _of_service(service: Service, services: Mapping[str, Service]) -> Iterator[Flaw]:
    yield from _of_replicas(service)
    yield from _of_needs(service, services)
    yield from _of_values(service, services)
    yield from _of_secrets(service)


def _of_replicas(service: Service) -> Iterator[Flaw]:
    most = service.maximum
    if service.minimum > (service.replicas if most is None else most):
        yield Flaw(service.name, "minimum", "must not be above the number of replicas")
    elif service.replicas < service.minimum:
        yield Flaw(service.name, "replicas", f"must not be below the minimum, {service.minimum}")
    if most is not None and service.replicas > most:
        yield Flaw(service.name, "replicas", f"must not be above the maximum, {most}")
    if service.request.address and max(service.replicas, most or 0) > 1:
        sentence = "is for one container only, and there may be several"
        yield Flaw(service.name, "address", sentence, "leave it out: each replica keeps its own")


def _of_needs(service: Service, services: Mapping[str, Service]) -> Iterator[Flaw]:
    counts = Counter(need.service for need in service.needs)
    for need in service.needs:
        other = services.get(need.service)
        if other is None:
            yield _dangling(service, "needs", need.service, services)
        elif need.condition is Condition.COMPLETED and _runs_for_ever(other):
            sentence = f"waits until {other.name} has ended, which is always started again"
            yield Flaw(service.name, "needs", sentence, f"give {other.name} restart: no")
    for name, count in counts.items():
        if count > 1:
            yield Flaw(service.name, "needs", f"names {name!r} twice")


def _of_values(service: Service, services: Mapping[str, Service]) -> Iterator[Flaw]:
    said = {need.service for need in service.needs}
    for value in dict.fromkeys(values_in(service)):
        other = services.get(value.service)
        if other is None:
            if value.service not in said:  # which was told already
                yield _dangling(service, "env", value.service, services)
            continue
        kind, _, port = value.value.partition("/")
        if kind == "port":
            if not any(str(p.container) == port for p in other.request.ports):
                sentence = f"asks where port {port} of {other.name} is published, and it is not"
                yield Flaw(service.name, "env", sentence, f"publish it: ports of {other.name}")
        elif value.value not in _VALUES:
            sentence = f"a service has no value {value.value!r}"
            yield Flaw(service.name, "env", sentence, f"there are {', '.join(_VALUES)}, port/N")


def _of_secrets(service: Service) -> Iterator[Flaw]:
    for secret in service.request.secrets:
        sources = (secret.env, secret.file, secret.command, secret.text)
        if sum(source is not None for source in sources) != 1:
            sentence = f"{secret.name!r} must have one source: env, file or command"
            yield Flaw(service.name, "secrets", sentence)
        if secret.as_env and secret.target in {**service.request.env, **service.env}:
            sentence = f"{secret.target!r} is a variable as well"
            yield Flaw(service.name, "secrets", sentence, "remove one of them")


def _of_names(application: Application) -> Iterator[Flaw]:
    """``web-2`` may be a service, or the second of ``web``."""
    owners: dict[str, str] = {}
    for service in application.services:
        for number in range(1, service.replicas + 1):
            name = container_name(application.name, service.name, number)
            owner = owners.setdefault(name, service.name)
            if owner != service.name:
                sentence = f"would have a container called {name}, as {owner} has"
                yield Flaw(service.name, "name", sentence, "call it otherwise")


def _of_circles(services: Mapping[str, Service]) -> Iterator[Flaw]:
    needs = {name: [n.service for n in implied_needs(s)] for name, s in services.items()}
    for way in circles(needs):
        sentence = f"needs go in a circle: {' -> '.join(way)}"
        yield Flaw(way[0], "needs", sentence, "remove one of them; a name needs nothing")


def _dangling(service: Service, part: str, name: str, services: Mapping[str, Service]) -> Flaw:
    near = get_close_matches(name, services, n=1) if len(services) < 1000 else []
    remedy = f"did you mean {near[0]}?" if near else None
    return Flaw(service.name, part, f"no service is called {name!r}", remedy)


def _runs_for_ever(service: Service) -> bool:
    return service.request.restart.condition in _FOR_EVER
