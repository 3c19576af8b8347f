"""What Clocker's scripts would do to a host, done to its files in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clocker.model import Resources, Result
from clocker.templating import MARK
from clocker.testing.files import FileTree
from clocker.testing.keys import new_key, public_of


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
        if "ssh-keygen " in script:
            return self._engine_key(_value("folder", script), _value("key", script))
        return Result(0)

    def _bootstrap(self, script: str) -> Result:
        etc, said = _value("etc", script), []
        former = _value(" *former", script)
        if former and self._stamp(etc) != former:
            return Result(0, _lines([f"{MARK} fact otherwise yes"]))
        self.files.remove(f"{etc}/stamp")
        for step in re.findall(r"^ *say begin (\S+)$", script, re.MULTILINE):
            said.append(f"{MARK} begin {step}")
            if step == self.failing_step:
                said += ["some output", f"{MARK} error it did not work", f"{MARK} remedy mend it"]
                return Result(1, _lines(said))
            if step == "facts":
                said += [f"{MARK} fact {fact}" for fact in self._facts()]
            said.append(f"{MARK} done {step}")
        if not former:
            self._let_listen(f"{etc}/engine", script)
            self.engine_running = True
            self.files.write(f"{etc}/facts", _lines(self._facts()))
        self.files.write(f"{etc}/stamp", _lines([_value("stamp", script)]))
        return Result(0, _lines(said))

    def _stamp(self, etc: str) -> str | None:
        return self._read(etc, "stamp")[0] if self.files.exists(f"{etc}/stamp") else None

    def _check(self, etc: str) -> Result:
        if not self.files.exists(f"{etc}/stamp") or not self.engine_running:
            return Result(0)
        said = [f"bootstrap {self._read(etc, 'stamp')[0]}"]
        if self.files.exists(f"{etc}/members"):
            said.append(f"membership {self._read(etc, 'members')[0]}")
        return Result(0, _lines(said + [f"fact {fact}" for fact in self._read(etc, "facts")]))

    def _engine_key(self, folder: str, key: str) -> Result:
        """Made at the first time; its public half, then the certificate for it."""
        path = key.replace("$folder", folder).replace("'", "")
        if not self.files.exists(path):
            self.files.write(path, new_key(), 0o600)
        known = [path.removesuffix(".key") + kind for kind in (".new", ".pem")]
        found = next((self.files.read(file) for file in known if self.files.exists(file)), b"")
        return Result(0, f"{public_of(self.files.read(path).decode())}\n".encode() + found)

    def _let_listen(self, folder: str, script: str) -> None:
        """With TLS, if the script says so: the engine uses what is in the folder afterwards."""
        bundle = re.search(
            r"^ *write_file (\S+/authorities.pem) 644 '([^']*)'", script, re.MULTILINE
        )
        if bundle is None:
            self.files.remove(folder)
            return
        self.files.write(bundle[1], bundle[2].encode())
        identity = _value(" *brought", script).removesuffix(".new")
        if self.files.exists(f"{identity}.new"):
            self.files.write(f"{identity}.pem", self.files.read(f"{identity}.new"))
            self.files.remove(f"{identity}.new")

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
