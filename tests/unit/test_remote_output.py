"""What a command says is heard to its end, whenever that comes."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from clocker.remote import output
from clocker.remote.output import Output, attend


def attended(script: str) -> str:
    heard = Output()
    pipe = subprocess.PIPE
    with subprocess.Popen(["sh", "-c", script], stdout=pipe, stderr=pipe, bufsize=0) as process:
        attend(process, heard, None, None)
    return heard.stdout.decode()


def test_last_words_are_heard_although_the_end_follows_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pipes are looked at all the time, so that the end often falls between two looks."""
    monkeypatch.setattr(output, "_wait", lambda *_: 0.0)
    assert {attended("sleep 0.02; echo last words") for _ in range(50)} == {"last words\n"}


def test_a_child_left_behind_is_not_waited_for() -> None:
    begun = time.monotonic()
    child = int(attended("sleep 30 & echo $!"))
    taken_s = time.monotonic() - begun
    os.kill(child, signal.SIGKILL)
    assert taken_s < 10
