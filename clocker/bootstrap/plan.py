"""What a host's bootstrap will run. Pure: the same cloud and host give the same script."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from clocker.bootstrap.engine_access import engine_access, engine_files
from clocker.bootstrap.registries import with_registries
from clocker.interfaces import Step
from clocker.model import CloudSpec, Host, Trust
from clocker.network.layout import LOCK, Layout
from clocker.templating import render

_LOCK_TIMEOUT_S = 300
_STAMP_HERE = "@stamp@"

Package = tuple[str, str, str]
"""A command, and the packages that bring it in Debian's family and in Red Hat's."""

_ENGINE_PACKAGES: tuple[Package, ...] = (
    ("ip", "iproute2", "iproute"),
    ("iptables", "iptables", "iptables"),
    ("update-ca-certificates", "ca-certificates", "ca-certificates"),
)


@dataclass(frozen=True, slots=True)
class BootstrapPlan:
    """``stamp``: the script's hash, which the script leaves on the host when it has ended.
    ``steps``: names and texts, in the script's order."""

    script: str
    stamp: str
    steps: tuple[tuple[str, str], ...]


def plan(
    spec: CloudSpec, host: Host, steps: Sequence[Step], trust: Trust | None = None
) -> BootstrapPlan:
    """The script that makes the engine ready, does ``steps`` and measures the host. ``trust``:
    where the engine is to listen with TLS, whose certificates it accepts."""
    everything = (_engine_step(spec, host, steps, trust), *steps, _facts_step())
    texts = tuple((step.name, render(step.template, step.values)) for step in everything)
    script = _script(spec.name, texts, _STAMP_HERE)
    stamp = sha256(script.encode()).hexdigest()[:16]
    return BootstrapPlan(script.replace(_STAMP_HERE, stamp, 1), stamp, texts)


def change_script(cloud: str, former: BootstrapPlan, wanted: BootstrapPlan) -> str:
    """What makes a host that is as ``former`` says one as ``wanted`` says: those steps only that
    are others now. On any other host it does nothing, and says so by the fact ``otherwise``."""
    changed = [step for step in wanted.steps if step not in former.steps]
    return _script(cloud, changed, wanted.stamp, former.stamp)


def _script(cloud: str, steps: Sequence[tuple[str, str]], stamp: str, former: str = "") -> str:
    values = {
        "layout": Layout(cloud),
        "lock": LOCK,
        "lock_timeout_s": _LOCK_TIMEOUT_S,
        "stamp": stamp,
        "former": former,
        "steps": [{"name": name, "text": text} for name, text in steps],
    }
    return render("bootstrap/script.sh.j2", values)


def _engine_step(spec: CloudSpec, host: Host, steps: Sequence[Step], trust: Trust | None) -> Step:
    """It installs what all steps need: one run of the package tool is faster than three."""
    wanted = (package for step in steps for package in step.values.get("packages", ()))
    if host.access is not None and host.access.local:
        adopted = {"name": "engine", "packages": tuple(dict.fromkeys(wanted))}
        return Step("engine", "bootstrap/adopted_engine.sh.j2", adopted)
    options = with_registries({"live-restore": True, **spec.engine.options}, spec.registries)
    user = host.access.user if host.access else "root"
    values: dict[str, Any] = {
        "packages": tuple(dict.fromkeys((*_ENGINE_PACKAGES, *wanted))),
        "version": spec.engine.version or "",
        "options": _json(options),
        "options_with_dns": _json({"dns": [host.gateway], **options}),
        "user": "" if user == "root" else user,
        "lock_timeout_s": _LOCK_TIMEOUT_S,
        "fresh": not (host.access and host.access.kept),
        "access": engine_access(spec, host, trust) if trust else None,
        "access_script": engine_files(spec.name).script,
    }
    return Step("engine", "bootstrap/engine.sh.j2", values)


def _facts_step() -> Step:
    return Step("facts", "bootstrap/facts.sh.j2", {})


def _json(options: dict[str, object]) -> str:
    return json.dumps(options, indent=2, sort_keys=True)
