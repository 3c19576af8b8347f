"""What is different about a container as it is and as it is to be, and whether it can be changed
where it is."""

from __future__ import annotations

from dataclasses import dataclass, fields

from clocker.model import ContainerRequest

_ON_RECORD = frozenset(
    {"wait", "timeout_s", "rules", "healing", "stop_grace_s"},
)
"""Only Clocker knows them; a rule is for where a container goes next."""
_AT_THE_ENGINE = frozenset({"restart"})
_FIELDS = tuple(field.name for field in fields(ContainerRequest))


@dataclass(frozen=True, slots=True)
class Differences:
    """Names of fields: that are changed where the container is, and that need another one; of a
    variable ``env.NAME``."""

    in_place: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()


def differences(there: ContainerRequest, wanted: ContainerRequest) -> Differences:
    if there == wanted:
        return Differences()
    differ = [name for name in _FIELDS if getattr(there, name) != getattr(wanted, name)]
    movable = _ON_RECORD | _AT_THE_ENGINE
    if there.networks[:1] == wanted.networks[:1]:
        movable |= {"networks"}  # all but the first can be left and joined
    anew = [name for name in differ if name not in movable]
    if "env" in anew:
        anew[anew.index("env")] = ""
        anew += [f"env.{name}" for name in _variables(there, wanted)]
    return Differences(tuple(name for name in differ if name in movable), tuple(filter(None, anew)))


def _variables(there: ContainerRequest, wanted: ContainerRequest) -> list[str]:
    """Those that are not the same; one that is left open is not the same as none."""
    names = sorted({*there.env, *wanted.env})
    return [name for name in names if _value(there, name) != _value(wanted, name)]


def _value(request: ContainerRequest, name: str) -> tuple[bool, str | None]:
    return name in request.env, request.env.get(name)
