"""Files on a machine by nothing but commands: the same for every shell, and as root."""

from __future__ import annotations

import posixpath
import shlex
from secrets import token_hex

from clocker.errors import CommandFailed, NotFound
from clocker.interfaces import Shell

_ABSENT = 66  # EX_NOINPUT

# The size is compared, since a connection that breaks looks like the file's end to cat.
_PUT = (
    "umask 077; set -C; "
    "if [ -d {path} ]; then echo 'it is a directory' >&2; exit 1; fi; "
    "cat >{temporary} && "
    "if [ \"$(wc -c <{temporary})\" -ne {size} ]; then echo 'cut short' >&2; false; fi && "
    "chmod {mode:o} -- {temporary} && mv -f -- {temporary} {path} "
    "|| {{ rm -f -- {temporary}; exit 1; }}"
)
_GET = (
    "if [ ! -e {path} ]; then echo 'no such file' >&2; exit {absent}; fi; "
    "if [ -d {path} ]; then echo 'it is a directory' >&2; exit 1; fi; cat -- {path}"
)


def put_file(shell: Shell, data: bytes, path: str, mode: int, where: str) -> None:
    result = shell.run(_put_command(path, len(data), mode), stdin=data)
    if not result.ok:
        raise _failed(f"cannot write {path}", result.status, result.stderr, where)


def get_file(shell: Shell, path: str, where: str) -> bytes:
    quoted = shlex.quote(_rooted(path))
    result = shell.run(_GET.format(path=quoted, absent=_ABSENT))
    if result.status == _ABSENT:
        raise NotFound(f"no such file: {path}", where=where)
    if not result.ok:
        raise _failed(f"cannot read {path}", result.status, result.stderr, where)
    return result.stdout


def _put_command(path: str, size: int, mode: int) -> str:
    rooted = _rooted(path)
    temporary = posixpath.join(posixpath.dirname(rooted), f".clocker-{token_hex(8)}")
    return _PUT.format(
        path=shlex.quote(rooted), temporary=shlex.quote(temporary), size=size, mode=mode
    )


def _rooted(path: str) -> str:
    """So that no path looks like an option or like a word of the shell."""
    return path if path.startswith("/") else f"./{path}"


def _failed(what: str, status: int, stderr: bytes, where: str) -> CommandFailed:
    return CommandFailed(
        what, status=status, tail=stderr.decode(errors="replace").strip()[-500:], where=where
    )
