"""The options of ``clocker run`` as the parts of a ContainerRequest. Pure; BadInput names the
option and shows how it is written."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, TypeVar

from clocker.config.quantities import dns_label, duration_s, size_mb
from clocker.errors import BadInput
from clocker.model import ContainerRequest, HealthCheck, Port, Restart, RuleSpec, Secret, Volume

T = TypeVar("T")

RESTART_CONDITIONS = ("no", "on-failure", "always", "unless-stopped")
PROTOCOLS = ("tcp", "udp", "sctp")

_PORT = re.compile(r"(?:(\d{1,5}):)?(\d{1,5})(?:/([a-z]+))?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_CAPABILITY = re.compile(r"(?:CAP_)?([A-Z_]+)")


def name(text: str) -> str:
    return _measured("--name", text, dns_label, "web-1")


def network(text: str) -> str:
    return _measured("--network", text, dns_label, "blue")


def alias(text: str) -> str:
    return _measured("--alias", text, dns_label, "db")


def dependency(text: str) -> str:
    return _measured("--restart-with", text, dns_label, "db")


def cores(value: float) -> float:
    if not 0 <= value < 10_000:
        raise _bad("--cores", str(value), "a number of cores such as 0.5 or 2")
    return value


def ram(text: str) -> int:
    return _measured("--ram", text, size_mb, "512MiB or 1GiB")


def disk(option: str, text: str) -> int:
    """In MiB."""
    return _measured(option, text, size_mb, "20GiB")


def duration(option: str, text: str) -> float:
    return _measured(option, text, duration_s, "90s or 10m")


def env(items: Sequence[str]) -> dict[str, str | None]:
    """``K=V``, or ``K`` for the value in this environment. A value is never shown."""
    found: dict[str, str | None] = {}
    for item in items:
        key, assigned, value = item.partition("=")
        if not _VARIABLE.fullmatch(key):
            raise BadInput(
                "must be NAME=VALUE, or NAME for the value here", where="--env", remedy="-e TZ=UTC"
            )
        found[key] = value if assigned else None
    return found


def secret(text: str, *, as_env: bool = False) -> Secret:
    """``NAME=env:VARIABLE``, ``NAME=file:PATH`` or ``NAME=command:LINE``."""
    option = "--secret-env" if as_env else "--secret"
    name, _, source = text.partition("=")
    kind, _, value = source.partition(":")
    if not name or not value or kind not in ("env", "file", "command"):
        raise BadInput(  # which does not repeat it: it may have been written out
            "must say where the secret is from: NAME=env:VARIABLE, NAME=file:PATH or "
            "NAME=command:LINE",
            where=option,
            remedy=f"{option} TOKEN=env:TOKEN",
        )
    return Secret(
        name,
        target=name,
        env=value if kind == "env" else None,
        file=str(Path(value).resolve()) if kind == "file" else None,
        command=words(option, value) if kind == "command" else None,
        as_env=as_env,
    )


def labels(items: Sequence[str]) -> dict[str, str]:
    found = {}
    for item in items:
        key, assigned, value = item.partition("=")
        if not key or not assigned:
            raise _bad("--label", item, "KEY=VALUE")
        if key.startswith("clocker."):
            raise BadInput(
                f"{key!r} is one of Clocker's own labels", where="--label", remedy="choose another"
            )
        found[key] = value
    return found


def volume(text: str) -> Volume:
    """``SRC:DST[:ro]``: a folder of the host by its absolute path, or a volume by its name."""
    parts = text.split(":")
    mode = parts.pop() if len(parts) == 3 and parts[2] in ("ro", "rw") else "rw"
    if len(parts) != 2:
        raise _bad("--volume", text, "SRC:DST or SRC:DST:ro")
    source, target = parts
    if not (source.startswith("/") or _VOLUME_NAME.fullmatch(source)):
        raise _bad("--volume", text, "an absolute path on the host, or a volume's name, first")
    if not target.startswith("/"):
        raise _bad("--volume", text, "an absolute path in the container second")
    return Volume(source, target, read_only=mode == "ro")


def port(text: str) -> Port:
    """``[HOST:]CONTAINER[/PROTOCOL]``; without a host port one is chosen."""
    match = _PORT.fullmatch(text)
    if not match or (match[3] or "tcp") not in PROTOCOLS:
        raise _bad("--publish", text, "[HOST:]CONTAINER[/tcp|udp|sctp], such as 8080:80")
    host_port, inner = int(match[1] or 0), int(match[2])
    if not 1 <= inner <= 65535 or host_port > 65535 or match[1] == "0":
        raise _bad("--publish", text, "ports from 1 to 65535")
    return Port(inner, host_port, match[3] or "tcp")


def restart(text: str) -> Restart:
    """``COND[:N]``"""
    condition, limited, attempts = text.partition(":")
    if condition not in RESTART_CONDITIONS:
        raise _bad("--restart", text, f"one of {', '.join(RESTART_CONDITIONS)}")
    if limited and (condition != "on-failure" or not attempts.isdecimal()):
        raise _bad("--restart", text, "a number of attempts only as on-failure:3")
    return Restart(condition, int(attempts or 0))


def capability(text: str) -> str:
    match = _CAPABILITY.fullmatch(text.upper())
    if not match:
        raise _bad("--cap-add", text, "a capability such as NET_ADMIN")
    return match[1]


def words(option: str, text: str) -> tuple[str, ...]:
    """A command line as a shell would split it."""
    try:
        found = tuple(shlex.split(text))
    except ValueError:
        raise _bad(option, text, "a command line with its quotes closed") from None
    if not found:
        raise _bad(option, text, "a command")
    return found


def workdir(text: str) -> str:
    if not text.startswith("/"):
        raise _bad("--workdir", text, "an absolute path")
    return text


def address(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise _bad("--ip", text, "an IPv4 address such as 10.210.0.9") from None


def health(
    command: str | None, interval: str, timeout: str, retries: int, start_period: str
) -> HealthCheck | None:
    """The check runs in the container's shell; None without a command."""
    if command is None:
        return None
    return HealthCheck(
        command=("sh", "-c", command),
        interval_s=duration("--health-interval", interval),
        timeout_s=duration("--health-timeout", timeout),
        retries=retries,
        start_period_s=_start_period(start_period),
    )


def rule(text: str) -> RuleSpec:
    """``NAME``, ``NAME=VALUE`` for its first option, or ``NAME={"option": value}``."""
    from clocker.config.rules import rule_spec

    known, assigned, option = text.partition("=")
    try:
        return rule_spec({known: _scalar(option)} if assigned else known)
    except ValueError as error:
        remedy = getattr(error, "remedy", None)
        raise BadInput(str(error), where="--rule", remedy=remedy) from None


def copies(request: ContainerRequest, count: int) -> list[ContainerRequest]:
    """``count`` of them; named NAME-1 to NAME-N when the request has a name."""
    if count == 1:
        return [request]
    if request.name is None:
        return [request] * count
    return [replace(request, name=name(f"{request.name}-{n}")) for n in range(1, count + 1)]


def _start_period(text: str) -> float:
    return 0.0 if text in ("0", "0s") else duration("--health-start-period", text)


def _scalar(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _measured(option: str, text: str, parse: Callable[[str], T], example: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        sentence = f"{error}, not {text!r}"
        raise BadInput(sentence, where=option, remedy=f"such as {example}") from None


def _bad(option: str, text: str, form: str) -> BadInput:
    return BadInput(f"{text!r} cannot be understood", where=option, remedy=f"give {form}")
