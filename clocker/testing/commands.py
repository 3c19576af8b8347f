"""The few commands that a fake container understands."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from clocker.errors import NotFound
from clocker.model import Result
from clocker.testing.files import FileTree


@dataclass(frozen=True, slots=True)
class Execution:
    """One command in a fake container, as a handler of a test may answer it."""

    argv: tuple[str, ...]
    container: str
    files: FileTree
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = "root"
    workdir: str = "/"
    hostname: str = ""


class Endless(Exception):  # noqa: N818 - no error: a program that goes on
    """The command does not end by itself within ``seconds`` (None: ever). ``said``: what it
    has put out before."""

    def __init__(self, seconds: float | None = None, said: bytes = b"") -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.said = said


def run(execution: Execution) -> Result:
    """The result of a command; Endless; status 127 for one that is not known."""
    name, *arguments = execution.argv
    command = _COMMANDS.get(posixpath.basename(name))
    if command is None:
        return Result(127, stderr=f"{name}: not found\n".encode())
    try:
        return command(execution, arguments)
    except NotFound as error:
        return Result(1, stderr=f"{name}: {error.what}\n".encode())


def _shell(execution: Execution, arguments: Sequence[str]) -> Result:
    flags = [a for a in arguments if a.startswith("-")][:1]
    if not flags or "c" not in flags[0]:
        raise Endless
    script, *rest = arguments[arguments.index(flags[0]) + 1 :]
    execution = replace(execution, env={**execution.env, "@": " ".join(rest[1:])})
    out, err, status = b"", b"", 0
    for joint, part in _parts(script):
        if (joint == "&&" and status) or (joint == "||" and not status):
            continue
        try:
            result = _simple(execution, part)
        except Endless as endless:
            raise Endless(endless.seconds, out + err + endless.said) from None
        out, err, status = out + result.stdout, err + result.stderr, result.status
        if re.match(r"exit\b", part):
            break
    return Result(status, out, err)


def _parts(script: str) -> list[tuple[str, str]]:
    pieces = re.split(r"\s*(&&|\|\||;|\n)\s*", script.strip())
    joints = ["", *pieces[1::2]]
    return [(j, p) for j, p in zip(joints, pieces[::2], strict=True) if p]


def _simple(execution: Execution, text: str) -> Result:
    """One simple command with variables and the redirections ``> FILE``, ``>> FILE``, ``>&2``."""
    words = [_expand(word, execution) for word in shlex.split(text.replace(">&2", " '>&2' "))]
    to_stderr = ">&2" in words
    words = [word for word in words if word != ">&2"]
    target = None
    if len(words) > 2 and words[-2] in (">", ">>"):
        *words, sign, target = words
    if words and words[0] == "exec":
        words = words[1:]
    result = run(replace(execution, argv=tuple(words)))
    if target:
        before = _before(execution, target) if sign == ">>" else b""
        execution.files.write(_absolute(execution, target), before + result.stdout)
        return replace(result, stdout=b"")
    return Result(result.status, b"", result.stdout + result.stderr) if to_stderr else result


def _before(execution: Execution, path: str) -> bytes:
    path = _absolute(execution, path)
    return execution.files.read(path) if execution.files.exists(path) else b""


def _expand(word: str, execution: Execution) -> str:
    variable = r"\$\{?([A-Za-z_][A-Za-z0-9_]*|@)\}?"
    return re.sub(variable, lambda found: execution.env.get(found[1], ""), word)


def _absolute(execution: Execution, path: str) -> str:
    return posixpath.join(execution.workdir, path)


def _said(text: str, status: int = 0) -> Result:
    return Result(status, text.encode())


def _echo(execution: Execution, arguments: Sequence[str]) -> Result:
    newline = "\n"
    if arguments and arguments[0] == "-n":
        arguments, newline = arguments[1:], ""
    return _said(" ".join(arguments) + newline)


def _printf(execution: Execution, arguments: Sequence[str]) -> Result:
    """The format alone, with octal numbers and newlines."""

    def byte(found: re.Match[str]) -> str:
        return "\n" if found[1] == "n" else chr(int(found[1], 8))

    text = re.sub(r"\\([0-7]{3}|n)", byte, arguments[0])
    return Result(0, text.encode("latin-1", errors="replace"))


def _ls(execution: Execution, arguments: Sequence[str]) -> Result:
    path = _absolute(execution, arguments[0] if arguments else ".")
    return _said("".join(f"{name}\n" for name in execution.files.names(path)))


def _id(execution: Execution, arguments: Sequence[str]) -> Result:
    root = execution.user in ("root", "0")
    if arguments == ["-un"]:
        return _said("root\n" if root else f"{execution.user}\n")
    return _said("0\n" if root else f"{execution.user}\n")


def _cat(execution: Execution, arguments: Sequence[str]) -> Result:
    if not arguments:
        return Result(0, execution.stdin)
    read = execution.files.read
    return Result(0, b"".join(read(_absolute(execution, path)) for path in arguments))


def _env(execution: Execution, arguments: Sequence[str]) -> Result:
    if not arguments:
        return _said("".join(f"{k}={v}\n" for k, v in execution.env.items()))
    found = [execution.env[name] for name in arguments if name in execution.env]
    return _said("".join(f"{v}\n" for v in found), int(len(found) < len(arguments)))


def _test(execution: Execution, arguments: Sequence[str]) -> Result:
    path = _absolute(execution, arguments[-1])
    return Result(0 if execution.files.exists(path) else 1)


def _sleep(execution: Execution, arguments: Sequence[str]) -> Result:
    raise Endless(None if arguments[0] == "infinity" else float(arguments[0]))


def _mkdir(execution: Execution, arguments: Sequence[str]) -> Result:
    for path in arguments:
        if not path.startswith("-"):
            execution.files.make_directory(_absolute(execution, path))
    return Result(0)


def _touch(execution: Execution, arguments: Sequence[str]) -> Result:
    for path in arguments:
        execution.files.write(_absolute(execution, path), _before(execution, path))
    return Result(0)


def _rm(execution: Execution, arguments: Sequence[str]) -> Result:
    for path in arguments:
        if not path.startswith("-"):
            execution.files.remove(_absolute(execution, path))
    return Result(0)


_COMMANDS: dict[str, Callable[[Execution, Sequence[str]], Result]] = {
    "true": lambda _e, _a: Result(0),
    "false": lambda _e, _a: Result(1),
    "exit": lambda _e, a: Result(int(a[0]) if a else 0),
    "sh": _shell,
    "bash": _shell,
    "echo": _echo,
    "cat": _cat,
    "env": _env,
    "printenv": _env,
    "pwd": lambda e, _a: _said(e.workdir + "\n"),
    "whoami": lambda e, _a: _said(e.user + "\n"),
    "hostname": lambda e, _a: _said(e.hostname + "\n"),
    "test": _test,
    "sleep": _sleep,
    "mkdir": _mkdir,
    "chmod": lambda _e, _a: Result(0),
    "findmnt": lambda _e, _a: Result(0),
    "touch": _touch,
    "rm": _rm,
    "id": _id,
    "ls": _ls,
    "printf": _printf,
}
