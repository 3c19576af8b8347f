"""Applications for tests: a proxy, two web servers and a database, and parts of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clocker.cloud import Cloud
from clocker.deploy import Applications
from clocker.interfaces import Parts
from clocker.model import (
    Application,
    Condition,
    ContainerRequest,
    Need,
    Port,
    Resources,
    Service,
    ServiceValue,
    Volume,
)
from clocker.testing import fake_parts

DB = Service(
    "db",
    ContainerRequest(
        "postgres:16", Resources(0.5, 256), volumes=(Volume("data", "/var/lib/postgresql"),)
    ),
)
WEB = Service(
    "web",
    ContainerRequest("web:1", Resources(0.25, 128), env={"MODE": "live"}),
    replicas=2,
    needs=(Need("db", Condition.HEALTHY, restart=True),),
    env={"DB": ("postgres://", ServiceValue("db", "address"), "/shop")},
    maximum=4,
)
PROXY = Service(
    "proxy",
    ContainerRequest("haproxy:2", Resources(0.25, 64), ports=(Port(80, 8080),)),
    env={"BACKENDS": (ServiceValue("web", "address", every=True),)},
)
SHOP = Application("shop", (PROXY, WEB, DB), volumes=("data",))


def deployed_parts() -> Parts:
    """Of a cloud in memory with the shop, from images that are there."""
    parts = fake_parts()
    cloud = Cloud(parts)
    cloud.up()
    application = SHOP
    for service in SHOP.services:
        application = with_service(service.name, application, request={"image": "debian:12"})
    Applications(cloud).deploy(application)
    return parts


def with_service(name: str, application: Application = SHOP, **changes: Any) -> Application:
    """The application with a service that differs; ``request``: what differs of its request."""
    services = tuple(
        _changed(service, changes) if service.name == name else service
        for service in application.services
    )
    return replace(application, services=services)


def _changed(service: Service, changes: dict[str, Any]) -> Service:
    request = replace(service.request, **changes.get("request", {}))
    return replace(service, **{**changes, "request": request})
