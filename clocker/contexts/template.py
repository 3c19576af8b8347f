"""A Dockerfile with values put in, where a person has asked for that.

The Dockerfile may be a stranger's, so of Jinja only what takes bounded time and memory is
understood: values, a few filters, comparisons and conditions.
"""

from __future__ import annotations

from collections.abc import Mapping

from clocker.errors import BadInput

_FILTERS = frozenset({"default", "d", "lower", "upper", "trim"})
_TESTS = frozenset({"defined", "undefined"})
_NODES = frozenset(
    (
        *("Template", "Output", "TemplateData", "Name", "Const", "If", "CondExpr", "Concat"),
        *("And", "Or", "Not", "Compare", "Operand", "Filter", "Test", "List", "Tuple"),
    )
)


def substituted(text: str, values: Mapping[str, str], where: str) -> str:
    """BadInput: it is no such template, or wants a value that is not given."""
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    environment.globals.clear()
    try:
        _check(environment.parse(text), where)
        return environment.from_string(text).render(values)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise BadInput(
            f"the values cannot be put in: {error.message}",
            where=f"{where}:{line}" if line else where,
            remedy="give each value with --set NAME=VALUE",
        ) from None
    except RecursionError:
        raise BadInput("the template is nested too deeply", where=where) from None


def _check(parsed: object, where: str) -> None:
    from jinja2 import nodes

    left = [parsed]
    while left:
        node = left.pop()
        assert isinstance(node, nodes.Node)  # noqa: S101 - a parsed template has nothing else
        kind = type(node).__name__
        allowed = kind in _NODES
        if isinstance(node, nodes.Filter):
            allowed, kind = node.name in _FILTERS, f"the filter {node.name}"
        if isinstance(node, nodes.Test):
            allowed, kind = node.name in _TESTS, f"the test {node.name}"
        if not allowed:
            raise BadInput(
                f"{kind} is not understood in a Dockerfile's template",
                where=f"{where}:{node.lineno}",
                remedy="use values, if, comparisons, and the filters default, lower, upper, trim",
            )
        left.extend(node.iter_child_nodes())
