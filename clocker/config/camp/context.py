"""What all services of a blueprint share while they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clocker.config.camp.values import Values
from clocker.config.tree import Report


@dataclass(slots=True)
class Context:
    """``names``: the services by their ids. ``volumes``: collects the application's own.
    ``aliases``: what links call a service, by its name."""

    application: str
    folder: Path
    environ: Mapping[str, str]
    values: Values
    names: Mapping[str, str]
    networks: tuple[str, ...]
    report: Report
    volumes: dict[str, None] = field(default_factory=dict)
    aliases: dict[str, dict[str, None]] = field(default_factory=dict)
