"""Names to classes: the rules that YAML can name, ours in one table, others by entry point.

A package offers a rule under the entry point group ``clocker.rules``: a frozen dataclass with
``refusal`` (a Filter) or ``cost`` and ``reason`` (a Preference); a Shaper under
``clocker.shapers``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import msgspec

from clocker.errors import BadInput
from clocker.model import RuleSpec

_HOME = "clocker.placement"
RULES = {
    "fits": f"{_HOME}.capacity:Fits",
    "max_containers": f"{_HOME}.capacity:MaxContainers",
    "max_cpu_usage": f"{_HOME}.usage:MaxCpuUsage",
    "max_ram_usage": f"{_HOME}.usage:MaxRamUsage",
    "affinity": f"{_HOME}.affinity:Affinity",
    "same_host": f"{_HOME}.affinity:SameHost",
    "different_host": f"{_HOME}.affinity:DifferentHost",
    "exclusive": f"{_HOME}.affinity:Exclusive",
    "region": f"{_HOME}.location:Region",
    "zone": f"{_HOME}.location:Zone",
    "provider": f"{_HOME}.location:Provider",
    "country": f"{_HOME}.location:Country",
    "host_labels": f"{_HOME}.hosts:HostLabels",
    "hostname": f"{_HOME}.hosts:Hostname",
    "spread": f"{_HOME}.spread:Spread",
    "breadth_first": f"{_HOME}.order:BreadthFirst",
    "depth_first": f"{_HOME}.order:DepthFirst",
    "least_containers": f"{_HOME}.order:LeastContainers",
    "random": f"{_HOME}.order:Random",
    "cheapest": f"{_HOME}.order:Cheapest",
    "image_there": f"{_HOME}.images:ImageThere",
    "lowest_cpu_usage": f"{_HOME}.usage:LowestCpuUsage",
}
SHAPERS = {
    "fits_request": f"{_HOME}.shapers:FitsRequest",
    "at_least": f"{_HOME}.shapers:AtLeast",
    "size_classes": f"{_HOME}.shapers:SizeClasses",
    "requested_zone": f"{_HOME}.shapers:RequestedZone",
    "labels": f"{_HOME}.shapers:Labels",
    "tags": f"{_HOME}.shapers:Tags",
}


def rule_names() -> tuple[str, ...]:
    return (*RULES, *(point.name for point in entry_points(group="clocker.rules")))


@cache
def rule_class(name: str) -> type[Any]:
    """The class behind a rule's name; BadInput names the nearest known one."""
    if name in RULES:
        return rule_class_at(RULES[name])
    for point in entry_points(group="clocker.rules", name=name):
        loaded: type[Any] = point.load()
        return loaded
    near = get_close_matches(name, rule_names(), n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise BadInput(
        f"no placement rule is called {name!r}",
        where="rules",
        remedy=f"{hint}known rules: {', '.join(sorted(rule_names()))}",
    )


@cache
def shaper_class(name: str) -> type[Any]:
    """The class behind a shaper's name, ours or one of the entry point group
    ``clocker.shapers``; BadInput names the nearest known one."""
    if name in SHAPERS:
        return rule_class_at(SHAPERS[name])
    points = {point.name: point for point in entry_points(group="clocker.shapers")}
    if name in points:
        loaded: type[Any] = points[name].load()
        return loaded
    known = sorted((*SHAPERS, *points))
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise BadInput(
        f"no shaper is called {name!r}",
        where="shapers",
        remedy=f"{hint}known shapers: {', '.join(known)}",
    )


def shaper(spec: RuleSpec) -> Any:
    """The shaper that ``spec`` describes; BadInput for options it does not have."""
    made = shaper_class(spec.name)
    _check_options(spec.name, made, spec.options, kind="shaper")
    try:
        return msgspec.convert(dict(spec.options), made)
    except msgspec.ValidationError as error:
        raise BadInput(f"shaper {spec.name!r}: {error}", where="shapers") from error


def rule(spec: RuleSpec) -> Any:
    """The rule that ``spec`` describes; BadInput for options it does not have. Any filter takes
    the option ``soft`` besides its own: then it is a preference."""
    made = rule_class(spec.name)
    options = dict(spec.options)
    soft = options.pop("soft", False) if can_be_soft(made) else False
    _check_options(spec.name, made, options)
    if not isinstance(soft, bool):
        raise BadInput(f"rule {spec.name!r}: soft must be true or false", where="rules")
    try:
        found = msgspec.convert(options, made)
    except msgspec.ValidationError as error:
        # Norway is false in YAML, unless it is quoted.
        remedy = "put words such as NO, ON and YES in quotes" if "`bool`" in str(error) else None
        raise BadInput(f"rule {spec.name!r}: {error}", where="rules", remedy=remedy) from error
    return rule_class_at(f"{_HOME}.soft:Soft")(found) if soft else found


def spec_of(made: Any) -> RuleSpec:
    """The spec that describes a rule, as a request or a cloud carries it: the other way round."""
    inner = getattr(made, "filter", None)
    if inner is not None:
        spec = spec_of(inner)
        return RuleSpec(spec.name, {**spec.options, "soft": True})
    own = {field.name: getattr(made, field.name) for field in fields(made)}
    # Lists, as they come back from a store: a spec is compared with one that was kept.
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in own.items()}
    return RuleSpec(name_of(made), {k: value for k, value in plain.items() if value is not None})


def can_be_soft(made: type[Any]) -> bool:
    """Filters; not those that are preferences as well, nor those with their own idea of soft."""
    is_filter = hasattr(made, "refusal") and not hasattr(made, "cost")
    return is_filter and "soft" not in {field.name for field in fields(made)}


def name_of(made: object) -> str:
    """A rule's name in messages: max_containers for MaxContainers(...)."""
    named: str | None = getattr(made, "rule_name", None)
    return named or re.sub(r"(?<!^)(?=[A-Z])", "_", type(made).__name__).lower()


def rule_class_at(place: str) -> type[Any]:
    module, _, attribute = place.partition(":")
    found: type[Any] = getattr(import_module(module), attribute)
    return found


def _check_options(
    name: str, made: type[Any], options: Mapping[str, Any], kind: str = "rule"
) -> None:
    known = {field.name: field for field in fields(made)}
    unknown = sorted(set(options) - set(known))
    missing = [
        name
        for name, field in known.items()
        if name not in options and field.default is MISSING and field.default_factory is MISSING
    ]
    if unknown or missing:
        problems = [f"has no option {name!r}" for name in unknown]
        problems += [f"needs the option {name!r}" for name in missing]
        listed = [*known, *(["soft"] if can_be_soft(made) else [])]
        raise BadInput(
            f"{kind} {name!r} {' and '.join(problems)}",
            where=f"{kind}s",
            remedy=f"its options are: {', '.join(listed) or 'none'}",
        )
