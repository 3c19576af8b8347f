"""What a service's program is, how it is looked after, and what the engine builds around it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from clocker.config.compose.scalars import mib, number, seconds, text, truth, whole, words
from clocker.config.problems import Unfit
from clocker.config.tree import Node, Report
from clocker.model import HealthCheck, Sandbox, Ulimit

_CAPABILITY = re.compile(r"(?:CAP_)?([A-Z_]+)")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,252}[A-Za-z0-9_])?")
_SYSCTL = re.compile(r"[a-z0-9_.*/-]{1,128}")
_DEFAULT_S = 30.0
"""An engine's own interval and timeout."""


def program(service: Node, key: str, report: Report) -> tuple[str, ...] | None:
    none: tuple[str, ...] | None = None
    return report.read(service.get(key), words, none)


def health(service: Node, report: Report) -> HealthCheck | None:
    check = service.get("healthcheck")
    if check is None:
        return None
    if report.read(check.get("disable"), truth, False):
        return HealthCheck(())
    test = check.get("test")
    if test is None:
        report.refuse(check, "has no test", "write it, also where the image has one of its own")
        return None
    nothing: tuple[str, ...] = ()
    command = report.read(test, _test, nothing)
    if not command:
        return HealthCheck(())
    return HealthCheck(
        command=command,
        interval_s=report.read(check.get("interval"), _above_zero, _DEFAULT_S),
        timeout_s=report.read(check.get("timeout"), _above_zero, _DEFAULT_S),
        retries=report.read(check.get("retries"), whole, 3) or 3,
        start_period_s=report.read(check.get("start_period"), seconds, 0.0),
        start_interval_s=report.read(check.get("start_interval"), seconds, 0.0),
    )


def sandbox(service: Node, tmpfs: dict[str, str], report: Report) -> Sandbox:
    return Sandbox(
        dropped=capabilities(service, "cap_drop", report),
        groups=tuple(text(node.value) for node in _items(service, "group_add")),
        security=_security(service, report),
        ulimits=_ulimits(service, report),
        sysctls=_sysctls(service, report),
        tmpfs=tmpfs,
        hosts=_hosts(service, report),
        init=report.read(service.get("init"), truth, False),
        terminal=report.read(service.get("tty"), truth, False),
        stdin=report.read(service.get("stdin_open"), truth, False),
        shm_mb=report.read(service.get("shm_size"), mib, 0),
        pids=_pids(service, report),
    )


def capabilities(service: Node, key: str, report: Report) -> tuple[str, ...]:
    found = (report.read(node, _capability, "") for node in _items(service, key))
    return tuple(name for name in found if name)


def _items(service: Node, key: str) -> list[Node]:
    node = service.get(key)
    return node.list() if node else []


def _test(value: Any) -> tuple[str, ...]:
    """Empty for none."""
    if not isinstance(value, list):
        return ("sh", "-c", text(value)) if text(value).strip() else ()
    kind, *rest = [text(node.value) for node in value] or [""]
    if kind == "NONE" and not rest:
        return ()
    if kind == "CMD" and rest:
        return tuple(rest)
    if kind == "CMD-SHELL" and len(rest) == 1:
        return ("sh", "-c", rest[0])
    raise Unfit("must begin with CMD, CMD-SHELL or NONE", "such as [CMD, pg_isready]")


def _above_zero(value: Any) -> float:
    return seconds(value) or _DEFAULT_S  # 0 is the engine's own


def _capability(value: Any) -> str:
    match = _CAPABILITY.fullmatch(text(value).upper())
    if match is None:
        raise Unfit("must be a capability", "such as NET_ADMIN")
    return match[1]


def _security(service: Node, report: Report) -> tuple[str, ...]:
    found = []
    for node in _items(service, "security_opt"):
        option = text(node.value).replace("=", ":", 1)
        if option in ("no-new-privileges", "no-new-privileges:true"):
            found.append("no-new-privileges")
        elif option != "no-new-privileges:false":
            report.refuse(node, "is not supported", "no-new-privileges is the only one that is")
    return tuple(dict.fromkeys(found))


def _ulimits(service: Node, report: Report) -> dict[str, Ulimit]:
    node = service.get("ulimits")
    found = {}
    for name, item in node.items() if node else ():
        one = item.value if not isinstance(item.value, dict) else None
        soft, hard = (item, item) if one is not None else (item.get("soft"), item.get("hard"))
        limit = Ulimit(report.read(soft, _limit, 0), report.read(hard, _limit, 0))
        if -1 < limit.hard < limit.soft:
            report.refuse(item, "has a soft limit above the hard one")
        found[name] = limit
    return found


def _limit(value: Any) -> int:
    return -1 if text(value) == "-1" else whole(value)


def _sysctls(service: Node, report: Report) -> dict[str, str]:
    node = service.get("sysctls")
    found = {}
    for name, item in node.items() if node else ():
        if not _SYSCTL.fullmatch(name) or not text(item.value).isprintable():
            report.refuse(item, "must be a kernel parameter", "such as net.core.somaxconn: 1024")
        found[name] = text(item.value)
    return found


def _hosts(service: Node, report: Report) -> dict[str, str]:
    node = service.get("extra_hosts")
    found = {}
    for name, item in node.items() if node else ():
        several = isinstance(item.value, list)
        if several and len(item.value) != 1:
            report.refuse(item, "must have one address")
            continue
        only = item.value[0] if several else item
        if not _HOST_NAME.fullmatch(name):
            report.refuse(item, "must be a host's name")
        found[name] = report.read(only, _address, "")
    return found


def _address(value: Any) -> str:
    try:
        return str(ip_address(text(value).strip().strip("[]")))
    except ValueError:
        raise Unfit("must be an IP address", "such as 192.0.2.7") from None


def _pids(service: Node, report: Report) -> int:
    for place in (("deploy", "resources", "limits", "pids"), ("pids_limit",)):
        node = service.get(*place)
        if node is not None:
            return 0 if text(node.value) == "-1" else int(report.read(node, number, 0.0))
    return 0
