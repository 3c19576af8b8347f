"""What Clocker's scripts would do to a host, done to its files in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clocker.model import Resources, Result
from clocker.templating import MARK
from clocker.testing.files import FileTree


@dataclass(slots=True)
class ScriptedHost:
    """``failing_step``: the bootstrap stops there, as long as it is set."""

    files: FileTree
    shape: Resources
    engine_running: bool = False
    failing_step: str | None = None

    def run(self, script: str) -> Result:
        """The bootstrap, the check of it, or something unknown, which succeeds."""
        if re.search(r"^stamp=", script, re.MULTILINE):
            return self._bootstrap(script)
        if "printf 'bootstrap " in script:
            return self._check(_value("etc", script))
        return Result(0)

    def _bootstrap(self, script: str) -> Result:
        etc, said = _value("etc", script), []
        self.files.remove(f"{etc}/stamp")
        for step in re.findall(r"^ *say begin (\S+)$", script, re.MULTILINE):
            said.append(f"{MARK} begin {step}")
            if step == self.failing_step:
                said += ["some output", f"{MARK} error it did not work", f"{MARK} remedy mend it"]
                return Result(1, _lines(said))
            if step == "facts":
                said += [f"{MARK} fact {fact}" for fact in self._facts()]
            said.append(f"{MARK} done {step}")
        self.engine_running = True
        self.files.write(f"{etc}/facts", _lines(self._facts()))
        self.files.write(f"{etc}/stamp", _lines([_value("stamp", script)]))
        return Result(0, _lines(said))

    def _check(self, etc: str) -> Result:
        if not self.files.exists(f"{etc}/stamp") or not self.engine_running:
            return Result(0)
        said = [f"bootstrap {self._read(etc, 'stamp')[0]}"]
        if self.files.exists(f"{etc}/members"):
            said.append(f"membership {self._read(etc, 'members')[0]}")
        return Result(0, _lines(said + [f"fact {fact}" for fact in self._read(etc, "facts")]))

    def _facts(self) -> list[str]:
        shape = self.shape
        return [
            f"cores {shape.cores:g}",
            f"ram_mb {shape.ram_mb}",
            f"disk_mb {shape.disk_mb}",
            "arch x86_64",
        ]

    def _read(self, etc: str, name: str) -> list[str]:
        return self.files.read(f"{etc}/{name}").decode().splitlines()


def _value(name: str, script: str) -> str:
    found = re.search(rf"^{name}=(\S+)$", script, re.MULTILINE)
    return found[1].strip("'") if found else ""


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
