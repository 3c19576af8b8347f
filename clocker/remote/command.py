"""A command line wrapped so that the other end of SSH can tell what SSH itself cannot: that it
began, which process group to kill, and that a status of 255 is the command's own."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from secrets import token_hex

from clocker.model import Result

_SCRIPT = (
    "read -r p c s d g r </proc/self/stat; printf '{mark} %s\\n' \"${{g:-$$}}\" >&2; "
    "sh -c {command}; s=$?; "
    "if [ $s -eq 255 ]; then printf '{mark} 255\\n' >&2; fi; exit $s"
)
_KILL = (
    "kill -TERM -{group} 2>/dev/null; i=0; "
    "while kill -0 -{group} 2>/dev/null && [ $i -lt 10 ]; do sleep 0.1; i=$((i+1)); done; "
    "kill -KILL -{group} 2>/dev/null; :"
)


@dataclass(frozen=True, slots=True)
class RemoteCommand:
    """``line`` is what sshd is to run."""

    line: str
    mark: str

    @classmethod
    def wrap(cls, command: str, *, user: str) -> RemoteCommand:
        mark = f"clocker-{token_hex(8)}"
        script = _SCRIPT.format(mark=mark, command=shlex.quote(command))
        return cls(_as_root(script, user), mark)

    def group(self, stderr: bytes) -> int | None:
        """The remote process group; None: the command has not begun."""
        found = re.search(rb"%b (\d+)\n" % self.mark.encode(), stderr)
        return int(found[1]) if found else None

    def began(self, stderr: bytes) -> bool:
        return self.group(stderr) is not None

    def result(self, status: int, stdout: bytes, stderr: bytes) -> Result | None:
        """None: SSH's own 255, the connection was lost. What SSH said before the command
        began is not the command's."""
        own = re.split(rb"%b \d+\n" % self.mark.encode(), stderr, maxsplit=1)[1]
        last = b"%b 255\n" % self.mark.encode()
        if status == 255 and not own.endswith(last):
            return None
        return Result(status, stdout, own.removesuffix(last))


def kill_line(group: int, *, user: str) -> str:
    """Ends a process group: asked first, forced after a second."""
    return _as_root(_KILL.format(group=group), user)


def _as_root(script: str, user: str) -> str:
    sudo = "" if user == "root" else "sudo -n "
    return f"exec {sudo}sh -c {shlex.quote(script)}"
