"""The kinds of value that the documents' fields have, and the model that all of them share.

A validator's sentence begins with "must" and never repeats the value, which may be a secret.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from clocker.addressing import span
from clocker.config.problems import Unfit
from clocker.config.quantities import duration_s, size_mb
from clocker.config.rules import rule_spec, shaper_spec
from clocker.model import RuleSpec


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise Unfit("must be a number")
    return value


def _span(value: Any) -> str:
    return span(str(value))


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _rest(value: Any) -> float:
    return 0.0 if value in (0, "0", "0s") and value is not False else duration_s(value)


Count = Annotated[int, BeforeValidator(_number)]
Number = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]
Size = Annotated[int, BeforeValidator(size_mb)]
Duration = Annotated[float, BeforeValidator(duration_s)]
Rest = Annotated[float, BeforeValidator(_rest)]
Span = Annotated[str, BeforeValidator(_span)]
Names = Annotated[list[str], BeforeValidator(_listed)]
Rule = Annotated[RuleSpec, BeforeValidator(rule_spec)]
Shaper = Annotated[RuleSpec, BeforeValidator(shaper_spec)]


class Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        defer_build=True,  # one that is part of another is only built as that
    )
