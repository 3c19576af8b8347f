"""The cloud's SSH identity: one key pair, and every other pair derived from it."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from clocker.errors import ConfigError
from clocker.interfaces import KeyPair

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ED25519 = b"ssh-ed25519"
_GENERATE = "give an unencrypted OpenSSH key, or leave ssh_key out and have one made"


class CloudKeys:
    """See ``clocker.interfaces.Keys``. The pair is made in ``folder`` at its first use, once
    however many processes begin at the same time; ``existing``: a user's own key file instead."""

    def __init__(self, folder: Path, existing: str | Path | None = None) -> None:
        self._own = folder / "id_ed25519"
        self._existing = Path(existing).expanduser() if existing else None

    @cached_property
    def public(self) -> str:
        from cryptography.hazmat.primitives import serialization

        encoded: bytes = (
            _parsed(self._path)
            .public_key()
            .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        )
        return encoded.decode()

    @cached_property
    def private_path(self) -> str:
        return str(self._path.absolute())

    def derive(self, purpose: str, identity: str) -> KeyPair:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = f"clocker/{purpose}/{identity}".encode()
        seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._seed)
        return openssh_pair(Ed25519PrivateKey.from_private_bytes(seed))

    @cached_property
    def _path(self) -> Path:
        if self._existing is None:
            return _made_once(self._own)
        return _usable(self._existing)

    @cached_property
    def _seed(self) -> bytes:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = _parsed(self._path)
        if isinstance(key, Ed25519PrivateKey):
            return key.private_bytes_raw()
        private: bytes = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return hashlib.sha256(private).digest()


def openssh_pair(key: Ed25519PrivateKey) -> KeyPair:
    """The pair as OpenSSH writes it; the same text every time (``ssh-keygen`` and cryptography
    put random check bytes in), so that a file made of it need not change either."""
    public, seed = key.public_key().public_bytes_raw(), key.private_bytes_raw()
    blob = _string(_ED25519) + _string(public)
    check = hashlib.sha256(b"check" + seed).digest()[:4]
    secret = check * 2 + blob + _string(seed + public) + _string(b"")
    secret += bytes(range(1, 1 + -len(secret) % 8))
    none = _string(b"none") + _string(b"none") + _string(b"") + struct.pack(">I", 1)
    text = base64.b64encode(b"openssh-key-v1\0" + none + _string(blob) + _string(secret)).decode()
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    frame = "-----{} OPENSSH PRIVATE KEY-----"
    return KeyPair(
        private="\n".join([frame.format("BEGIN"), *lines, frame.format("END"), ""]),
        public=f"{_ED25519.decode()} {base64.b64encode(blob).decode()}",
    )


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _made_once(path: Path) -> Path:
    """Whoever links first wins; the others find the winner's file, always whole."""
    if path.exists():
        return path
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".id-")  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(openssh_pair(Ed25519PrivateKey.generate()).private)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            Path(temporary).unlink()
    except OSError as error:
        raise ConfigError(
            f"the cloud's SSH key cannot be written: {error.strerror}",
            where=str(path),
            remedy="make the folder writable, with room on its disk",
        ) from error
    return path


def _usable(path: Path) -> Path:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(
            f"no such SSH key: {error.strerror}", where=str(path), remedy=_GENERATE
        ) from error
    if mode & 0o077:
        raise ConfigError(
            "others may read this private key; ssh refuses it",
            where=str(path),
            remedy=f"chmod 600 {path}",
        )
    return path


def _parsed(path: Path):  # type: ignore[no-untyped-def]  # any of cryptography's private keys
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        data = path.read_bytes()
        if b"BEGIN OPENSSH PRIVATE KEY" in data:
            return serialization.load_ssh_private_key(data, password=None)
        return serialization.load_pem_private_key(data, password=None)
    except TypeError as error:
        raise ConfigError("the SSH key is encrypted", where=str(path), remedy=_GENERATE) from error
    except OSError as error:
        raise ConfigError(
            f"the SSH key cannot be read: {error.strerror}", where=str(path)
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            "this is no private key that OpenSSH understands", where=str(path), remedy=_GENERATE
        ) from error
