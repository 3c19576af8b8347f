"""Names to classes: the rules that YAML can name, ours in one table, others by entry point.

A package offers a rule under the entry point group ``clocker.rules``: a frozen dataclass with
``refusal`` (a Filter) or ``cost`` (a Preference).
"""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import msgspec

from clocker.errors import BadInput
from clocker.model import RuleSpec

RULES = {
    "fits": "clocker.placement.rules:Fits",
    "max_containers": "clocker.placement.rules:MaxContainers",
    "breadth_first": "clocker.placement.rules:BreadthFirst",
    "depth_first": "clocker.placement.rules:DepthFirst",
}


def rule_names() -> tuple[str, ...]:
    return (*RULES, *(point.name for point in entry_points(group="clocker.rules")))


@cache
def rule_class(name: str) -> type[Any]:
    """The class behind a rule's name; BadInput names the nearest known one."""
    if name in RULES:
        module, _, attribute = RULES[name].partition(":")
        found: type[Any] = getattr(import_module(module), attribute)
        return found
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


def rule(spec: RuleSpec) -> Any:
    """The rule that ``spec`` describes; BadInput for options it does not have."""
    made = rule_class(spec.name)
    known = {field.name: field for field in fields(made)}
    unknown = sorted(set(spec.options) - set(known))
    missing = [
        name
        for name, field in known.items()
        if name not in spec.options and field.default is MISSING
    ]
    if unknown or missing:
        problems = [f"has no option {name!r}" for name in unknown]
        problems += [f"needs the option {name!r}" for name in missing]
        raise BadInput(
            f"rule {spec.name!r} {' and '.join(problems)}",
            where="rules",
            remedy=f"its options are: {', '.join(known) or 'none'}",
        )
    try:
        return msgspec.convert(dict(spec.options), made)
    except msgspec.ValidationError as error:
        raise BadInput(f"rule {spec.name!r}: {error}", where="rules") from error


def name_of(made: object) -> str:
    """A rule's name in messages: max_containers for MaxContainers(...)."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(made).__name__).lower()
