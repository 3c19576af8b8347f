"""What the expressions of a blueprint stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from clocker.config.camp.described import Blueprint, Described
from clocker.config.camp.dsl import PREFIX, Argument, Call, Expression, is_expression, parsed
from clocker.config.problems import nearest
from clocker.config.tree import Node, Report
from clocker.model import Condition, Need, ServiceValue, Text

SENSORS = {
    "host.address": "address",
    "host.subnet.address": "address",
    "host.name": "hostname",
    "host.subnet.hostname": "hostname",
    "docker.container.name": "name",
    "docker.host.name": "host",
    "docker.host.address": "host_address",
}
_PORT = re.compile(r"(mapped\.)?docker\.port\.(\d{1,5})")
_SLOT = re.compile(r"%%|%(?:\d+\$)?[-+#0,( ]*\d*(?:\.\d+)?[a-zA-Z]")
_DEEPEST = 20
_TARGETS = ("component", "entity")


class Values:
    def __init__(self, blueprint: Blueprint, report: Report) -> None:
        self._services = blueprint.by_id()
        self._broken = blueprint.broken
        self._report = report

    def text(self, node: Node, service: Described, depth: int = 0) -> Text:
        """What stands there, with values that are known later."""
        expression = self._expression(node)
        if expression is not None and depth <= _DEEPEST:
            return self._evaluated(expression, node, service, depth)
        if expression is not None:
            self._report.refuse(node, "is an expression that leads to itself")
        elif isinstance(node.value, dict | list):
            self._report.refuse(node, "must be text, or an expression of one")
        elif not is_expression(node.value):  # one that is malformed was told
            return (_plain(node.value),)
        return ("",)

    def constant(self, node: Node | None, service: Described) -> str | None:
        """What is known before anything runs."""
        if node is None:
            return None
        text = self.text(node, service)
        if any(isinstance(piece, ServiceValue) for piece in text):
            self._report.refuse(node, "must be known before anything runs", "write the value")
            return None
        return "".join(piece for piece in text if isinstance(piece, str))

    def target(self, node: Node) -> str | None:
        """The name of the service that is meant: by an expression, or by its id."""
        expression = self._expression(node)
        if expression is None:
            if is_expression(node.value):
                return None
            found = self._service(_plain(node.value), node)
        elif len(expression) == 1 and expression[0].name in _TARGETS:
            found = self._component(expression[0], node)
        else:
            self._report.refuse(node, "must name a service", 'write  $brooklyn:component("ID")')
            return None
        return found.name if found else None

    def needs(self, node: Node) -> Iterable[Need]:
        """Of a latch: the service whose ``service.isUp`` it waits for."""
        expression = self._expression(node)
        if expression is None and is_expression(node.value):
            return
        calls = expression or ()
        sensor = _argument(calls[1], 0) if len(calls) == 2 else None
        if (
            len(calls) != 2
            or calls[0].name not in _TARGETS
            or calls[1].name != "attributeWhenReady"
            or sensor not in ("service.isUp", *SENSORS)
        ):
            remedy = 'write  $brooklyn:component("ID").attributeWhenReady("service.isUp")'
            self._report.refuse(node, "must wait for a service", remedy)
            return
        found = self._component(calls[0], node)
        if found is not None:
            yield Need(found.name, Condition.STARTED)

    def _evaluated(
        self, expression: Expression, node: Node, service: Described, depth: int
    ) -> Text:
        first, *rest = expression
        if first.name in _TARGETS and len(rest) == 1:
            return self._of_other(first, rest[0], node, depth)
        if not rest and first.name == "config":
            return self._config(first, node, service, depth)
        if not rest and first.name == "formatString":
            return self._formatted(first, node, service, depth)
        if not rest and first.name == "literal":
            return (str(_argument(first, 0) or ""),)
        return self._unsupported(expression, node)

    def _of_other(self, component: Call, what: Call, node: Node, depth: int) -> Text:
        target = self._component(component, node)
        if target is None:
            return ("",)
        if what.name == "config":
            return self._config(what, node, target, depth)
        if what.name == "attributeWhenReady":
            return self._sensor(what, node, target)
        return self._unsupported((component, what), node)

    def _unsupported(self, expression: Expression, node: Node) -> Text:
        said = ".".join(call.name for call in expression)
        remedy = 'write the value, or  component("ID").attributeWhenReady("host.address")'
        self._report.refuse(node, f"{said}(...) is not supported here", remedy)
        return ("",)

    def _config(self, call: Call, node: Node, service: Described, depth: int) -> Text:
        key = _argument(call, 0)
        found = service.config.get(str(key))
        if found is None:
            self._report.refuse(node, f"{service.name} has no {key!r} in its configuration")
            return ("",)
        return self.text(found, service, depth + 1)

    def _sensor(self, call: Call, node: Node, service: Described) -> Text:
        name = str(_argument(call, 0))
        if name in SENSORS:
            return (ServiceValue(service.name, SENSORS[name]),)
        port = _PORT.fullmatch(name)
        if port is not None:
            value = ServiceValue(service.name, f"port/{int(port[2])}")
            if port[1] is None:
                return (value,)
            return (ServiceValue(service.name, "host_address"), ":", value)
        near = nearest(name, SENSORS)
        hint = f"did you mean {near}? " if near else ""
        remedy = f"{hint}there are {', '.join(SENSORS)}, docker.port.N, mapped.docker.port.N"
        self._report.refuse(node, f"there is no sensor {name!r}", remedy)
        return ("",)

    def _formatted(self, call: Call, node: Node, service: Described, depth: int) -> Text:
        arguments = [self._piece(each, node, service, depth) for each in call.arguments]
        pattern = _argument(call, 0)
        slots = [m for m in _SLOT.finditer(pattern or "") if m[0] != "%%"]
        if pattern is None or len(slots) != len(arguments) - 1:
            sentence = "must have a format, and a value for each %s and %d of it"
            self._report.refuse(node, f"formatString {sentence}")
            return ("",)
        pieces: list[str | ServiceValue] = []
        at = 0
        for slot, value in zip(slots, arguments[1:], strict=True):
            if slot[0] not in ("%s", "%d"):
                self._report.refuse(node, f"formatString has {slot[0]}", "write %s or %d")
            pieces += [pattern[at : slot.start()].replace("%%", "%"), *value]
            at = slot.end()
        return _joined([*pieces, pattern[at:].replace("%%", "%")])

    def _piece(self, argument: Argument, node: Node, service: Described, depth: int) -> Text:
        if isinstance(argument, str):
            return (argument,)
        return self._evaluated(argument, node, service, depth + 1)

    def _component(self, call: Call, node: Node) -> Described | None:
        name = _argument(call, 0)
        if name is None:
            self._report.refuse(node, f"{call.name} must have an id", 'write  component("ID")')
            return None
        return self._service(name, node)

    def _service(self, name: str, node: Node) -> Described | None:
        found = self._services.get(name)
        if found is None and name not in self._broken:
            near = nearest(name, self._services) if len(self._services) < 1000 else None
            remedy = f"did you mean {near}?" if near else "give the service that is meant an id"
            self._report.refuse(node, f"no service has the id {name!r}", remedy)
        return found

    def _expression(self, node: Node) -> Expression | None:
        """Of a text, or of a mapping ``{$brooklyn:NAME: ARGUMENTS}``."""
        try:
            if is_expression(node.value):
                return parsed(node.value)
            if isinstance(node.value, dict) and len(node.value) == 1:
                ((key, inner),) = node.value.items()
                if key.startswith(PREFIX):
                    return (Call(key.removeprefix(PREFIX), _arguments(inner.list())),)
        except ValueError as error:
            self._report.refuse(node, str(error), 'such as  $brooklyn:component("db")')
        return None


def _arguments(nodes: Sequence[Node]) -> tuple[Argument, ...]:
    return tuple(
        parsed(node.value) if is_expression(node.value) else _plain(node.plain()) for node in nodes
    )


def _argument(call: Call, number: int) -> str | None:
    """A text among the arguments."""
    found = call.arguments[number] if len(call.arguments) > number else None
    return found if isinstance(found, str) else None


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _joined(pieces: Iterable[str | ServiceValue]) -> Text:
    """With texts that follow each other as one."""
    made: list[str | ServiceValue] = []
    for piece in pieces:
        if isinstance(piece, str) and made and isinstance(made[-1], str):
            made[-1] += piece
        elif piece != "":
            made.append(piece)
    return tuple(made) or ("",)
