"""The arguments of ``create_node`` as a request for a container. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any, TypedDict, TypeVar

from libcloud.compute.base import NodeAuthSSHKey, NodeImage, NodeLocation, NodeSize, StorageVolume

from clocker.driver.shapes import host_of, resources, rule_of
from clocker.errors import BadInput
from clocker.model import ContainerRequest, Port, Resources, Restart, RuleSpec, Volume, Wait

T = TypeVar("T")

# So that a name that is taken is an error, as with any libcloud driver: the cloud itself gives the
# same container again to whoever asks for the very same thing.
LABEL = "libcloud.request"


class Options(TypedDict, total=False):
    """``ex_cores``, ``ex_ram_mb``, ``ex_disk_mb``: instead of the size's. ``ex_ports``: a number
    is a port of the container, the host's is chosen. ``ex_volumes``: a volume, its name, or a
    folder of the host, and where it is in the container. ``ex_keyname``: of a key pair that may
    log in. ``ex_ssh``: give it an sshd; a key, or a deployment, asks for it anyway."""

    ex_cores: float
    ex_ram_mb: int
    ex_disk_mb: int
    ex_command: Sequence[str]
    ex_entrypoint: Sequence[str]
    ex_env: Mapping[str, str | None]
    ex_labels: Mapping[str, str]
    ex_ports: Sequence[int | Port]
    ex_volumes: Mapping[StorageVolume | str, str]
    ex_networks: Sequence[str]
    ex_aliases: Sequence[str]
    ex_address: str
    ex_hostname: str
    ex_user: str
    ex_workdir: str
    ex_restart: str | Restart
    ex_capabilities: Sequence[str]
    ex_privileged: bool
    ex_read_only: bool
    ex_rules: Sequence[RuleSpec]
    ex_keyname: str
    ex_ssh: bool
    ex_timeout_s: float


_SAME = ("address", "hostname", "user", "workdir", "privileged", "read_only", "timeout_s")
_MAPPINGS = ("env", "labels")
_RESTARTS = ("no", "on-failure", "always", "unless-stopped")
_SEQUENCES = ("command", "entrypoint", "networks", "aliases", "capabilities", "rules")


def request_of(
    name: str,
    size: NodeSize,
    image: NodeImage,
    location: NodeLocation | None,
    auth: NodeAuthSSHKey | None,
    keys: Mapping[str, str],
    options: Options,
) -> ContainerRequest:
    """``keys``: the cloud's key pairs. BadInput."""
    given: dict[str, Any] = dict(options)
    if unknown := sorted(set(given) - set(Options.__annotations__)):
        raise BadInput(
            f"create_node has no argument {', '.join(unknown)}",
            remedy=f"it has {', '.join(Options.__annotations__)}",
        )
    ssh_keys = _ssh_keys(auth, given.get("ex_keyname"), keys)
    ssh = bool(ssh_keys or given.get("ex_ssh"))
    request = ContainerRequest(
        str(image.id),
        _resources(size, given),
        name=name,
        ports=tuple(map(_port, given.get("ex_ports") or ())),
        volumes=_volumes(given.get("ex_volumes") or {}),
        restart=_restart(given.get("ex_restart")),
        ssh=ssh,
        ssh_keys=ssh_keys,
        wait=Wait.SSH if ssh else Wait.RUNNING,
    )
    request = replace(request, **_same(given))
    return replace(
        request,
        labels={**request.labels, LABEL: token_hex(8)},
        rules=(*request.rules, *_rules(location, given.get("ex_volumes") or {})),
    )


def _resources(size: NodeSize, given: Mapping[str, Any]) -> Resources:
    booked = resources(size)
    return Resources(
        _number(float, "ex_cores", given.get("ex_cores"), booked.cores),
        _number(int, "ex_ram_mb", given.get("ex_ram_mb"), booked.ram_mb),
        _number(int, "ex_disk_mb", given.get("ex_disk_mb"), booked.disk_mb),
    )


def _number(kind: Callable[[Any], T], name: str, told: object, otherwise: T) -> T:
    try:
        return otherwise if told is None else kind(told)
    except (TypeError, ValueError):
        raise BadInput(f"{told!r} is no number", where=name) from None


def _same(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a request calls by the same name; what is None is left to the request."""
    makers = dict.fromkeys(_MAPPINGS, dict) | dict.fromkeys(_SEQUENCES, _words)
    found = {name: given.get(f"ex_{name}") for name in (*_SAME, *_MAPPINGS, *_SEQUENCES)}
    return {
        name: makers.get(name, lambda value: value)(value)
        for name, value in found.items()
        if value is not None
    }


def _words(told: Sequence[Any]) -> tuple[Any, ...]:
    """A text is a sequence too, of letters: never what was meant."""
    if isinstance(told, str):
        raise BadInput(f"{told!r} is to be a list", remedy=f"give {told.split()!r}")
    return tuple(told)


def _port(told: int | Port) -> Port:
    return told if isinstance(told, Port) else Port(_number(int, "ex_ports", told, 0))


def _restart(told: str | Restart | None) -> Restart:
    if isinstance(told, Restart):
        return told
    if told not in (None, *_RESTARTS):
        raise BadInput(
            f"{told!r} is no restart condition",
            where="ex_restart",
            remedy=f"one of {', '.join(_RESTARTS)}, or a clocker.model.Restart with its attempts",
        )
    return Restart(told or "no")


def _volumes(told: Mapping[StorageVolume | str, str]) -> tuple[Volume, ...]:
    return tuple(
        Volume(source if isinstance(source, str) else source.name, target)
        for source, target in told.items()
    )


def _rules(
    location: NodeLocation | None, volumes: Mapping[StorageVolume | str, str]
) -> tuple[RuleSpec, ...]:
    """A volume is on one host, where the container has to be."""
    hosts = {host_of(item) for item in volumes if not isinstance(item, str)}
    places = [f"host/{host}" for host in sorted(hosts)]
    return (*([rule_of(location)] if location else ()), *map(rule_of, places))


def _ssh_keys(
    auth: NodeAuthSSHKey | None, name: str | None, keys: Mapping[str, str]
) -> tuple[str, ...]:
    if name is not None and name not in keys:
        raise BadInput(f"no key pair is called {name!r}", remedy="list_key_pairs() has them all")
    given = [auth.pubkey.strip()] if auth else []
    return (*given, *([keys[name]] if name else []))
