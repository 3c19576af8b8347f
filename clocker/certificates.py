"""The certificates by which engines and controllers know each other. Pure: keys, names and times
in, PEM out.

A certificate is followed, in the same text, by nothing (a host's, whose key stays on the host) or
by its key (a controller's). Its first line says in words what programs that only read it need:
``# AUTHORITY, renew after SECONDS``, the first the fingerprint of whom it is from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256, sha512
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from clocker.interfaces import Keys
from clocker.model import Authority

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

DAY_S = 24 * 3600.0
AUTHORITY_S = 3650 * DAY_S
SERVER_S = 365 * DAY_S
CLIENT_S = 90 * DAY_S
_RENEW_AT = 2 / 3  # of a life
_CLOCK_MAY_LAG_S = DAY_S

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_FIRST_LINE = re.compile(r"# ([0-9a-f]{16}), renew after (\d+)\n")


def secret_of(keys: Keys, cloud: str, generation: int) -> str:
    """What an authority's key is made of, and only this cloud's controllers have. The name is in
    it, for one SSH key may be that of several clouds."""
    return keys.derive("authority", f"{cloud}/{generation}").private


def new_authority(secret: str, cloud: str, generation: int, now: float) -> Authority:
    """Another call makes another certificate of the same key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    name, key = _name(f"Clocker {cloud} {generation}"), _authority_key(secret)
    uses = _uses(sign=False, certify=True)
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_S)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(uses, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(generation, _pem(certificate))


def server_certificate(
    authority: Authority, secret: str, public_key: str, names: Sequence[str], now: float
) -> str:
    """For a host whose key is ``public_key``, as OpenSSH writes it; the first of its ``names`` is
    its own, any others are where it is reached."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = _public(public_key)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    subject = x509.SubjectAlternativeName(_general_names(names))
    return _issued(authority, secret, names[0], key, now, SERVER_S, (usage, subject))


def client_certificate(authority: Authority, secret: str, name: str, now: float) -> str:
    """For a controller, with a key of its own, which is at the end of the text."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return _issued(authority, secret, name, key.public_key(), now, CLIENT_S, (usage,)) + private


def new_key() -> tuple[str, str]:
    """The private key in PEM, and its public half as OpenSSH writes it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return private.decode(), public.decode()


def is_due(pem: str, authority: Authority, now: float) -> bool:
    """Whether it should be replaced: by its first line it is from another authority, or has
    lived two thirds of its life."""
    found = _FIRST_LINE.match(pem)
    return found is None or found[1] != fingerprint(authority) or float(found[2]) < now


def is_fit(
    pem: str, authority: Authority, public_key: str, names: Sequence[str], now: float
) -> bool:
    """Whether a host's certificate is what ``server_certificate`` would make, and not due."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    if is_due(pem, authority, now):
        return False
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        certificate.verify_directly_issued_by(_certificate(authority))
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    same_key = certificate.public_key() == _public(public_key)
    return same_key and set(found.value) == set(_general_names(names))


def is_key(line: str) -> bool:
    """Whether it is a public key of the kind that hosts make, as OpenSSH writes it."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return line.startswith("ecdsa-sha2-nistp256 ") and _public(line) is not None
    except (ValueError, UnsupportedAlgorithm):
        return False


def fingerprint(authority: Authority) -> str:
    return sha256(authority.certificate.encode()).hexdigest()[:16]


def _issued(
    authority: Authority,
    secret: str,
    name: str,
    key: Any,
    now: float,
    life_s: float,
    extensions: Sequence[x509.ExtensionType],
) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    signer = _authority_key(secret)
    issuer = _certificate(authority).subject
    builder = _builder(_name(name), issuer, key, now, life_s)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_uses(sign=True, certify=False), True)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
    )
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    renew_after = int(now + life_s * _RENEW_AT)
    first = f"# {fingerprint(authority)}, renew after {renew_after}\n"
    return first + _pem(builder.sign(signer, hashes.SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, now: float, life_s: float
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(now - _CLOCK_MAY_LAG_S, UTC))
        .not_valid_after(datetime.fromtimestamp(now + life_s, UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority_key(secret: str) -> EllipticCurvePrivateKey:
    """Twice as many bits as the key has make it as good as evenly distributed."""
    from cryptography.hazmat.primitives.asymmetric import ec

    number = int.from_bytes(sha512(secret.encode()).digest())
    return ec.derive_private_key(number % (_P256_ORDER - 1) + 1, ec.SECP256R1())


def _certificate(authority: Authority) -> x509.Certificate:
    from cryptography import x509

    return x509.load_pem_x509_certificate(authority.certificate.encode())


def _public(line: str) -> Any:
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    return load_ssh_public_key(line.encode())


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    from cryptography import x509

    found: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _name(text: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _uses(*, sign: bool, certify: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=sign,
        key_cert_sign=certify,
        crl_sign=certify,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()
