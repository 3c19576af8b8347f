"""``clocker.yaml`` and the provider it names, as the model; or one error with every problem."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from clocker.config import providers
from clocker.config.catalogue import catalogue
from clocker.config.check import checked
from clocker.config.document import Document, Loc, read_document
from clocker.config.documents import (
    CloudDocument,
    EngineDocument,
    HostsDocument,
    NetworkDocument,
    first_subnet,
)
from clocker.config.environment import with_environment
from clocker.config.problems import Problem, refusal
from clocker.config.registries import Login, read_registries
from clocker.errors import NotFound
from clocker.model import (
    CloudSpec,
    EngineOptions,
    NetworkSpec,
    NodePool,
    ProviderEntry,
    Registry,
    Resources,
    WeaveOptions,
)

_KEY_LINE = re.compile(r"(ssh|ecdsa|sk)-\S+\s+\S+")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_LAST_WEAVE_PORT = 65533


@dataclass(frozen=True, slots=True)
class LoadedCloud:
    """``providers``: those of the cloud; their arguments may have references to secrets, which
    ``clocker.config.fetched`` follows. ``store_url``: None for the SQLite file in the cloud's
    folder. ``ssh_key``: path of the user's own private key, None for one that Clocker makes.
    ``logins``: of registries, by their names."""

    spec: CloudSpec
    providers: tuple[ProviderEntry, ...]
    path: Path
    store_url: str | None = field(default=None, repr=False)
    ssh_key: str | None = None
    logins: Mapping[str, Login] = field(default_factory=dict, repr=False)


def load_cloud(
    path: Path | str, environ: Mapping[str, str], also: Sequence[str] = ()
) -> LoadedCloud:
    """ConfigError with file, line, path and remedy of everything that is wrong. ``also``: more
    providers, at which no host is made."""
    path = Path(path)
    source = read_document(path, remedy="clocker init writes one")
    document, problems = checked(source, CloudDocument, environ)
    entries, entry_problems = _providers(source, path, environ)
    problems += entry_problems
    keys: tuple[str, ...] = ()
    key: str | None = None
    registries: tuple[Registry, ...] = ()
    logins: dict[str, Login] = {}
    if document is not None:
        keys, key_problems = _public_keys(source, document, path)
        key, own_problems = _private_key(source, document, path)
        problems += [*key_problems, *own_problems, *_hosts_apart(source, document)]
        problems += _headroom_problems(source, document)
        problems += _weave_problems(source, document.network, path)
        registries, logins, own_problems = read_registries(
            source, document.registries, environ, path.parent.absolute()
        )
        problems += own_problems
    if problems or document is None:
        raise refusal(problems)
    own = {entry.name for entry in entries}
    others = tuple(_other(path, name, environ) for name in also if name not in own)
    spec = _spec(document, _pool(document.hosts, entries, others), keys, path)
    spec = replace(spec, registries=registries)
    return LoadedCloud(spec, (*entries, *others), path, document.store, key, logins)


def known_providers(cloud_file: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The names that ``hosts.provider`` may have."""
    return catalogue(cloud_file, environ).names()


def _providers(
    source: Document, path: Path, environ: Mapping[str, str]
) -> tuple[tuple[ProviderEntry, ...], list[Problem]]:
    """The entries that ``hosts.provider`` names, once each, in its order."""
    written = source.raw(("hosts", "provider"))
    several = isinstance(written, list)
    locs: list[Loc] = [("hosts", "provider", i) for i in range(len(written))] if several else []
    known = catalogue(path, environ)
    entries: dict[str, ProviderEntry] = {}
    problems: list[Problem] = []
    for loc in locs or [("hosts", "provider")]:
        name, unset = with_environment(source, source.raw(loc), loc, environ)
        if unset or not isinstance(name, str):
            continue  # the document's own check tells what is wrong with it
        found = providers.find(known, name, environ)
        problems += [*found.unset, *found.problems]
        if found.entry is not None:
            entries[name] = found.entry
        elif not (found.unset or found.problems):
            problems.append(source.problem(loc, *known.unknown(name, source.raw(loc))))
    return tuple(entries.values()), problems


def _other(path: Path, name: str, environ: Mapping[str, str]) -> ProviderEntry:
    known = catalogue(path, environ)
    found = providers.find(known, name, environ)
    if found.entry is not None:
        return found.entry
    if found.unset or found.problems:
        raise refusal([*found.unset, *found.problems])
    what, remedy = known.unknown(name, name)
    raise NotFound(what, remedy=remedy)


def _public_keys(
    source: Document, document: CloudDocument, path: Path
) -> tuple[tuple[str, ...], list[Problem]]:
    """``authorized_keys``: lines as they are, files by their lines."""
    keys: list[str] = []
    problems: list[Problem] = []
    for index, item in enumerate(document.ssh.authorized_keys):
        if _KEY_LINE.match(item):
            keys.append(item.strip())
            continue
        lines = _lines(_beside(path, item))
        found = [line for line in lines or () if _KEY_LINE.match(line)]
        keys += found
        if not found:
            sentence = "must be a public key, or a file of public keys that can be read"
            remedy = "such as ssh-ed25519 AAAA..., or ~/.ssh/id_ed25519.pub"
            problems.append(source.problem(("ssh", "authorized_keys", index), sentence, remedy))
    return tuple(keys), problems


def _private_key(
    source: Document, document: CloudDocument, path: Path
) -> tuple[str | None, list[Problem]]:
    if document.ssh.key is None:
        return None, []
    key = _beside(path, document.ssh.key)
    first = next(iter(_lines(key) or ()), "")
    if "PRIVATE KEY" in first:
        return str(key), []
    sentence = "must be the file of a private SSH key that can be read"
    return None, [source.problem(("ssh", "key"), sentence, "such as ~/.ssh/id_ed25519")]


def _hosts_apart(source: Document, document: CloudDocument) -> list[Problem]:
    """Containers of several hosts must be able to reach each other."""
    if document.network.driver != "bridge" or _maximum(document.hosts) == 1:
        return []
    sentence = "must be 1 with the network driver bridge, which does not reach other hosts"
    key = "count" if document.hosts.count > 1 else "maximum"
    return [source.problem(("hosts", key), sentence, "set network.driver to vxlan")]


def _headroom_problems(source: Document, document: CloudDocument) -> list[Problem]:
    """Its numbers of hosts lie within those of the hosts."""
    found, most = [], _maximum(document.hosts)
    wanted = document.headroom
    if wanted.maximum is not None and wanted.maximum > most:
        sentence = f"must not be above hosts.maximum, which is {most}"
        found.append(source.problem(("headroom", "maximum"), sentence))
        return found
    if wanted.minimum is not None and wanted.minimum > (wanted.maximum or most):
        sentence = f"must not be above the maximum, which is {wanted.maximum or most}"
        found.append(source.problem(("headroom", "minimum"), sentence))
    return found


def _weave_problems(source: Document, network: NetworkDocument, path: Path) -> list[Problem]:
    problems = []
    password = source.raw(("network", "weave", "password"))
    if password is not None and not _REFERENCE.fullmatch(str(password)):
        sentence = "must be a reference to the environment: a password is not kept in a file"
        remedy = "write ${WEAVE_PASSWORD}, or leave it out and have one made"
        problems.append(source.problem(("network", "weave", "password"), sentence, remedy))
    archive = network.weave.archive
    if archive and not _beside(path, archive).is_file():
        sentence = "must be a file: an archive that docker save has written"
        problems.append(source.problem(("network", "weave", "archive"), sentence))
    if network.driver == "weave" and network.port > _LAST_WEAVE_PORT:
        sentence = f"must be at most {_LAST_WEAVE_PORT} with the driver weave, which needs three"
        problems.append(source.problem(("network", "port"), sentence))
    return problems


def _spec(document: CloudDocument, hosts: NodePool, keys: tuple[str, ...], path: Path) -> CloudSpec:
    return CloudSpec(
        name=document.name,
        hosts=hosts,
        engine=_engine(document.engine),
        network=_network(document.network, path),
        rules=tuple(document.rules),
        ssh_public_keys=keys,
        headroom=document.headroom.model(document.hosts.count, _maximum(document.hosts)),
        healing=document.healing.model(),
    )


def _engine(engine: EngineDocument) -> EngineOptions:
    return EngineOptions(
        version=engine.version,
        options=engine.options,
        access=engine.access,
        port=engine.port,
        sources=tuple(engine.sources),
    )


def _pool(
    hosts: HostsDocument, entries: Sequence[ProviderEntry], others: Sequence[ProviderEntry]
) -> NodePool:
    return NodePool(
        providers=tuple(entry.name for entry in entries),
        count=hosts.count,
        maximum=_maximum(hosts),
        shape=Resources(hosts.cores, hosts.ram, hosts.disk),
        concurrency=hosts.concurrency,
        timeout_s=hosts.timeout,
        at=hosts.at,
        shapers=tuple(hosts.shapers),
        ssh_users={e.name: e.ssh_user for e in (*entries, *others) if e.ssh_user != "root"},
    )


def _maximum(hosts: HostsDocument) -> int:
    return hosts.maximum if hosts.maximum is not None else max(1, hosts.count)


def _network(network: NetworkDocument, path: Path) -> NetworkSpec:
    archive = network.weave.archive
    return NetworkSpec(
        driver=network.driver,
        pool=network.pool,
        subnet=network.subnet or first_subnet(network.pool),
        port=network.port,
        encryption=network.encryption,
        name_servers=network.name_servers,
        upstream=tuple(network.upstream),
        reserved=tuple(network.reserved),
        quarantine_s=network.quarantine,
        weave=WeaveOptions(
            image=network.weave.image,
            archive=str(_beside(path, archive)) if archive else None,
            password=network.weave.password or "",
        ),
    )


def _beside(path: Path, name: str) -> Path:
    """Relative names are meant from the document's folder."""
    return path.parent.absolute() / Path(name).expanduser()


def _lines(path: Path) -> list[str] | None:
    try:
        with path.open("rb") as stream:
            return stream.read(65536).decode(errors="replace").splitlines()
    except (OSError, ValueError):
        return None
