"""What a container runs, from what was asked for and what its image says. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from clocker.errors import BadInput
from clocker.model import ContainerRequest, ImageInfo

SSH_ENTRY = "/usr/lib/clocker/ssh-entry"

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh", "fish"})
_LOGIN_FLAGS = frozenset({"-l", "-i", "-il", "-li", "--login"})


@dataclass(frozen=True, slots=True)
class Launch:
    """``entrypoint``/``command``: None keeps the image's. ``interactive``: a terminal is held
    open, so that a shell waits instead of ending. ``user``: None keeps the image's."""

    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    interactive: bool = False
    init: bool = False
    user: str | None = None


def launch(request: ContainerRequest, image: ImageInfo) -> Launch:
    """How to run ``image`` (before any layer of ours) for ``request``; BadInput when both cannot
    be had."""
    if request.ssh:
        return _with_ssh(request, image)
    if request.command is not None or request.entrypoint is not None:
        return Launch(request.entrypoint, request.command, user=request.user)
    defaults = (*image.entrypoint, *image.command)
    if not defaults:
        # An imported root file system says nothing of what to run: it is used like a VM.
        return Launch(command=("/bin/sh",), interactive=True, user=request.user)
    return Launch(interactive=_only_a_shell(defaults), user=request.user)


def _with_ssh(request: ContainerRequest, image: ImageInfo) -> Launch:
    """sshd beside the image's own program, or alone when that is only a shell."""
    if request.read_only:
        raise BadInput(
            "a read-only container cannot be given SSH keys",
            where="ssh",
            remedy="leave out read_only, or leave out ssh and use: clocker exec",
        )
    program = _program(request, image)
    if not program or _only_a_shell(program):
        return Launch((SSH_ENTRY,), (), user="0")
    user = request.user or image.user
    return Launch((SSH_ENTRY, "--user", user or "0", "--"), program, user="0")


def _program(request: ContainerRequest, image: ImageInfo) -> tuple[str, ...]:
    """The argument vector that the engine would run: a new entrypoint drops the image's
    command."""
    if request.entrypoint is not None:
        return (*request.entrypoint, *(request.command or ()))
    command = image.command if request.command is None else request.command
    return (*image.entrypoint, *command)


def _only_a_shell(program: tuple[str, ...]) -> bool:
    """A shell that would read commands from its standard input: no script, no ``-c``."""
    if len(program) == 3 and program[1] == "-c" and _name(program[0]) in _SHELLS:
        program = tuple(program[2].split())  # how a Dockerfile's plain `CMD bash` is stored
    first, *flags = program or ("",)
    return _name(first) in _SHELLS and all(flag in _LOGIN_FLAGS for flag in flags)


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
