"""Runs a libcloud Deployment in a node that was made for it, and leaves no node behind."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from libcloud.compute.base import Node, NodeDriver
from libcloud.compute.ssh import BaseSSHClient
from libcloud.compute.types import DeploymentError

from clocker.cloud import ContainerMachine
from clocker.driver.boundary import libcloud_error
from clocker.driver.ssh_client import ContainerSSHClient, ssh_client
from clocker.errors import AuthenticationFailed, BadInput, ClockerError, Unreachable

_RETRY_S = 1.5


@dataclass(frozen=True, slots=True)
class Login:
    """``users``: the first whom the container's sshd lets in. ``key_files``: tried
    before the cloud's own. ``connect_s``: for one attempt; ``timeout_s``: for all of them."""

    users: tuple[str, ...]
    port: int
    key_files: tuple[str, ...]
    passphrase: str | None = field(repr=False)
    connect_s: float
    timeout_s: float

    def client(self, machine: ContainerMachine, user: str) -> ContainerSSHClient:
        return ssh_client(
            machine,
            user=user,
            port=self.port,
            key_files=self.key_files,
            passphrase=self.passphrase,
            timeout_s=self.connect_s,
        )


def check(deploy: object) -> None:
    """Before anything is made. BadInput."""
    if not callable(getattr(deploy, "run", None)):
        raise BadInput(f"{deploy!r} is no Deployment", remedy="give a ScriptDeployment, say")


def key_files(told: str | Sequence[str] | None) -> tuple[str, ...]:
    """Looked for before anything is made. BadInput."""
    paths = [told] if isinstance(told, str) else list(told or ())
    found = [Path(path).expanduser() for path in paths]
    for path in found:
        if not path.is_file():
            raise BadInput(
                "there is no such private key", where=str(path), remedy="correct ssh_key"
            )
    return tuple(map(str, found))


@contextmanager
def destroyed_on_failure(
    driver: NodeDriver, node: Node, at_exit: Callable[..., None] | None
) -> Iterator[None]:
    """Any way out but success destroys the node: a DeploymentError, or the interrupt itself."""
    if at_exit:
        atexit.register(at_exit, driver=driver, node=node)
    try:
        yield
    except BaseException as error:
        try:
            driver.destroy_node(node)
        except Exception as left:  # noqa: BLE001 - whatever it was, both are to be told
            error.add_note(f"node {node.name} could not be destroyed and is still there: {left}")
        if not isinstance(error, Exception):
            raise
        _forget(at_exit)
        cause = libcloud_error(error, driver) if isinstance(error, ClockerError) else error
        raise DeploymentError(node, cause, driver) from error
    _forget(at_exit)


def log_in(machine: ContainerMachine, login: Login) -> ContainerSSHClient:
    """AuthenticationFailed when none of the users is let in; HostKeyChanged; Unreachable."""
    refused: AuthenticationFailed | None = None
    for user in login.users:
        client = login.client(machine, user)
        try:
            connect(client, login.timeout_s)
        except AuthenticationFailed as error:
            client.close()
            refused = error
        except BaseException:
            client.close()
            raise
        else:
            return client
    raise refused or AuthenticationFailed("no user to log in as", where=machine.name)


def connect(client: BaseSSHClient, timeout_s: float) -> None:
    """Again and again while nothing answers; a refusal is final."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            client.connect()
        except Unreachable:
            if time.monotonic() + _RETRY_S > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            return


def _forget(at_exit: Callable[..., None] | None) -> None:
    if at_exit:
        atexit.unregister(at_exit)
