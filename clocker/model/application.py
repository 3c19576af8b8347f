"""An application: services that are deployed, changed and removed together. Every way of writing
one down (our own, CAMP's, Compose's) becomes this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from clocker.model.request import ContainerRequest


@dataclass(frozen=True, slots=True)
class ServiceValue:
    """What is known of a service only when it runs. ``value``: ``name``, ``hostname`` (with the
    zone of its first network), ``address``, ``host`` (its name), ``host_address``, ``port/N``
    (where its host publishes its port N); of its first replica, or with ``every`` of all of them,
    joined by commas."""

    service: str
    value: str
    every: bool = False


Text: TypeAlias = tuple[str | ServiceValue, ...]
"""Pieces that are joined once the values are known."""


class Condition(StrEnum):
    """How far a service must have come before those that need it are started."""

    STARTED = "started"
    HEALTHY = "healthy"
    COMPLETED = "completed"  # it has ended, with 0


@dataclass(frozen=True, slots=True)
class Need:
    """``restart``: whoever needs the service is restarted after it was restarted or replaced."""

    service: str
    condition: Condition = Condition.STARTED
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """``request``: one container of it, without a name; its networks and named volumes are the
    application's where that lists them, and else the cloud's. On its networks every replica has
    the service's name for an alias. ``env``, ``command``: what they have besides (a variable), or
    instead, with values of other services in it; whose values it has, it needs (started) without
    saying so. ``minimum``, ``maximum``: of replicas, for whoever scales it. ``headroom``: for so
    many more of it the cloud keeps room."""

    name: str
    request: ContainerRequest
    replicas: int = 1
    needs: tuple[Need, ...] = ()
    env: Mapping[str, Text] = field(default_factory=dict)
    command: tuple[Text, ...] | None = None
    minimum: int = 0
    maximum: int | None = None
    headroom: int = 0


@dataclass(frozen=True, slots=True)
class Application:
    """``networks``: its own, made and removed with it; services on none are on one that all of
    its services share. ``volumes``: its own named ones; they stay when it is removed, unless they
    are to go as well. ``origin``: the document that it was written down in."""

    name: str
    services: tuple[Service, ...]
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    origin: str = ""
