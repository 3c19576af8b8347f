"""Plain ssh, scp and rsync to hosts and containers: argvs, and a config file for OpenSSH."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from clocker.interfaces import Parts
from clocker.model import Container, Host

_KNOWN_HOSTS = "known_machines"


def host_command(parts: Parts, host: Host, args: Sequence[str], *, tty: bool = False) -> list[str]:
    """An argv that logs in to a host, or runs ``args`` there."""
    if host.access is not None and host.access.local:
        return list(args) or ["sh"]
    flags = ["-t"] if tty else []
    return ["ssh", "-F", str(write_config(parts)), *flags, host.name, *_quoted(args)]


def container_command(parts: Parts, container: Container, args: Sequence[str]) -> list[str]:
    return ["ssh", "-F", str(write_config(parts)), container.name, *_quoted(args)]


def relay_command(parts: Parts, host: Host, address: str, port: int) -> list[str]:
    """An argv whose standard input and output are a connection to ``address``, which the host
    makes; empty when this machine can make it itself."""
    if host.access is not None and host.access.local:
        return []
    config, there = str(write_config(parts)), f"{address}:{port}"
    return ["ssh", "-F", config, "-o", "BatchMode=yes", "-W", there, host.name]


def exec_command(
    parts: Parts,
    host: Host,
    engine_name: str,
    command: Sequence[str],
    *,
    interactive: bool,
    tty: bool,
) -> list[str]:
    flags = [*(["--interactive"] if interactive else []), *(["--tty"] if tty else [])]
    return host_command(parts, host, ["docker", "exec", *flags, engine_name, *command], tty=tty)


def write_config(parts: Parts) -> Path:
    """Write the config, and the host keys that it refers to; returns its path."""
    _write(parts.folder / _KNOWN_HOSTS, known_hosts(parts))
    path = parts.folder / "ssh_config"
    _write(path, config(parts))
    return path


def config(parts: Parts) -> str:
    """An OpenSSH config by which every host and every container that has an sshd is reached
    under its name, containers through their host. ``Include`` it in ``~/.ssh/config``."""
    with parts.store.read() as tx:
        hosts = {host.id: host for host in tx.hosts() if host.access is not None}
        containers = [c for c in tx.containers() if c.request.ssh and c.host_id in hosts]
    blocks = [_host_block(parts, host) for host in hosts.values()]
    blocks += [_container_block(parts, hosts[c.host_id], c) for c in containers]
    return "\n".join(blocks)


def known_hosts(parts: Parts) -> str:
    """The keys that hosts and containers answer with, under the aliases of ``config``."""
    with parts.store.read() as tx:
        hosts = tx.hosts()
        containers = [c for c in tx.containers() if c.ssh_host_key]
    lines = [
        f"{alias(parts, host.name)} {key}"
        for host in hosts
        if host.access
        for key in host.access.host_keys
    ]
    lines += [f"{alias(parts, c.name)} {c.ssh_host_key}" for c in containers]
    return "".join(f"{line}\n" for line in lines)


def alias(parts: Parts, name: str) -> str:
    return f"{name}.{parts.spec.zone}"


def _host_block(parts: Parts, host: Host) -> str:
    access = host.access
    assert access is not None  # noqa: S101 - config() selects hosts that have one
    return _block(
        parts,
        host.name,
        {"HostName": access.address, "Port": str(access.port), "User": access.user},
    )


def _container_block(parts: Parts, host: Host, container: Container) -> str:
    options = {"HostName": container.address, "User": container.request.user or "root"}
    if host.access is not None and not host.access.local:
        options["ProxyJump"] = host.name
    return _block(parts, container.name, options)


def _block(parts: Parts, name: str, options: dict[str, str]) -> str:
    common = {
        "IdentityFile": parts.keys.private_path,
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(parts.folder / _KNOWN_HOSTS),
        "HostKeyAlias": alias(parts, name),
    }
    lines = [f"  {key} {value}" for key, value in {**options, **common}.items()]
    return "\n".join([f"Host {name} {alias(parts, name)}", *lines, ""])


def _quoted(args: Sequence[str]) -> list[str]:
    """ssh hands its words to a remote shell as one line: each is to arrive as it was."""
    return [" ".join(shlex.quote(word) for word in args)] if args else []


def _write(path: Path, text: str) -> None:
    """Whole or not at all: another command may be reading it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(0o600)
    draft.replace(path)
