"""A plan of a deploy, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

import click

from clocker.cli import shapes
from clocker.cli.output import printable

if TYPE_CHECKING:
    from clocker.applications import Change, Plan
    from clocker.deploy import Preview
    from clocker.model import ServiceValue

_LOOKS = {
    "create": ("+", "green"),
    "change": ("~", "yellow"),
    "replace": ("±", "magenta"),
    "remove": ("-", "red"),
}
_DONE = {"create": "created", "change": "changed", "replace": "replaced", "remove": "removed"}


def show(found: Preview, stream: TextIO) -> None:
    """One line for everything that is touched; what is kept is counted."""
    plan = found.plan
    lines = [_line(change) for change in plan.changes if change.verb.value in _LOOKS]
    lines += [("create", f"network {name}", "") for name in plan.networks]
    lines += [("remove", f"network {name}", "") for name in plan.leaving]
    width = max((len(subject) for _, subject, _ in lines), default=0)
    print(f"application {plan.application}: {_planned(plan)}", file=stream)
    for verb, subject, why in lines:
        sign, colour = _LOOKS[verb]
        text = f"  {sign} {verb:<8} {subject:<{width}}  {printable(why)}".rstrip()
        print(click.style(text, fg=colour) if stream.isatty() else text, file=stream)
    _show_hosts(found, stream)


def counted(plan: Plan) -> str:
    """What has been done."""
    done = [f"{plan.counts[verb]} {_DONE[verb]}" for verb in plan.counts if verb in _DONE]
    touched = [each for each in done if not each.startswith("0 ")]
    return ", ".join(touched) or "nothing to do"


def shape(found: Preview | None) -> dict[str, Any]:
    """Of docs/json.md."""
    if found is None:
        return {"changes": [], "networks": {"made": [], "removed": []}, "hosts": [], "doubt": ""}
    plan = found.plan
    return {
        "changes": [
            {
                "action": change.verb.value,
                "container": change.name,
                "service": change.service,
                "differs": list(change.fields),
                "start": change.start,
                "restart": change.restart,
                "later": [_value(value) for value in change.later],
            }
            for change in plan.changes
        ],
        "networks": {"made": list(plan.networks), "removed": list(plan.leaving)},
        "hosts": [shapes.planned(host) for host in found.hosts],
        "doubt": found.doubt,
    }


def _line(change: Change) -> tuple[str, str, str]:
    why = [change.request.image] if change.verb.value == "create" and change.request else []
    why += [", ".join(change.fields)] if change.fields else []
    why += ["start it"] if change.start else []
    why += ["restart it, with what it needs"] if change.restart else []
    if not why and change.verb.value == "replace":
        why = ["its host has lost it"]
    return change.verb.value, change.name, "; ".join(why)


def _planned(plan: Plan) -> str:
    if plan.is_empty:
        return f"nothing to do, {plan.counts_of('keep')} kept"
    parts = [
        f"{count} to {verb.value}"
        for verb, count in plan.counts.items()
        if count and verb != "keep"
    ]
    return ", ".join([*parts, f"{plan.counts_of('keep')} kept"])


def _show_hosts(found: Preview, stream: TextIO) -> None:
    if found.hosts:
        from clocker.cli.plan import show_plan
        from clocker.cloud import UpPlan

        show_plan(UpPlan(found.hosts), stream)
    if found.doubt:
        print(f"it may not fit: {printable(found.doubt)}", file=stream)


def _value(value: ServiceValue) -> str:
    return f"{value.service}{'.*' if value.every else ''}.{value.value}"
