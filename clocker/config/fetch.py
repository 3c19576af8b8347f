"""Fetches the secrets that an entry refers to, when its provider is first used. Nothing of what
they hold is ever shown."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from clocker.config.references import CommandReference, FileReference
from clocker.config.registries import Login
from clocker.errors import ConfigError
from clocker.model import ProviderEntry, RegistryAuth

COMMAND_TIMEOUT_S = 60.0
_MOST_BYTES = 64 * 1024


def fetched(entry: ProviderEntry) -> ProviderEntry:
    """The entry with every secret in its place. ConfigError says which one cannot be had."""
    return replace(entry, arguments={k: _fetched(v) for k, v in entry.arguments.items()})


def logged_in(login: Login) -> RegistryAuth:
    """With its password in its place; ConfigError as above."""
    return RegistryAuth(login.username, str(_fetched(login.password)))


def _fetched(value: Any) -> Any:
    if isinstance(value, FileReference):
        return _file_text(value)
    if isinstance(value, CommandReference):
        return _command_text(value)
    if isinstance(value, Mapping):
        return {key: _fetched(item) for key, item in value.items()}
    return [_fetched(item) for item in value] if isinstance(value, list) else value


def _file_text(reference: FileReference) -> str:
    try:
        with reference.path.open("rb") as stream:
            text = _text(stream.read(_MOST_BYTES + 1))
    except OSError as error:
        raise ConfigError(
            f"{reference.what}: {reference.path} cannot be read: {error.strerror}",
            where=reference.where,
            remedy="check that it is there and yours",
        ) from None
    if text is None:
        raise ConfigError(
            f"{reference.what}: {reference.path} holds no text of at most 64 KiB",
            where=reference.where,
            remedy="write the secret into it, and nothing else",
        )
    return text


_outcomes: dict[tuple[str, tuple[str, ...]], Future[str]] = {}
_outcomes_lock = threading.Lock()


def _command_text(reference: CommandReference) -> str:
    """What the command prints. It runs once in a process, whatever comes of it: a password
    manager may ask a person each time."""
    key = (reference.folder, reference.argv)
    with _outcomes_lock:
        outcome, is_new = _outcomes.get(key), key not in _outcomes
        outcome = outcome or _outcomes.setdefault(key, Future())
    if is_new:
        try:
            outcome.set_result(_run(reference))
        except BaseException as error:
            outcome.set_exception(error)
            raise
    return outcome.result()


def _run(reference: CommandReference) -> str:
    program = reference.argv[0]
    try:
        done = subprocess.run(
            reference.argv,
            cwd=reference.folder if Path(reference.folder).is_dir() else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it may repeat the secret
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failure(reference, f"{program} did not end in {COMMAND_TIMEOUT_S:g} s") from None
    except OSError as error:
        raise _failure(reference, f"{program} cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        raise _failure(reference, f"{program} exited with status {done.returncode}")
    text = _text(done.stdout)
    if text is None:
        raise _failure(reference, f"{program} printed no text of at most 64 KiB")
    return text


def _failure(reference: CommandReference, sentence: str) -> ConfigError:
    return ConfigError(
        f"{reference.what}: the command {sentence}",
        where=reference.where,
        remedy="run it yourself: it must print the secret, and end with status 0",
    )


def _text(data: bytes) -> str | None:
    """Without the white space around it; None for what no secret looks like."""
    try:
        text = data.decode().strip()
    except UnicodeDecodeError:
        return None
    return text if text and len(data) <= _MOST_BYTES and "\0" not in text else None
