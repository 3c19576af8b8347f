"""A document as a tree of values that know where they are written, also once they are joined with
those of other files; and what is found wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from clocker.config.document import Document
from clocker.config.problems import Problem, refusal

T = TypeVar("T")


@dataclass(slots=True)
class Node:
    """``value``: a scalar, a list of nodes or a dict of them. ``reference``: the variable that the
    whole text was."""

    document: Document
    loc: tuple[int | str, ...]
    value: Any = None
    reference: str | None = None

    def get(self, *keys: str) -> Node | None:
        """What a mapping has there; None where there is nothing, or null."""
        found: Node | None = self
        for key in keys:
            if found is None or not isinstance(found.value, dict):
                return None
            found = found.value.get(key)
        return None if found is None or found.value is None else found

    def items(self) -> Iterator[tuple[str, Node]]:
        yield from self.value.items() if isinstance(self.value, dict) else ()

    def list(self) -> list[Node]:
        """Its items; itself, where it is not a list."""
        return self.value if isinstance(self.value, list) else [self]

    def problem(self, sentence: str, remedy: str | None = None) -> Problem:
        return self.document.problem(self.loc, sentence, remedy)

    def plain(self) -> Any:
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(slots=True)
class Report:
    """What is refused, and what is only told."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def refuse(self, node: Node, sentence: str, remedy: str | None = None) -> None:
        self.problems.append(node.problem(sentence, remedy))

    def warn(self, node: Node, sentence: str, remedy: str | None = None) -> None:
        self.warnings.append(node.problem(sentence, remedy))

    def read(self, node: Node | None, convert: Callable[[Any], T], otherwise: T) -> T:
        """The node's value through ``convert``, whose ValueError is a problem of the node."""
        if node is None:
            return otherwise
        try:
            return convert(node.value)
        except ValueError as error:
            self.refuse(node, str(error), getattr(error, "remedy", None))
            return otherwise

    def close(self) -> None:
        """ConfigError with all that was refused."""
        if self.problems:
            raise refusal(list(dict.fromkeys(self.problems)))


def tree(
    document: Document, data: Any, loc: tuple[int | str, ...], references: dict[Any, str]
) -> Node:
    """``data``, which stands at ``loc``. ``references``: the variables by place."""
    value = data
    if isinstance(data, dict):
        value = {k: tree(document, v, (*loc, k), references) for k, v in data.items()}
    elif isinstance(data, list):
        value = [tree(document, v, (*loc, i), references) for i, v in enumerate(data)]
    return Node(document, loc, value, references.get(loc))
