"""Text out of ``templates/`` and values. A value that a template wants and does not get is an
error; a value that a shell script gets goes through ``quote``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from shlex import quote
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

MARK = "::clocker::"
"""What a line of a script's output begins with when it is meant for Clocker."""


def render(template: str, values: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("clocker.templates", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - scripts and configuration, not HTML
    )
    environment.filters["quote"] = lambda value: quote(str(value))
    environment.globals["mark"] = MARK
    return environment
