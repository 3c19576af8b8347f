"""What is wrong with an application as a whole, as problems of its document."""

from __future__ import annotations

from collections.abc import Callable

from clocker.applications.flaws import flaws
from clocker.config.document import Document, Loc
from clocker.config.problems import Problem
from clocker.model import Application


def flaw_problems(
    source: Document, application: Application, loc: Callable[[str | None, str], Loc]
) -> list[Problem]:
    """``loc``: where the document has a field of the model of a service, or of the application
    (None)."""
    return [
        source.problem(loc(flaw.service, flaw.part), flaw.sentence, flaw.remedy)
        for flaw in flaws(application)
    ]
