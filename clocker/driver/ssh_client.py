"""libcloud's SSH client, led to a container: through its host, and with its host key known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from libcloud.compute.ssh import ParamikoSSHClient

from clocker.cloud import ContainerMachine
from clocker.driver.relay import Relay
from clocker.errors import Unreachable
from clocker.images.sshd import AUTHORIZED_KEYS
from clocker.remote.endpoint import Endpoint
from clocker.remote.paramiko_keys import quiet, translated, trust
from clocker.remote.refusals import refusal

_USUAL_KEYS = ".ssh/authorized_keys"


class ContainerSSHClient(ParamikoSSHClient):
    """Deployments are handed this one; they use ``run``, ``put``, ``putfo`` and ``delete``."""

    def __init__(
        self,
        endpoint: Endpoint,
        relay: Relay,
        *,
        key_files: Sequence[str],
        passphrase: str | None,
        timeout_s: float,
    ) -> None:
        """``endpoint``: the container; its host key is the only one that is accepted."""
        super().__init__(
            endpoint.alias,
            port=endpoint.port,
            username=endpoint.user,
            timeout=timeout_s,
        )
        quiet()
        # By its alias and not its address, which is another container's on another cloud.
        self._endpoint = replace(endpoint, address=endpoint.alias)
        self._relay = relay
        self._passphrase = passphrase
        self._key_files: Any = list(key_files)  # paramiko takes several; its stubs know of one
        trust(self.client, self._endpoint)

    def connect(self) -> bool:
        """AuthenticationFailed and HostKeyChanged at once; Unreachable may be tried again."""
        self.sftp_client = None  # it belongs to the connection before
        try:
            with translated(self._endpoint):
                self.client.connect(
                    self.hostname,
                    port=self.port,
                    username=self.username,
                    key_filename=self._key_files,
                    passphrase=self._passphrase,
                    sock=self._relay.open(self.timeout),
                    timeout=self.timeout,
                    allow_agent=False,
                    look_for_keys=False,
                )
        except Unreachable as error:
            if said := self._relay.said():  # the way was barred before the container was reached
                raise refusal(said, self._endpoint) from error
            raise
        return True

    def put(
        self, path: str, contents: Any = None, chmod: int | None = None, mode: str = "w"
    ) -> str:
        """What libcloud's SSHKeyDeployment writes goes where the container's sshd reads it."""
        if path == _USUAL_KEYS and mode == "a":
            path, contents = AUTHORIZED_KEYS, f"{contents.strip()}\n"
        sent = super().put(path, contents, chmod, mode)  # type: ignore[no-untyped-call]
        return str(sent)

    def close(self) -> bool:
        super().close()  # type: ignore[no-untyped-call]
        self._relay.close()
        return True


def ssh_client(
    machine: ContainerMachine,
    *,
    user: str,
    port: int,
    key_files: Sequence[str],
    passphrase: str | None,
    timeout_s: float,
) -> ContainerSSHClient:
    """Not connected yet. After ``key_files`` the cloud's own key is tried."""
    own = machine.parts.keys.private_path
    record = machine.record
    endpoint = Endpoint(
        record.name,
        f"{record.name}.{machine.parts.spec.zone}",
        record.address,
        port,
        user,
        own,
        (record.ssh_host_key,) if record.ssh_host_key else (),
    )
    relay = Relay(machine.ssh_relay(port), (record.address, port))
    return ContainerSSHClient(
        endpoint,
        relay,
        key_files=[*key_files, own],
        passphrase=passphrase,
        timeout_s=timeout_s,
    )
