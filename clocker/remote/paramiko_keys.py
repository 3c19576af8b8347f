"""What paramiko is allowed to trust, and what its exceptions mean."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clocker.errors import ClockerError
from clocker.remote.endpoint import Endpoint
from clocker.remote.host_keys import key_of
from clocker.remote.refusals import refusal

if TYPE_CHECKING:
    from paramiko import SSHClient, Transport


def quiet() -> None:
    """Its threads print tracebacks of what is reported as an error anyway."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


def trust(client: SSHClient, endpoint: Endpoint) -> None:
    """Only the pinned keys: an unknown one is refused."""
    from paramiko import PKey, RejectPolicy

    client.set_missing_host_key_policy(RejectPolicy())
    name = endpoint.address if endpoint.port == 22 else f"[{endpoint.address}]:{endpoint.port}"
    for line in endpoint.host_keys:
        kind, encoded = key_of(line).split(" ")
        key = PKey.from_type_string(kind, base64.b64decode(encoded))
        client.get_host_keys().add(name, kind, key)


def prefer(transport: Transport, kinds: tuple[str, ...]) -> None:
    """Have the machine show a key of the kinds that are pinned, where it has several."""
    options = transport.get_security_options()
    wanted = {kind: ("rsa-sha2-512", "rsa-sha2-256") for kind in kinds if kind == "ssh-rsa"}
    names = [name for kind in kinds for name in wanted.get(kind, (kind,))]
    known = [name for name in names if name in options.key_types]
    options.key_types = [*known, *(name for name in options.key_types if name not in known)]


@contextmanager
def translated(endpoint: Endpoint) -> Iterator[None]:
    """No exception of paramiko's leaves this."""
    from paramiko import SSHException

    try:
        yield
    except ClockerError:
        raise
    except (SSHException, OSError, EOFError) as error:
        raise refusal(_words(error), endpoint) from error


def _words(error: Exception) -> str:
    from paramiko import AuthenticationException, BadHostKeyException
    from paramiko.ssh_exception import NoValidConnectionsError

    if isinstance(error, BadHostKeyException):
        return f"Host key for server {error.hostname} does not match"
    if isinstance(error, AuthenticationException):
        return f"Authentication failed: {error}"
    if isinstance(error, NoValidConnectionsError):
        return "; ".join(str(each) for each in error.errors.values())
    if isinstance(error, TimeoutError):
        return "timed out"
    return f"{type(error).__name__}: {error}"
