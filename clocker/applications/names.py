"""What an application's containers, networks and volumes are called in the cloud. The same for
ever: what an older Clocker has deployed must still be found."""

from __future__ import annotations

from hashlib import sha256

from clocker.model import Container

COMMON_NETWORK = "default"
"""An application's network for the services that name none. In the cloud it is called like the
application."""
SERVICE = "service"
"""The label that names a container's service, beside the one that names its application."""

_LONGEST_CONTAINER = 63
_LONGEST_NETWORK = 32
_HASH = 8


def container_name(application: str, service: str, number: int = 1) -> str:
    """``shop-web`` for the first, ``shop-web-2`` for the second: the first one's stays the same
    when a service is scaled."""
    name = f"{application}-{service}" + (f"-{number}" if number > 1 else "")
    return _shortened(name, _LONGEST_CONTAINER)


def network_name(application: str, network: str = COMMON_NETWORK) -> str:
    name = application if network == COMMON_NETWORK else f"{application}-{network}"
    return _shortened(name, _LONGEST_NETWORK)


def volume_name(application: str, volume: str) -> str:
    return f"{application}-{volume}"


def belongs(container: Container, application: str, label: str = "application") -> bool:
    """Whether it was deployed as part of the application. Labels alone do not say so: anybody
    may give a container of his own the same."""
    labels = container.request.labels
    service = labels.get(SERVICE)
    if labels.get(label) != application or not service:
        return False
    if container.name == container_name(application, service):
        return True
    number = container.name.rpartition("-")[2]
    if number.isdecimal() and container.name == container_name(application, service, int(number)):
        return True
    return _may_be_hashed(container.name, application, service)


def _shortened(name: str, longest: int) -> str:
    """What is too long ends in a hash of the whole."""
    if len(name) <= longest:
        return name
    digest = sha256(name.encode()).hexdigest()[:_HASH]
    return f"{name[: longest - _HASH - 1].rstrip('-')}-{digest}"


def _may_be_hashed(name: str, application: str, service: str) -> bool:
    start = f"{application}-{service}-"[: _LONGEST_CONTAINER - _HASH - 1].rstrip("-")
    return len(start) + _HASH + 1 >= _LONGEST_CONTAINER - 1 and name.startswith(start)
