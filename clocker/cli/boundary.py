"""Between the verbs and the shell: every way to end becomes a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType

import click

from clocker.errors import ClockerError, Interrupted

INTERRUPTED = 130
_PIPE_CLOSED = 141  # what a shell reports for a program that SIGPIPE ended


def guarded(group: click.Group, args: list[str] | None) -> int:
    """Run the group; never raises, and prints no traceback unless CLOCKER_DEBUG asks for it."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        return _run(group, args)
    except SystemExit as end:  # a completion request, or a command that stood in for ours
        return end.code if isinstance(end.code, int) else 0
    except BrokenPipeError:
        _silence_stdout()
        return _PIPE_CLOSED
    except BaseException as error:  # noqa: BLE001 - the last place where anything can be caught
        return _report(error)


def _run(group: click.Group, args: list[str] | None) -> int:
    if "_CLOCKER_COMPLETE" in os.environ:
        group.main(args, prog_name="clocker")
    given = sys.argv[1:] if args is None else args
    try:
        with group.make_context("clocker", list(given)) as ctx:
            outcome = group.invoke(ctx)
    except click.exceptions.Exit as end:
        outcome = end.exit_code
    sys.stdout.flush()
    return outcome if isinstance(outcome, int) else 0


def _report(error: BaseException) -> int:
    if os.environ.get("CLOCKER_DEBUG") == "1":
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt | click.Abort | Interrupted):
        _say(str(error) or "interrupted: what was begun is on record; the same command goes on")
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        return _report_usage(error)
    if isinstance(error, ClockerError):
        _say(f"error: {error}")
        return error.exit_code
    if isinstance(error, OSError) and error.filename is not None:
        _say(f"error: {error.filename}: {error.strerror}")
        return 1
    _say(f"error: {_bug(error)}")
    return 1


def _report_usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        _say(error.format_message())
        return 2
    _say(f"error: {error.format_message()}")
    ctx = getattr(error, "ctx", None)
    if ctx is not None:
        _say(f"  remedy: {ctx.command_path} --help")
    return error.exit_code


def _bug(error: BaseException) -> str:
    """One sentence. The error's own text is left out: nobody knows what it may hold."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "clocker" in Path(frame.filename).parts] or list(frames)
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return (
        f"an unexpected {type(error).__name__}{place}: this is a bug in Clocker; please report it "
        "with what CLOCKER_DEBUG=1 and the same command print"
    )


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    # A second signal must not tear down the undoing that the first one began.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _silence_stdout() -> None:
    """Python flushes stdout once more at exit, which would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    with suppress(OSError):  # nobody may be left to read it
        click.echo(text, err=True)
