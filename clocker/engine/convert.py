"""Between the model and the Docker Engine API's JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any

from clocker.engine import ports
from clocker.engine.sandbox import sandbox_config
from clocker.model import (
    Attachment,
    ContainerSpec,
    ContainerStatus,
    EngineInfo,
    HealthCheck,
    ImageInfo,
    Resources,
    Restart,
    Volume,
)

Json = Mapping[str, Any]

_MIB = 1024 * 1024
_NANO = 1_000_000_000
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_ENDED = ("exited", "dead")
_UNNAMED = "<none>:<none>"


def create_body(spec: ContainerSpec, api_version: str) -> dict[str, Any]:
    """All that one create call takes."""
    attachment = spec.attachment
    body: dict[str, Any] = {
        "Image": spec.image,
        "Hostname": spec.hostname,
        "Labels": dict(spec.labels),
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "Cmd": list(spec.command) if spec.command is not None else None,
        "Entrypoint": list(spec.entrypoint) if spec.entrypoint is not None else None,
        "User": spec.user,
        "WorkingDir": spec.workdir,
        "StopSignal": spec.stop_signal,
        "StopTimeout": None if spec.stop_grace_s is None else ceil(spec.stop_grace_s),
        "OpenStdin": spec.interactive or spec.sandbox.stdin,
        "Tty": spec.interactive or spec.sandbox.terminal,
        "ExposedPorts": {f"{port.container}/{port.protocol}": {} for port in spec.ports},
        "Healthcheck": _healthcheck(spec.health) if spec.health else None,
        "HostConfig": _host_config(spec),
    }
    if attachment is not None:
        body["NetworkingConfig"] = {"EndpointsConfig": {attachment.network: _endpoint(attachment)}}
        if _older(api_version, (1, 44)):
            body["MacAddress"] = attachment.mac
    return {key: value for key, value in body.items() if value is not None}


def _host_config(spec: ContainerSpec) -> dict[str, Any]:
    attachment = spec.attachment
    volumes = (*spec.volumes, *(attachment.binds if attachment else ()))
    config: dict[str, Any] = {
        "NanoCpus": round(spec.resources.cores * _NANO),
        "Memory": spec.resources.ram_mb * _MIB,
        "Binds": [_bind(volume) for volume in volumes],
        "PortBindings": ports.bindings(spec.ports),
        "CapAdd": list(spec.capabilities),
        "Privileged": spec.privileged,
        "ReadonlyRootfs": spec.read_only,
        "RestartPolicy": restart_policy(spec.restart),
        "Init": spec.init or spec.sandbox.init,
        **sandbox_config(spec.sandbox),
    }
    if spec.read_only:
        scratch = {"/tmp": "", "/run": ""}  # noqa: S108 - the container's
        config["Tmpfs"] = {**scratch, **spec.sandbox.tmpfs}
    if spec.binds:
        config["Mounts"] = [_mount(volume) for volume in spec.binds]
    if attachment is not None:
        config["NetworkMode"] = attachment.network
    return config


def _endpoint(attachment: Attachment) -> dict[str, Any]:
    return {
        "IPAMConfig": {"IPv4Address": attachment.address},
        "MacAddress": attachment.mac,
    }


def _bind(volume: Volume) -> str:
    return f"{volume.source}:{volume.target}{':ro' if volume.read_only else ''}"


def _mount(volume: Volume) -> dict[str, Any]:
    """Where an engine finds nothing, it fails; for a bind it would make a folder."""
    return {
        "Type": "bind",
        "Source": volume.source,
        "Target": volume.target,
        "ReadOnly": volume.read_only,
    }


def restart_policy(restart: Restart) -> dict[str, Any]:
    attempts = restart.attempts if restart.condition == "on-failure" else 0
    return {"Name": restart.condition, "MaximumRetryCount": attempts}


def _healthcheck(check: HealthCheck) -> dict[str, Any]:
    if not check.command:
        return {"Test": ["NONE"]}
    interval = {"StartInterval": round(check.start_interval_s * _NANO)}
    return {
        "Test": ["CMD", *check.command],
        "Interval": round(check.interval_s * _NANO),
        "Timeout": round(check.timeout_s * _NANO),
        "Retries": check.retries,
        "StartPeriod": round(check.start_period_s * _NANO),
        **(interval if check.start_interval_s else {}),
    }


def inspected(data: Json) -> ContainerStatus:
    """Of ``GET /containers/ID/json``."""
    state, config = data["State"], data["Config"]
    status = state["Status"]
    published = data["NetworkSettings"].get("Ports") or data["HostConfig"].get("PortBindings")
    return ContainerStatus(
        engine_id=data["Id"],
        name=data["Name"].removeprefix("/"),
        state=status,
        labels=config.get("Labels") or {},
        image=config["Image"],
        image_id=data["Image"],
        pid=state.get("Pid") or 0,
        exit_code=state["ExitCode"] if status in _ENDED else None,
        health=_health((state.get("Health") or {}).get("Status")),
        address=_address(data["NetworkSettings"]),
        networks=addresses(data["NetworkSettings"], running=bool(state.get("Running"))),
        privileged=bool(data["HostConfig"].get("Privileged")),
        ports=ports.published(published or {}),
        started_at=_moment(state.get("StartedAt")),
    )


def listed(data: Json) -> ContainerStatus:
    """Of an entry of ``GET /containers/json``, which says much in the words of ``Status``."""
    said = data["Status"]
    state = data["State"]
    exit_code = re.match(r"Exited \((-?\d+)\)", said)
    health = re.search(r"\((?:health: )?(healthy|unhealthy|starting)\)", said)
    return ContainerStatus(
        engine_id=data["Id"],
        name=data["Names"][0].removeprefix("/") if data.get("Names") else "",
        state=state,
        labels=data.get("Labels") or {},
        image=data["Image"],
        image_id=data["ImageID"],
        exit_code=int(exit_code[1]) if exit_code and state in _ENDED else None,
        health=health[1] if health else None,
        address=_address(data.get("NetworkSettings") or {}),
        networks=addresses(data.get("NetworkSettings") or {}, running=state == "running"),
        ports=ports.listed(data.get("Ports") or ()),
    )


def image_info(data: Json) -> ImageInfo:
    config = data.get("Config") or {}
    return ImageInfo(
        id=data["Id"],
        tags=tuple(data.get("RepoTags") or ()),
        size_bytes=data.get("Size") or 0,
        architecture=_architecture(data.get("Architecture") or ""),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        user=config.get("User") or "",
        labels=config.get("Labels") or {},
        created_at=_epoch(data.get("Created") or ""),
        layers=tuple((data.get("RootFS") or {}).get("Layers") or ()),
    )


def listed_image(data: Json) -> ImageInfo:
    """Of ``GET /images/json``, which knows less than an inspection."""
    return ImageInfo(
        id=data["Id"],
        tags=tuple(tag for tag in data.get("RepoTags") or () if tag != _UNNAMED),
        size_bytes=data.get("Size") or 0,
        labels=data.get("Labels") or {},
        created_at=float(data.get("Created") or 0),
    )


def engine_info(data: Json, api_version: str) -> EngineInfo:
    """Of ``GET /info``, which does not know the disk's size."""
    return EngineInfo(
        version=data["ServerVersion"],
        api_version=api_version,
        architecture=_architecture(data["Architecture"]),
        resources=Resources(cores=float(data["NCPU"]), ram_mb=data["MemTotal"] // _MIB),
    )


def environment(container: Sequence[str] | None, image: Sequence[str] | None) -> dict[str, str]:
    """The variables that are not the image's as the image has them."""
    inherited = set(image or ())
    pairs = [entry.partition("=") for entry in container or () if entry not in inherited]
    return {name: value for name, _, value in pairs}


def addresses(settings: Json, *, running: bool) -> dict[str, str]:
    """By network: those that the container has, or, while it does not run, was given."""
    found = {
        name: network.get("IPAddress")
        or (None if running else (network.get("IPAMConfig") or {}).get("IPv4Address"))
        for name, network in (settings.get("Networks") or {}).items()
        if network
    }
    return {name: address for name, address in found.items() if address}


def label_filter(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"label": [f"{name}={value}" for name, value in labels.items()]}


def _epoch(text: str) -> float:
    """Of a time as engines write it, to the nanosecond; 0 when it says nothing."""
    known = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?", text)
    if known is None:
        return 0.0
    seconds = datetime.fromisoformat(known[1]).replace(tzinfo=UTC).timestamp()
    return max(0.0, seconds) + float(known[2] or 0)


def _older(version: str, than: tuple[int, int]) -> bool:
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) < than


def _health(status: str | None) -> str | None:
    return None if status in (None, "", "none") else status


def _address(settings: Json) -> str | None:
    """The one it has, or, while it does not run, the one it was given."""
    networks = [network for network in (settings.get("Networks") or {}).values() if network]
    current = [network.get("IPAddress") for network in networks]
    given = [(network.get("IPAMConfig") or {}).get("IPv4Address") for network in networks]
    return next((address for address in [*current, *given] if address), None)


def _moment(text: str | None) -> str | None:
    return None if not text or text.startswith("0001-") else text


def _architecture(name: str) -> str:
    return _ARCHITECTURES.get(name, name)
