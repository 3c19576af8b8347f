"""A quick dataclass is like any other frozen one."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace
from inspect import signature

import pytest

from clocker.model.quick import quick


@dataclass(frozen=True)
class Plain:
    name: str
    size: int = 1
    labels: dict[str, str] = field(default_factory=dict)


@quick
@dataclass(frozen=True)
class Quick:
    name: str
    size: int = 1
    labels: dict[str, str] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class QuickSlots:
    name: str
    size: int = 1
    labels: dict[str, str] = field(default_factory=dict)


def test_slots_are_filled_as_with_any() -> None:
    assert asdict(QuickSlots("a")) == asdict(Plain("a"))
    assert asdict(QuickSlots("a", 2, labels={"b": "c"})) == asdict(Plain("a", 2, {"b": "c"}))
    assert QuickSlots("a").labels is not QuickSlots("a").labels
    assert repr(QuickSlots("a")) == repr(Plain("a")).replace("Plain", "QuickSlots")
    assert replace(QuickSlots("a"), size=3) == QuickSlots("a", 3) != QuickSlots("a")
    with pytest.raises(FrozenInstanceError):
        QuickSlots("a").size = 2  # type: ignore[misc]


def test_values_and_defaults_are_as_with_any() -> None:
    assert vars(Quick("a")) == vars(Plain("a"))
    assert vars(Quick("a", 2, labels={"b": "c"})) == vars(Plain("a", 2, labels={"b": "c"}))
    assert Quick("a").labels is not Quick("a").labels
    assert Quick("a") == Quick("a", 1) != Quick("a", 2)
    assert repr(Quick("a")) == repr(Plain("a")).replace("Plain", "Quick")
    assert list(signature(Quick).parameters) == list(signature(Plain).parameters)


def test_replacing_and_freezing_are_as_with_any() -> None:
    assert replace(Quick("a"), size=3) == Quick("a", 3)
    with pytest.raises(FrozenInstanceError):
        Quick("a").size = 2  # type: ignore[misc]


@pytest.mark.parametrize(("args", "more"), [((), {}), (("a", 1, {}, 4), {}), (("a",), {"b": 1})])
def test_what_any_refuses_it_refuses(args: tuple[object, ...], more: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        Plain(*args, **more)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Quick(*args, **more)  # type: ignore[arg-type]
