"""A placement rule as YAML or the command line writes it: ``fits``, ``{max_containers: 20}``
(the rule's first option) or ``{fits: {overcommit: 2}}``."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from clocker import plugins
from clocker.config.problems import Unfit
from clocker.config.quantities import size_mb
from clocker.errors import BadInput
from clocker.model import RuleSpec

_FORM = "must be a rule's name, or one name with its options"
_SHAPER_FORM = "must be a shaper's name, or one name with its options"


def rule_spec(value: object) -> RuleSpec:
    """Unfit names the nearest rule, or the options that the rule has."""
    if isinstance(value, RuleSpec):
        return value
    if isinstance(value, str):
        return _checked(value, None)
    if isinstance(value, dict) and len(value) == 1:
        name, option = next(iter(value.items()))
        return _checked(str(name), option)
    raise Unfit(_FORM, "write  rules: [fits, {max_containers: 20}, breadth_first]")


def _checked(name: str, option: object) -> RuleSpec:
    try:
        spec = RuleSpec(name, _options(name, option))
        plugins.rule(spec)
    except BadInput as error:
        raise Unfit(error.what, error.remedy) from None
    return spec


def _options(name: str, option: object) -> dict[str, object]:
    if option is None:
        return {}
    if isinstance(option, dict):
        return option
    known = [field.name for field in fields(plugins.rule_class(name))]
    if not known:
        raise Unfit(f"rule {name!r} takes no options", f"write just {name}")
    return {known[0]: option}


def shaper_spec(value: object) -> RuleSpec:
    """``hosts.shapers``: as rules are written; amounts as people write them (``ram: 4GiB``)."""
    if isinstance(value, RuleSpec):
        return value
    if isinstance(value, str):
        value = {value: None}
    if not isinstance(value, dict) or len(value) != 1:
        raise Unfit(_SHAPER_FORM, "write  shapers: [fits_request, {at_least: {disk: 100GiB}}]")
    name, option = str(next(iter(value))), next(iter(value.values()))
    try:
        spec = RuleSpec(name, _shaper_options(name, option))
        plugins.shaper(spec)
    except (BadInput, ValueError) as error:
        what, remedy = getattr(error, "what", str(error)), getattr(error, "remedy", None)
        raise Unfit(what, remedy) from None
    return spec


def _shaper_options(name: str, option: object) -> dict[str, object]:
    """An option is meant for the shaper's first, unless it is a mapping of options."""
    known = [field.name for field in fields(plugins.shaper_class(name))]
    if option is None:
        return {}
    if not known:
        raise Unfit(f"shaper {name!r} takes no options", f"write just {name}")
    if isinstance(option, list):
        return {known[0]: [_amounts(each) for each in option]}
    if not isinstance(option, dict) or known[0] == name:
        return {known[0]: option}
    return dict(_amounts(option))


def _amounts(option: Any) -> Any:
    """``ram`` and ``disk`` in MiB."""
    if not isinstance(option, dict):
        return option
    sizes = {"ram": "ram_mb", "disk": "disk_mb"}
    return {sizes.get(k, k): size_mb(v) if k in sizes else v for k, v in option.items()}
