"""``headroom`` of ``clocker.yaml``: its fields, and what they mean."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from clocker.config.fields import Count, Number, Rest, Rule, Size, Strict
from clocker.config.problems import Unfit
from clocker.errors import BadInput
from clocker.model import ContainerRequest, Headroom, Keep, Resources, Window
from clocker.policies.windows import window


def _window(value: Any) -> Window:
    if isinstance(value, Window):
        return value
    try:
        return window(str(value))
    except BadInput as error:
        raise Unfit(error.what, error.remedy) from None


class ShapeDocument(Strict):
    image: str = ""
    cores: Number = 0.0
    ram: Size = 0
    disk: Size = 0
    labels: dict[str, str] = Field(default_factory=dict)
    rules: list[Rule] = Field(default_factory=list)


class CooldownDocument(Strict):
    up: Rest = 30.0
    down: Rest = 300.0


class HeadroomDocument(Strict):
    count: Count = Field(default=0, ge=0, le=100_000)
    percent: Number = Field(default=0.0, ge=0, lt=100)
    shapes: list[ShapeDocument] = Field(default_factory=list)
    quantile: Number = Field(default=0.75, gt=0, le=1)
    minimum: Count | None = Field(default=None, ge=0, le=1000)
    maximum: Count | None = Field(default=None, ge=1, le=1000)
    budget: Number | None = None
    cooldown: CooldownDocument = CooldownDocument()
    drain: bool = True
    windows: list[Annotated[Window, BeforeValidator(_window)]] = Field(default_factory=list)
    timezone: str = "UTC"

    @field_validator("percent")
    @classmethod
    def _is_the_only_one(cls, value: float, info: ValidationInfo) -> float:
        if value and info.data.get("count"):
            raise Unfit("must not be said beside headroom.count", "say one of the two")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Unfit("must be a time zone", "such as Europe/Berlin") from None
        return value

    def model(self, count: int, maximum: int) -> Headroom | None:
        """For a cloud whose document says so many hosts; None when nothing is to be kept."""
        if not (self.count or self.percent or self.windows):
            return None
        most = min(maximum, maximum if self.maximum is None else self.maximum)
        return Headroom(
            keep=Keep(self.count, self.percent / 100),
            shapes=tuple(_shape(each) for each in self.shapes),
            quantile=self.quantile,
            minimum=min(count, most) if self.minimum is None else self.minimum,
            maximum=most,
            budget_hour=self.budget,
            up_s=self.cooldown.up,
            down_s=self.cooldown.down,
            drain=self.drain,
            windows=tuple(self.windows),
            timezone=self.timezone,
        )


def _shape(shape: ShapeDocument) -> ContainerRequest:
    return ContainerRequest(
        shape.image,
        Resources(shape.cores, shape.ram, shape.disk),
        labels=shape.labels,
        rules=tuple(shape.rules),
    )
