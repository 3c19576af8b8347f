"""How a container is written: what is as by default is left out, and yet comes back."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from clocker.errors import StoreError
from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Port,
    Resources,
    Sandbox,
)
from clocker.store import open_store
from clocker.store.codec import decode, encode, encode_containers
from clocker.testing import fake_parts

WEB = ContainerRequest("debian:12", Resources(0.5, 64), name="web")
DEFAULTS: dict[type, dict[str, Any]] = {
    Container: {
        "ports": [],
        "engine_id": None,
        "image_id": None,
        "ssh_host_key": None,
        "created_at": 0.0,
        "work": None,
        "attachments": [],
        "move": None,
        "error": None,
    },
    ContainerRequest: {
        "resources": {"cores": 0.0, "ram_mb": 0, "disk_mb": 0},
        "name": None,
        "env": {},
        "volumes": [],
        "labels": {},
        "ports": [],
        "command": None,
        "entrypoint": None,
        "user": None,
        "workdir": None,
        "hostname": None,
        "capabilities": [],
        "privileged": False,
        "read_only": False,
        "restart": {"condition": "no", "attempts": 0},
        "health": None,
        "ssh": False,
        "wait": "running",
        "timeout_s": 120.0,
        "rules": [],
        "networks": [],
        "aliases": [],
        "address": None,
        "ssh_keys": [],
        "healing": {
            "attempts": None,
            "window_s": None,
            "backoff_s": None,
            "backoff_most_s": None,
            "replace": True,
            "priority": 0,
            "restart_with": [],
        },
        "secrets": [],
        "build": None,
        "install": None,
        "stop_signal": None,
        "stop_grace_s": 10.0,
        "sandbox": {
            "dropped": [],
            "groups": [],
            "security": [],
            "ulimits": {},
            "sysctls": {},
            "tmpfs": {},
            "hosts": {},
            "init": False,
            "terminal": False,
            "stdin": False,
            "shm_mb": 0,
            "pids": 0,
        },
    },
}


def web(request: ContainerRequest = WEB, **more: Any) -> Container:
    return Container(
        "c1", "web", "h1", ContainerState.CREATING, request, "10.0.0.2", "02:42:0a:00:00:02", **more
    )


@pytest.mark.parametrize("kind", DEFAULTS, ids=lambda kind: kind.__name__)
def test_the_defaults_are_what_records_were_written_by(kind: type) -> None:
    """Where one of them has to change: a migration writes the former one into the records."""
    found = {
        field.name: field.default if field.default is not MISSING else field.default_factory()
        for field in fields(kind)
        if field.default is not MISSING or field.default_factory is not MISSING
    }
    assert json.loads(msgspec.json.encode(found)) == DEFAULTS[kind]


def test_what_is_as_by_default_is_not_written() -> None:
    assert json.loads(encode(web())) == {
        "id": "c1",
        "name": "web",
        "host_id": "h1",
        "state": "creating",
        "request": {
            "image": "debian:12",
            "resources": {"cores": 0.5, "ram_mb": 64, "disk_mb": 0},
            "name": "web",
        },
        "address": "10.0.0.2",
        "mac": "02:42:0a:00:00:02",
    }


def test_a_record_with_every_field_is_read_the_same() -> None:
    """As they were written before."""
    whole = msgspec.json.encode(web()).decode()
    assert '"stop_grace_s":10.0' in whole
    assert decode(Container, whole) == web() == decode(Container, encode(web()))


def test_what_differs_comes_back() -> None:
    request = ContainerRequest(
        "nginx",
        env=MappingProxyType({"A": None}),
        labels=MappingProxyType({}),
        stop_grace_s=0.0,
        sandbox=Sandbox(init=True, tmpfs={"/tmp": ""}),  # noqa: S108 - a path in a container
    )
    value = web(request, ports=(Port(80, 8080),), created_at=7.5, error="")
    assert decode(Container, encode(value)) == value


def test_containers_of_one_request_and_of_others_are_not_mixed_up() -> None:
    values = [web(), web(ContainerRequest("other")), web(created_at=3.0), web()]
    assert [decode(Container, text) for text in encode_containers(values)] == values


def test_what_is_no_json_is_refused() -> None:
    odd: Any = ContainerRequest("nginx", labels={"a": object()})  # type: ignore[dict-item]
    with pytest.raises(StoreError, match="a Container cannot be stored"):
        encode(web(odd))


def test_whoever_inspects_a_container_sees_the_defaults_too(tmp_path: Path) -> None:
    from clocker.cloud import Cloud

    store = open_store(f"sqlite:///{tmp_path}/state.db", "test")
    cloud = Cloud(fake_parts(store=store))
    cloud.obtain(WEB)
    record = cloud.inspect("web")["container"]
    assert record["move"] is None
    assert record["request"] == {**DEFAULTS[ContainerRequest], **record["request"]}
    assert set(record["request"]) == {field.name for field in fields(ContainerRequest)}
    store.close()
