"""The composition root: a cloud's document becomes a Cloud, wired to the real adapters."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

from clocker.cloud import Cloud
from clocker.config import LoadedCloud, find_cloud_file, load_cloud, runtime_folder, state_folder
from clocker.deferred import deferred
from clocker.interfaces import (
    Connections,
    Contexts,
    Engine,
    Keys,
    Names,
    Network,
    Parts,
    Progress,
    Provider,
    Store,
)
from clocker.model import CloudSpec, ProviderEntry, RegistryAuth, TlsAccess
from clocker.remote.process import is_dead, this_process
from clocker.store import open_store

T = TypeVar("T")


def open_cloud(
    file: str | None = None,
    *,
    progress: Progress | None = None,
    environ: Mapping[str, str] | None = None,
    also: Sequence[str] = (),
) -> Cloud:
    """The cloud that ``file`` describes (by default ``clocker.yaml`` here or above). Nothing is
    contacted yet. ConfigError names file, line, path and remedy. ``also``: more providers of the
    catalogue, which can be examined."""
    environ = os.environ if environ is None else environ
    loaded = load_cloud(find_cloud_file(file, environ, Path.cwd()), environ, also)
    return Cloud(_parts(loaded, progress or Silent(), environ))


class Silent:
    """A Progress for programs: nobody watches."""

    def step(self, subject: str, text: str) -> None: ...

    def done(self, subject: str, text: str) -> None: ...

    def failed(self, subject: str, text: str) -> None: ...


def _parts(loaded: LoadedCloud, progress: Progress, environ: Mapping[str, str]) -> Parts:
    spec = loaded.spec
    folder = state_folder(spec.name, environ)
    keys: Keys = deferred(lambda: _keys(folder, loaded.ssh_key))
    store = open_store(loaded.store_url or f"sqlite:///{folder}/state.db", spec.name)
    return Parts(
        spec=spec,
        store=store,
        providers={
            entry.name: deferred(partial(_provider, entry, progress)) for entry in loaded.providers
        },
        connections=deferred(
            lambda: _connections(spec, store, keys, folder, runtime_folder(environ))
        ),
        keys=keys,
        network=deferred(lambda: _network(loaded, keys)),
        names=deferred(lambda: _names(loaded)),
        contexts=deferred(lambda: _contexts(environ)),
        progress=progress,
        clock=time.time,
        sleep=time.sleep,
        owner=this_process(),
        owner_is_dead=is_dead,
        new_id=lambda: token_hex(8),
        folder=folder,
        login=partial(_login, loaded),
    )


def _keys(folder: Path, ssh_key: str | None) -> Keys:
    from clocker.remote.keys import CloudKeys

    return CloudKeys(folder, ssh_key)


def _contexts(environ: Mapping[str, str]) -> Contexts:
    from clocker.contexts import FileContexts

    return FileContexts(environ=environ)


def _provider(entry: ProviderEntry, progress: Progress) -> Provider:
    from clocker.config import fetched
    from clocker.providers import open_provider

    return open_provider(fetched(entry), progress)


def _login(loaded: LoadedCloud, name: str) -> RegistryAuth | None:
    from clocker.config import logged_in

    login = loaded.logins.get(name)
    return logged_in(login) if login else None


def _connections(
    spec: CloudSpec, store: Store, keys: Keys, folder: Path, runtime: Path
) -> Connections:
    from clocker.bootstrap.trust import trust_of
    from clocker.remote.connections import SshConnections
    from clocker.remote.credentials import Credentials

    credentials = Credentials(folder / "tls", spec.name, keys, lambda: trust_of(store), time.time)
    return SshConnections(keys, folder, runtime, _open_engine, credentials=credentials)


def _open_engine(place: str | TlsAccess, name: str) -> Engine:
    from clocker.engine import open_engine

    return open_engine(place, name=name)


def _network(loaded: LoadedCloud, keys: Keys) -> Network:
    from clocker.network import open_network

    return open_network(_with_password(loaded.spec, keys))


def _with_password(spec: CloudSpec, keys: Keys) -> CloudSpec:
    """One that nobody has given follows from the cloud's key, and is kept nowhere."""
    network = spec.network
    if network.encryption != "password" or network.weave.password:
        return spec
    password = sha256(keys.derive("network", spec.name).private.encode()).hexdigest()
    weave = replace(network.weave, password=password)
    return replace(spec, network=replace(network, weave=weave))


def _names(loaded: LoadedCloud) -> Names:
    from clocker.network import open_names

    return open_names(loaded.spec)
