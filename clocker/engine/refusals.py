"""What an engine's complaints about a registry mean."""

from __future__ import annotations

from dataclasses import dataclass

from clocker.engine.translation import Meaning, meant
from clocker.errors import (
    AuthenticationFailed,
    ClockerError,
    EngineError,
    ImageNotFound,
    RegistryUntrusted,
    TransferInterrupted,
    Unreachable,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """``verb``: pull or push. ``known``: with a user and a password."""

    verb: str
    repository: str
    reference: str
    known: bool

    @property
    def registry(self) -> str:
        from docker.auth import resolve_repository_name

        return str(resolve_repository_name(self.repository)[0])


_UNDER = "registries: in clocker.yaml"

_TABLE = (
    Meaning(
        r"certificate has expired or is not yet valid: current time \S+ is before",
        RegistryUntrusted,
        "the certificate of registry {registry} is not valid yet",
        "set the clocks of the host and of the registry right",
    ),
    Meaning(
        r"certificate has expired",
        RegistryUntrusted,
        "the certificate of registry {registry} has expired",
        "have it renewed; that of a registry of the cloud: clocker registry run",
    ),
    Meaning(
        r"certificate is valid for|cannot validate certificate for|not valid for any names"
        r"|doesn't contain any",
        RegistryUntrusted,
        "the certificate of registry {registry} is for another name",
        "name the registry as its certificate does, or have one made for this name too",
    ),
    Meaning(
        r"x509: |tls: failed to verify certificate",
        RegistryUntrusted,
        "the host does not know who signed the certificate of registry {registry}",
        "name the authority's certificate as its ca under " + _UNDER + ", then: clocker up",
    ),
    Meaning(
        r"server gave HTTP response to HTTPS client|first record does not look like a TLS",
        RegistryUntrusted,
        "registry {registry} does not speak TLS",
        "have it speak TLS; or, if nobody else is on the network, set insecure: true under "
        + _UNDER,
    ),
    Meaning(
        r"no basic auth credentials",
        AuthenticationFailed,
        "registry {registry} wants a user and a password",
        "give them under " + _UNDER,
    ),
    Meaning(
        r"denied: requested access|insufficient_scope|denied: .*permission|403 Forbidden",
        AuthenticationFailed,
        "registry {registry} does not let this user {verb} {reference}",
        "give a user that may, under " + _UNDER,
    ),
    Meaning(
        r"(?i)unauthorized|authentication required|incorrect username or password",
        AuthenticationFailed,
        "registry {registry} does not accept the user or the password",
        "see that they are right under " + _UNDER,
    ),
    Meaning(
        r"(?i)toomanyrequests|429 Too Many Requests",
        EngineError,
        "registry {registry} gives no more for now: it was asked too often",
        "wait, give a user of it or a mirror under " + _UNDER,
    ),
    Meaning(
        r"does not exist locally|No such image",
        ImageNotFound,
        "the host has no image {reference}",
        "have it pulled or built there first",
    ),
    Meaning(
        r"(?i)manifest unknown|not found: manifest|name unknown|NAME_UNKNOWN|not found"
        r"|repository does not exist|no matching manifest",
        ImageNotFound,
        "registry {registry} has no image {reference}",
        "check its name; a registry may also hide it from who gives no password",
    ),
)

_CUT = (
    r"connection refused|connection reset|broken pipe|EOF|no route to host|i/o timeout"
    r"|network is unreachable|no such host|server misbehaving|handshake timeout|Client.Timeout"
    r"|request canceled|context deadline exceeded|use of closed network connection"
    r"|50[234] |blob upload (unknown|invalid)|Temporary failure"
)

_NEVER_THERE = Meaning(
    _CUT,
    Unreachable,
    "registry {registry} cannot be reached",
    "see that it runs, and that the host reaches it under this name",
)
_BROKEN_OFF = Meaning(
    _CUT,
    TransferInterrupted,
    "the {verb} of {reference} was broken off: registry {registry} does not answer any more",
    "give the same command again once it does: what has been transferred is not again",
)


def registry_complaint(error: EngineError, asked: Asked, *, begun: bool) -> ClockerError:
    """``begun``: something had been transferred by then."""
    if error.remedy and not isinstance(error, ImageNotFound):
        return error  # it is the host's own trouble, such as a full disk
    words = {"registry": asked.registry, "reference": asked.reference, "verb": asked.verb}
    table = (*_TABLE, _BROKEN_OFF if begun else _NEVER_THERE)
    found = meant(table, error.what, error.where, words)
    return found or EngineError(
        f"the {asked.verb} of {asked.reference} failed: {error.what}", where=error.where
    )
