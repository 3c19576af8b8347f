"""A placement rule as YAML or the command line writes it: ``fits``, ``{max_containers: 20}``
(the rule's first option) or ``{fits: {overcommit: 2}}``."""

from __future__ import annotations

from dataclasses import fields

from clocker import plugins
from clocker.config.problems import Unfit
from clocker.errors import BadInput
from clocker.model import RuleSpec

_FORM = "must be a rule's name, or one name with its options"


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
