"""Variables of a container that are called like secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from clocker.config.tree import Node, Report
from clocker.model import Secret

_SECRET = re.compile(
    r"(^|_)(secret|secret_key|api_key|access_key|private_key|pass|password|passwd|passphrase|"
    r"token|credentials?)$",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(slots=True)
class Environment:
    env: dict[str, str | None] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)


def is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def add_variable(
    found: Environment,
    name: str,
    value: str,
    node: Node,
    environ: Mapping[str, str],
    report: Report,
) -> None:
    """A secret stays a reference where one can be kept: to the environment itself. ``node`` is
    where the value is written."""
    if not is_secret(name) or not value:
        found.env[name] = value
    elif node.reference not in environ or not _VARIABLE.fullmatch(name):
        found.env[name] = value
        report.warn(
            node,
            "is written out, and would be on record",
            "write ${NAME} and export it, or use secrets",
        )
    elif name == node.reference:
        found.env[name] = None
    else:
        secret = Secret(name.lower(), target=name, env=node.reference, as_env=True)
        found.secrets.append(secret)
