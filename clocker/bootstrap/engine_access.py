"""Lets the engine of a host listen with TLS: the host makes a key, which stays there, and is
brought a certificate for it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from clocker.certificates import fingerprint, is_fit, is_key, secret_of, server_certificate
from clocker.errors import CommandFailed, InfrastructureError
from clocker.interfaces import Keys, Shell
from clocker.model import CloudSpec, Host, Trust
from clocker.network.layout import Layout
from clocker.templating import render

_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """Where on a host what is for its engine's listening lies. ``folder`` holds the keys and
    certificates, of each authority under its fingerprint."""

    folder: str
    script: str
    drop_in: str
    environment: str
    chain: str


def engine_files(cloud: str) -> EngineFiles:
    layout = Layout(cloud)
    return EngineFiles(
        folder=f"{layout.etc}/engine",
        script=f"{layout.scripts}/engine",
        # Behind those of others, whose settings it keeps.
        drop_in=f"/etc/systemd/system/docker.service.d/zz-clocker-{cloud}.conf",
        environment=f"/run/clocker-{cloud}-engine.env",
        chain=f"CLOCKER-E-{sha256(cloud.encode()).hexdigest()[:8]}",
    )


def engine_port(spec: CloudSpec, host: Host) -> int | None:
    """Where the host's engine is to listen with TLS, if it is; this machine's has its socket."""
    local = host.access is not None and host.access.local
    return spec.engine.port if spec.engine.access == "tls" and not local else None


def engine_access(spec: CloudSpec, host: Host, trust: Trust) -> dict[str, Any]:
    """The values of what ``bootstrap/engine.sh.j2`` does for it."""
    files = engine_files(spec.name)
    values = {
        "files": files,
        "port": spec.engine.port,
        "sources": spec.engine.sources,
        "places": _names(host)[1:],
        "identity": fingerprint(trust.of_hosts),
    }
    return {**values, "bundle": trust.bundle, "script": render("bootstrap/access.sh.j2", values)}


def certify(shell: Shell, host: Host, *, cloud: str, keys: Keys, trust: Trust, now: float) -> None:
    """Have the host make its key, and bring it a certificate, unless it has both. The bootstrap
    then lets the engine use them."""
    folder, identity = engine_files(cloud).folder, fingerprint(trust.of_hosts)
    public, _, certificate = _key(shell, host, folder, identity).partition("\n")
    if not is_key(public):
        raise InfrastructureError(
            "the key of its engine is of another kind than the host makes",
            where=f"host {host.name}",
            remedy=f"remove {folder}/{identity}.key there, then clocker up",
        )
    if is_fit(certificate, trust.of_hosts, public, _names(host), now):
        return
    secret = secret_of(keys, cloud, trust.of_hosts.generation)
    made = server_certificate(trust.of_hosts, secret, public, _names(host), now)
    shell.put(made.encode(), f"{folder}/{identity}.new")


def _key(shell: Shell, host: Host, folder: str, identity: str) -> str:
    """Its public half, and behind that the certificate for it that is there."""
    values = {"folder": folder, "identity": identity}
    script = render("bootstrap/engine_key.sh.j2", values)
    result = shell.run("sh -s", stdin=script.encode(), timeout_s=_TIMEOUT_S)
    if not result.ok:
        raise CommandFailed(
            "the host cannot make a key for its engine",
            where=f"host {host.name}",
            status=result.status,
            tail=result.stderr.decode(errors="replace").strip(),
        )
    return result.text


def _names(host: Host) -> tuple[str, ...]:
    """Its own, then where it is reached: by controllers, and by the other hosts."""
    address = host.access.address if host.access else None
    return tuple(dict.fromkeys(name for name in (host.name, address, host.address) if name))
