"""Where images come from and go to, outside the cloud's engines."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RegistryAuth:
    """Who asks a registry. It is told with a request, and kept nowhere."""

    username: str
    password: str = field(repr=False)
