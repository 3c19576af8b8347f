"""Waits until a started container is what the request asked for, or cannot become it."""

from __future__ import annotations

import time
from collections.abc import Callable

from clocker.errors import EngineError, TimedOut
from clocker.interfaces import Engine, Parts
from clocker.model import Container, Host, Wait

_POLL_S = 0.1


def await_state(
    parts: Parts, engine: Engine, host: Host, container: Container, engine_id: str
) -> None:
    """Return once the container is running, healthy or answers SSH, as requested.
    EngineError with its last log lines when it ends instead; TimedOut."""
    arrived = {
        Wait.RUNNING: lambda: _is_running(engine, engine_id),
        Wait.HEALTHY: lambda: _is_healthy(engine, engine_id),
        Wait.SSH: lambda: _is_running(engine, engine_id) and _answers_ssh(parts, host, container),
    }[container.request.wait]
    _poll(arrived, engine, engine_id, container)


def _poll(
    arrived: Callable[[], bool], engine: Engine, engine_id: str, container: Container
) -> None:
    request = container.request
    deadline = time.monotonic() + request.timeout_s
    while not arrived():
        if time.monotonic() > deadline:
            raise TimedOut(
                f"not {request.wait} within {request.timeout_s:g} s\n{_tail(engine, engine_id)}",
                where=f"container {container.name}",
                remedy="look at its output, or allow more time (timeout)",
            )
        time.sleep(_POLL_S)


def _is_running(engine: Engine, engine_id: str) -> bool:
    status = engine.inspect(engine_id)
    if status.state in ("exited", "dead"):
        raise EngineError(
            f"it ended with status {status.exit_code}\n{_tail(engine, engine_id)}",
            remedy="check its command and image",
        )
    return status.state == "running"


def _is_healthy(engine: Engine, engine_id: str) -> bool:
    return _is_running(engine, engine_id) and engine.inspect(engine_id).health in (
        "healthy",
        None,
    )


def _answers_ssh(parts: Parts, host: Host, container: Container) -> bool:
    """Whether the container's sshd answers with the key that Clocker gave it."""
    expected = parts.keys.derive("container", container.id).public.split()[1]
    scan = f"ssh-keyscan -T 2 -t ed25519 {container.address}"
    answer = parts.connections.shell(host).run(scan, timeout_s=10)
    return expected in answer.text.split()


def _tail(engine: Engine, engine_id: str) -> str:
    return b"".join(engine.logs(engine_id, tail=10)).decode(errors="replace").rstrip()
