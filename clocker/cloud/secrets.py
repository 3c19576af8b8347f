"""The secrets of containers: read where this process runs, and brought to their hosts.

On the host they are files in memory, in a folder that only root enters; the container sees them
by a bind mount that an engine does not start it without. Nothing of a value is ever on record.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clocker.errors import BadInput, ClockerError, CommandFailed, NotFound
from clocker.interfaces import Parts, Shell
from clocker.model import Container, ContainerRequest, Host, Secret, Volume

FOLDER = "/run/clocker/secrets"
"""On a host. Its sub-folders are clouds, and in them containers, by their ids."""
IN_CONTAINER = "/run/secrets"
MOST_BYTES = 512 * 1024
_COMMAND_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a container is to be created with."""

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    binds: tuple[Volume, ...] = ()


def check(requests: Iterable[ContainerRequest], environ: Mapping[str, str] = os.environ) -> None:
    """BadInput for a secret that cannot be read here. Commands are not run: they may ask."""
    for request in requests:
        for secret in request.secrets:
            if secret.command is None:
                _read(secret, environ)


def deliver(
    parts: Parts,
    host: Host,
    container: Container,
    environ: Mapping[str, str] = os.environ,
    former: Host | None = None,
) -> Delivered:
    """Bring them to the host. One that cannot be read here is taken from what the host, or the
    ``former`` one, has of this container; BadInput when there is none."""
    secrets = container.request.secrets
    if not secrets:
        return Delivered()
    shell, folder = parts.connections.shell(host), _folder(parts, container)
    sources = [shell, *([parts.connections.shell(former)] if former else [])]
    places = {secret.target: f"{folder}/{_place(secret, n)}" for n, secret in enumerate(secrets)}
    values = {s.target: _value(s, environ, sources, places[s.target]) for s in secrets}
    _make_folders(shell, folder, places.values(), host)
    for secret in secrets:
        mode = 0o400 if secret.as_env else secret.mode
        shell.put(values[secret.target], places[secret.target], mode=mode)
    return Delivered(
        {s.target: _text(s, values[s.target]) for s in secrets if s.as_env},
        tuple(_binds(folder, secrets, places)),
    )


def remove(parts: Parts, host: Host | None, container: Container) -> None:
    """From a host that can be reached; one without a stamp has never had any."""
    if not container.request.secrets or host is None or host.stamp is None or host.fenced_at:
        return
    shell = parts.connections.shell(host)
    _run(shell, f"rm -rf {shlex.quote(_folder(parts, container))}", host)


def remove_all(parts: Parts, shell: Shell) -> None:
    """Of a host that the cloud leaves."""
    shell.run(f"rm -rf {shlex.quote(f'{FOLDER}/{parts.spec.name}')}")


def _folder(parts: Parts, container: Container) -> str:
    return f"{FOLDER}/{parts.spec.name}/{container.id}"


def _place(secret: Secret, number: int) -> str:
    if secret.as_env:
        return f"env/{secret.target}"
    return f"at/{number}" if secret.target.startswith("/") else f"files/{secret.target}"


def _binds(folder: str, secrets: Sequence[Secret], places: Mapping[str, str]) -> Iterable[Volume]:
    files = [secret for secret in secrets if not secret.as_env]
    if any(not secret.target.startswith("/") for secret in files):
        yield Volume(f"{folder}/files", IN_CONTAINER, read_only=True)
    for secret in files:
        if secret.target.startswith("/"):
            yield Volume(places[secret.target], secret.target, read_only=True)


def _value(
    secret: Secret, environ: Mapping[str, str], sources: Sequence[Shell], place: str
) -> bytes:
    try:
        return _read(secret, environ)
    except BadInput:
        for shell in sources:
            try:
                return shell.get(place)
            except NotFound:
                continue
        raise


def _read(secret: Secret, environ: Mapping[str, str]) -> bytes:
    if secret.text is not None:
        return secret.text.encode()
    if secret.env is not None:
        if secret.env not in environ:
            raise _unreadable(secret, f"the variable {secret.env} is not set here")
        return environ[secret.env].encode()
    if secret.file is not None:
        return _read_file(secret, Path(secret.file))
    return _run_command(secret, secret.command or ())


def _read_file(secret: Secret, path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise _unreadable(secret, f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise _unreadable(secret, f"{path} is larger than 512 KiB")
    return content


def _run_command(secret: Secret, command: Sequence[str]) -> bytes:
    """What it prints, without the line's end. Its own words are not repeated: it may tell."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _unreadable(secret, f"{command[0]} did not end in time") from None
    except (OSError, IndexError, ValueError):
        raise _unreadable(secret, "its command cannot be run") from None
    if done.returncode:
        raise _unreadable(secret, f"{command[0]} exited with status {done.returncode}")
    return done.stdout.removesuffix(b"\n")


def _text(secret: Secret, value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise _unreadable(secret, "its value cannot be a variable's")
    return text


def _make_folders(shell: Shell, folder: str, places: Iterable[str], host: Host) -> None:
    """Memory all the way: where ``/run`` is none, a file system of its own is mounted."""
    inner = " ".join(sorted({shlex.quote(str(Path(place).parent)) for place in places}))
    _run(
        shell,
        f"mkdir -p {FOLDER} && chmod 700 {FOLDER} && findmnt -n -t tmpfs -T {FOLDER} > /dev/null"
        f" || mount -t tmpfs -o mode=700,size=64m clocker-secrets {FOLDER}",
        host,
    )
    _run(shell, f"mkdir -p {shlex.quote(folder)}/files {inner}", host)


def _run(shell: Shell, command: str, host: Host) -> None:
    done = shell.run(command, timeout_s=60.0)
    if not done.ok:
        raise CommandFailed(
            f"the folder for secrets could not be changed: {done.stderr.decode(errors='replace')}",
            status=done.status,
            where=f"host {host.name}",
        )


def _unreadable(secret: Secret, why: str) -> ClockerError:
    return BadInput(
        why,
        where=f"secret {secret.name}",
        remedy="make it readable where the command is run, and run it again",
    )
