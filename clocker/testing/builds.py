"""A build on a fake engine."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from clocker.errors import CommandFailed, EngineError, TimedOut
from clocker.model import ImageInfo
from clocker.testing.commands import Endless, Execution, run
from clocker.testing.files import FileTree

Find = Callable[[str], ImageInfo | None]


@dataclass(frozen=True, slots=True)
class FakeBuild:
    """``FROM`` must be there; ``RUN`` of a plain command runs it; ``COPY`` needs its source; the
    rest is inherited from the stage that the last ``FROM``, or the target, builds on."""

    context: bytes
    dockerfile: str
    args: Mapping[str, str]
    target: str | None
    timeout_s: float
    on_line: Callable[[str], None] | None

    def run(self, find: Find, labels: Mapping[str, str]) -> ImageInfo:
        base, stages = None, dict[str, ImageInfo]()
        steps = self._steps()
        for number, (word, rest) in enumerate(steps, start=1):
            self._say(f"Step {number}/{len(steps)} : {word} {rest}")
            if word == "FROM":
                base, name = self._from(rest, find, stages)
                stages[name] = base
            elif word == "RUN" and not rest.startswith("["):
                self._run_step(rest)
            elif word in ("COPY", "ADD"):
                self._need_sources(rest.split()[:-1])
        if base is None:
            raise EngineError("the Dockerfile cannot be empty")
        recipe = hashlib.sha256(self.context).hexdigest() + base.id
        recipe += repr((sorted(labels.items()), sorted(self.args.items()), self.target))
        made = "sha256:" + hashlib.sha256(recipe.encode()).hexdigest()
        return replace(base, id=made, tags=(), labels={**base.labels, **labels})

    def _steps(self) -> Sequence[tuple[str, str]]:
        """Up to the end of the target's stage, with the arguments' values in them."""
        steps, values = list[tuple[str, str]](), dict[str, str]()
        for line in filter(None, map(str.strip, self._text().splitlines())):
            word, _, rest = line.partition(" ")
            rest = re.sub(r"\$\{?(\w+)\}?", lambda m: values.get(m[1], m[0]), rest.strip())
            if word == "ARG":
                name, _, default = rest.partition("=")
                values[name] = self.args.get(name, default)
            if word == "FROM" and self.target and self.target in _stage_names(steps):
                return steps
            steps.append((word, rest))
        if self.target and self.target not in _stage_names(steps):
            raise EngineError(f"failed to reach build target {self.target} in Dockerfile")
        return steps

    def _from(
        self, rest: str, find: Find, stages: Mapping[str, ImageInfo]
    ) -> tuple[ImageInfo, str]:
        wanted, *named = rest.split()
        base = stages.get(wanted) or find(wanted)
        if base is None:
            raise CommandFailed(f"no such image: {wanted}", status=1)
        return base, named[-1] if named else ""

    def _text(self) -> str:
        with tarfile.open(fileobj=io.BytesIO(self.context)) as tar:
            try:
                stream = tar.extractfile(self.dockerfile)
            except KeyError:
                stream = None
            if stream is None:
                raise EngineError(f"Cannot locate specified Dockerfile: {self.dockerfile}")
            return stream.read().decode()

    def _need_sources(self, sources: Sequence[str]) -> None:
        with tarfile.open(fileobj=io.BytesIO(self.context)) as tar:
            names = {f"/{name.removeprefix('./')}".rstrip("/") for name in tar.getnames()}
        for source in sources:
            if source.startswith("--") or source == ".":
                continue
            if not any(name == f"/{source}" or name.startswith(f"/{source}/") for name in names):
                raise CommandFailed(
                    f"COPY failed: file not found in build context: {source}", status=1
                )

    def _run_step(self, command: str) -> None:
        try:
            result = run(Execution(("sh", "-c", command), "build", FileTree()))
        except Endless:
            raise TimedOut(f"the build took more than {self.timeout_s:g} s") from None
        said = (result.stdout + result.stderr).decode(errors="replace")
        for line in said.splitlines():
            self._say(line)
        if result.status not in (0, 127):
            raise CommandFailed(
                f"step {command!r} failed", status=result.status, tail=said.rstrip()
            )

    def _say(self, line: str) -> None:
        if self.on_line:
            self.on_line(line)


def _stage_names(steps: Sequence[tuple[str, str]]) -> set[str]:
    return {rest.split()[-1] for word, rest in steps if word == "FROM"}
