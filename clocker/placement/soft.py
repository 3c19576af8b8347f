"""A filter as a preference: ``soft: true`` with any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clocker import plugins
from clocker.interfaces import Filter
from clocker.model import ContainerRequest, HostView


@dataclass(frozen=True, slots=True)
class Soft:
    """Rather a host that the filter allows, but any other if need be."""

    filter: Filter

    @property
    def rule_name(self) -> str:
        return f"soft {plugins.name_of(self.filter)}"

    @property
    def needs_usage(self) -> bool:
        return getattr(self.filter, "needs_usage", False)

    @property
    def needs_offer(self) -> bool:
        return getattr(self.filter, "needs_offer", False)

    @property
    def reads(self) -> tuple[str, ...] | None:
        return getattr(self.filter, "reads", None)

    def among(self, views: Sequence[HostView], request: ContainerRequest) -> Soft:
        bind: Any = getattr(self.filter, "among", None)
        return Soft(bind(views, request)) if bind else self

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        return 0.0 if self.filter.refusal(view, request) is None else 1.0

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        return self.filter.refusal(view, request) or "as wished"
