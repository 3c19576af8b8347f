"""Key pairs that are real, and the same in every run."""

from __future__ import annotations

import hashlib
import tempfile
from functools import cache
from pathlib import Path

from clocker.interfaces import KeyPair


class FakeKeys:
    """See ``clocker.interfaces.Keys``. ``seed`` stands for the cloud's key."""

    def __init__(self, seed: str = "cloud") -> None:
        self._seed = seed
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def public(self) -> str:
        return _pair(self._seed).public

    @property
    def private_path(self) -> str:
        """A file that goes away with this object."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="clocker-fake-keys-")
        path = Path(self._folder.name) / "id_ed25519"
        path.touch(mode=0o600)
        path.write_text(_pair(self._seed).private)
        return str(path)

    def derive(self, purpose: str, identity: str) -> KeyPair:
        return _pair(f"{self._seed}\0{purpose}\0{identity}")


def new_key() -> bytes:
    """As a host makes one for its engine: nobody else has it."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def public_of(private: str) -> str:
    """The public half of a private key in OpenSSH's format."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_ssh_private_key,
    )

    key = load_ssh_private_key(private.encode(), None).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@cache
def _pair(seed: str) -> KeyPair:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return KeyPair(private, public_of(private))
