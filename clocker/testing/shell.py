"""Shells that write down what they are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clocker.model import Result
from clocker.testing.faults import Scripted, scripted
from clocker.testing.files import FileTree

Answer = Result | Callable[[str, bytes], Result]


@dataclass(frozen=True, slots=True)
class Ran:
    command: str
    stdin: bytes


class RecordingShell(Scripted):
    """See ``clocker.interfaces.Shell``. ``answers`` maps patterns, searched for in the command in
    this order, to results, or to functions of command and stdin; anything else succeeds
    silently."""

    def __init__(
        self, answers: Mapping[str, Answer] | None = None, *, files: FileTree | None = None
    ) -> None:
        super().__init__()
        self.answers: dict[str, Answer] = dict(answers or {})
        self.files = files or FileTree()
        self.ran: list[Ran] = []

    @property
    def commands(self) -> tuple[str, ...]:
        return tuple(ran.command for ran in self.ran)

    @scripted
    def run(
        self,
        command: str,
        *,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Result:
        self.ran.append(Ran(command, stdin or b""))
        result = self.answer(command, stdin or b"")
        if on_line:
            for line in result.text.splitlines():
                on_line(line)
        return result

    def answer(self, command: str, stdin: bytes) -> Result:
        for pattern, answer in self.answers.items():
            if re.search(pattern, command):
                return answer if isinstance(answer, Result) else answer(command, stdin)
        return Result(0)

    @scripted
    def put(self, data: bytes, path: str, *, mode: int = 0o644) -> None:
        self.files.write(path, data, mode)

    @scripted
    def get(self, path: str) -> bytes:
        return self.files.read(path)

    def close(self) -> None:
        """Nothing to let go of."""
