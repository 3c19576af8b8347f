"""Cases of placement as data: ``tests/data/placement/*.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from clocker.config.rules import rule_spec
from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Host,
    HostState,
    HostView,
    Resources,
    Usage,
)

_FOLDER = Path(__file__).parent / "data" / "placement"
_ROOM = {"cores": 4.0, "ram_mb": 4096, "disk_mb": 10_000}


def tables() -> dict[str, dict[str, Any]]:
    """Each case by the name of its file and what it shows."""
    return {
        f"{path.stem}: {case['what']}": case
        for path in sorted(_FOLDER.glob("*.yaml"))
        for case in yaml.safe_load(path.read_text())
    }


def request_of(given: Mapping[str, Any]) -> ContainerRequest:
    rules = tuple(map(rule_spec, given.get("rules", ())))
    fields = {"image": "busybox", **given, "rules": rules}
    return msgspec.convert(fields, ContainerRequest, from_attributes=True)


def view_of(name: str, given: Mapping[str, Any]) -> HostView:
    host = Host(
        id=f"id-{name}",
        name=name,
        provider=given.get("provider", "local"),
        state=HostState(given.get("state", "ready")),
        capacity=Resources(**{key: given.get(key, value) for key, value in _ROOM.items()}),
        gateway="10.0.0.1",
        region=given.get("region"),
        zone=given.get("zone"),
        labels=given.get("labels", {}),
        price_hour=given.get("price"),
        cordoned=given.get("cordoned", False),
        images=tuple(given.get("images", ())),
    )
    held = given.get("containers", 0)
    if isinstance(held, int):
        held = [(f"{name}-{n}", "busybox", {}) for n in range(held)]
    containers = tuple(container_of(host, *item) for item in held)
    return HostView(host, containers, _usage(given))


def container_of(host: Host, name: str, image: str, of: Mapping[str, Any]) -> Container:
    request = request_of({"image": image, "name": name, **of})
    state = ContainerState.RUNNING
    return Container(f"id-{name}", name, host.id, state, request, "", "", request.ports)


def _usage(given: Mapping[str, Any]) -> Usage | None:
    if "cpu" not in given and "ram" not in given:
        return None
    return Usage(given.get("cpu", 0.0), given.get("ram", 0.0), 0.0, given.get("age_s", 0.0))
