"""A real host whose engine listens with TLS, and the controllers that come to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from inner_hosts import InnerHost, inner_hosts

from clocker.bootstrap.engine_access import certify, engine_files
from clocker.bootstrap.host import run_script
from clocker.bootstrap.plan import plan
from clocker.certificates import new_authority, secret_of
from clocker.engine import DockerEngine, open_engine
from clocker.model import Authority, EngineOptions, Host, TlsAccess, Trust
from clocker.remote.credentials import Credentials
from clocker.testing import FakeKeys, RecordingProgress

CLOUD = "test"


@dataclass
class TlsHost:
    """``trust``: what ``bootstrap`` makes the host believe."""

    inner: InnerHost
    folder: Path
    keys: FakeKeys = field(default_factory=lambda: FakeKeys("the cloud"))
    trust: Trust = field(init=False)

    def __post_init__(self) -> None:
        self.trust = Trust((self.authority(1),))

    @property
    def host(self) -> Host:
        return replace(self.inner.host, engine_port=2376)

    @property
    def address(self) -> str:
        return self.inner.host.address or ""

    @property
    def socket(self) -> str:
        """The same engine's, as seen from here."""
        client = open_engine("/var/run/docker.sock")
        pid = client.inspect(self.inner.node).pid
        client.close()
        return f"/proc/{pid}/root/run/docker.sock"

    def authority(self, generation: int, now: float | None = None) -> Authority:
        secret = secret_of(self.keys, CLOUD, generation)
        return new_authority(secret, CLOUD, generation, now or time.time())

    def bootstrap(self, now: float | None = None, **options: object) -> str:
        """The engine's part of it alone; returns the stamp."""
        tls = EngineOptions(**{"access": "tls", **options})  # type: ignore[arg-type]
        spec = replace(self.inner.spec, engine=tls)
        trust = self.trust if spec.engine.access == "tls" else None
        if trust:
            now = now or time.time()
            certify(self.inner.shell, self.host, cloud=CLOUD, keys=self.keys, trust=trust, now=now)
        wanted = plan(spec, self.host, (), trust)
        run_script(self.inner.shell, wanted, self.host.name, RecordingProgress(), 300)
        return wanted.stamp

    def credentials(self, trust: Callable[[], Trust]) -> Credentials:
        """Of a controller for which what is on record may change."""
        folder = self.folder / str(len(list(self.folder.iterdir())))
        return Credentials(folder, CLOUD, self.keys, trust, time.time)

    def access(
        self, trust: Trust | None = None, keys: FakeKeys | None = None, now: float | None = None
    ) -> TlsAccess:
        """Of a controller that believes ``trust``; each has a folder of its own."""
        number = len(list(self.folder.iterdir()))
        folder = self.folder / str(number)
        believed = trust or self.trust
        credentials = Credentials(
            folder, CLOUD, keys or self.keys, lambda: believed, lambda: now or time.time()
        )
        return credentials.access(self.address, 2376, "there")

    def engine(self, trust: Trust | None = None) -> DockerEngine:
        return open_engine(self.access(trust), name="there")

    @property
    def files(self) -> str:
        return engine_files(CLOUD).folder


@contextmanager
def tls_host(folder: Path) -> Iterator[TlsHost]:
    """Its engine is there, and listens."""
    with inner_hosts(1, CLOUD) as (inner,):
        host = TlsHost(inner, folder)
        host.bootstrap()
        yield host
