"""What this controller shows to engines that listen with TLS, and whom it believes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from clocker.certificates import client_certificate, is_due, secret_of
from clocker.errors import ConfigError, Unreachable
from clocker.interfaces import Clock, Keys
from clocker.model import TlsAccess, Trust


class Credentials:
    """Two files in ``folder``, mode 0600: the certificate is made here, lives for a short time and
    is renewed by itself; both follow ``trust``, what is on record of the cloud's authorities."""

    def __init__(
        self,
        folder: Path,
        cloud: str,
        keys: Keys,
        trust: Callable[[], Trust | None],
        clock: Clock,
    ) -> None:
        self._folder = folder
        self._cloud = cloud
        self._keys = keys
        self._trust = trust
        self._clock = clock

    def access(self, address: str, port: int, where: str) -> TlsAccess:
        """How to reach the engine there now."""
        trust = self._trust()
        if trust is None:
            raise Unreachable(
                "the cloud has no certificate authority on record",
                where=where,
                remedy="have one made: clocker up",
            )
        authorities, certificate = self._folder / "authorities.pem", self._folder / "client.pem"
        if _read(authorities) != trust.bundle:
            _write(authorities, trust.bundle)
        if is_due(_read(certificate), trust.of_controllers, self._clock()):
            _write(certificate, self._issued(trust))
        return TlsAccess(address, port, str(authorities), str(certificate))

    def _issued(self, trust: Trust) -> str:
        authority = trust.of_controllers
        secret = secret_of(self._keys, self._cloud, authority.generation)
        name = f"Clocker {self._cloud} {os.uname().nodename}"
        return client_certificate(authority, secret, name, self._clock())


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and from the first moment nobody else's to read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink()
            raise
    except OSError as error:
        raise ConfigError(
            f"the controller's certificate cannot be written: {error.strerror}",
            where=str(path),
            remedy="make the folder writable, with room on its disk",
        ) from error
