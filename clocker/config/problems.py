"""What is wrong with a document, and the one error that tells all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from clocker.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Problem:
    """``path``: where in the document (``hosts.maximum``), empty for the whole of it."""

    file: str
    sentence: str
    line: int | None = None
    path: str = ""
    remedy: str | None = None

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def what(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


class Unfit(ValueError):
    """A value that a field refuses: a sentence that begins with "must" or "is", and a remedy."""

    def __init__(self, sentence: str, remedy: str | None = None) -> None:
        self.remedy = remedy
        super().__init__(sentence)


def refusal(problems: Sequence[Problem]) -> ConfigError:
    """One error for all of them, in the order of the lines."""
    ordered = sorted(problems, key=lambda p: (p.file, p.line or 0))
    first = ordered[0]
    if len(ordered) == 1:
        return ConfigError(first.what, where=first.where, remedy=first.remedy)
    listed = "\n".join(_listed(problem) for problem in ordered)
    return ConfigError(f"{len(ordered)} problems:\n{listed}", where=first.where)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    matches = get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def _listed(problem: Problem) -> str:
    advice = f"\n    remedy: {problem.remedy}" if problem.remedy else ""
    return f"  {problem.where}: {problem.what}{advice}"
