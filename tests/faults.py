"""A cloud on an unreliable account: `up`, containers and `down`, each killed at some moment and
done again until it succeeds, while one call in five of the infrastructure fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from crash import Fuse, fused

from clocker.cloud import Cloud
from clocker.errors import ClockerError
from clocker.interfaces import Parts, Store
from clocker.model import (
    ContainerRequest,
    FirewallWish,
    HostState,
    ImageWish,
    ProviderEntry,
    RuleSpec,
)
from clocker.providers.compute import ComputeProvider
from clocker.providers.dialects import GENERIC, Dialect
from clocker.providers.groups import Ec2Groups
from clocker.providers.key_pairs import Kept
from clocker.providers.tagging import Afterwards
from clocker.testing import FakeClock, FakeMachines, FakeNames, FakeNetwork, fake_parts, fake_spec
from clocker.testing.account import Account
from clocker.testing.faulty_driver import FaultyDriver

TRIES = 200
GRACE_S = 3600.0
WAYS = ("tags at creation", "tags afterwards", "with a token")
ENTRY = ProviderEntry(
    "fake",
    "faulty",
    image=ImageWish("debian"),
    firewall=FirewallWish(sources=("192.0.2.0/24",)),
)
Verb = Callable[[Cloud], object]


class Death(BaseException):
    """Not an Exception: nothing may catch it."""


def dialect_of(way: str, account: Account) -> Dialect:
    quick = replace(
        GENERIC,
        key=Kept(),
        groups=Ec2Groups(),
        group_arguments=frozenset({"ex_security_groups"}),
        lag_s=2 * account.lag_s,
        poll_s=1.0,
    )
    return {
        "tags at creation": quick,
        "tags afterwards": replace(quick, tags=Afterwards(_write_tags)),
        "with a token": replace(quick, token="ex_clienttoken"),
    }[way]


def _write_tags(driver: Any, machine: Any, tags: Mapping[str, str]) -> None:
    driver.ex_create_tags(machine, tags)


@dataclass
class World:
    """What outlives a process; all of it follows from ``seed``."""

    seed: int
    folder: Path
    way: str
    one_in: int = 5
    random: Random = field(init=False)
    clock: FakeClock = field(default_factory=FakeClock)
    network: FakeNetwork = field(default_factory=FakeNetwork)
    names: FakeNames = field(default_factory=FakeNames)
    dead: set[str] = field(default_factory=set)
    store: Store | None = None
    tries: int = 0
    kills: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.account = Account(FakeMachines(), Random(self.seed + 1), self.clock, self.one_in)
        self.spec = replace(
            fake_spec(
                count=self.random.choice((1, 2, 3)), maximum=4, concurrency=1, timeout_s=40.0
            ),
            rules=(RuleSpec("max_containers", {"limit": 1}),),
        )

    def process(self, fuse: Fuse | None = None) -> Parts:
        self.folder.mkdir(parents=True, exist_ok=True)
        passed = fuse.burn if fuse else lambda _: None
        provider = ComputeProvider(
            ENTRY,
            partial(FaultyDriver, self.account, passed),
            dialect_of(self.way, self.account),
            clock=self.clock,
            sleep=self.clock.advance,
            random=self.account.random.random,
        )
        shared = {} if self.store is None else {"store": self.store}
        parts = fake_parts(
            self.spec,
            machines=self.account.machines,
            providers={"fake": provider},
            network=self.network,
            names=self.names,
            clock=self.clock,
            folder=self.folder,
            owner_is_dead=self.dead.__contains__,
            new_id=lambda: f"{self.random.getrandbits(64):016x}",
            **shared,
        )
        self.store = parts.store
        return parts

    def kill(self, verb: Verb) -> None:
        """At some moment, perhaps after its end."""
        fuse = Fuse(self.random.randint(1, 30), self._die)
        parts = self.process(fuse)
        try:
            verb(Cloud(fused(parts, fuse)))
        except ClockerError:
            pass
        except Death:
            self.kills += 1
        finally:
            self.dead.add(parts.owner)

    def converge(self, verb: Verb) -> None:
        """The same command again, until it succeeds."""
        for _ in range(TRIES):
            self.tries += 1
            parts = self.process()
            try:
                verb(Cloud(parts))
            except ClockerError as error:
                last = error
                self.clock.advance(1)
            else:
                return
            finally:
                self.dead.add(parts.owner)
        raise AssertionError(f"seed {self.seed}: {TRIES} times in vain") from last

    def collect(self) -> None:
        """What is left over is older than the grace."""
        self.clock.advance(self.account.lag_s)
        self.converge(_see)
        self.clock.advance(GRACE_S)
        self.converge(_collect)

    def assert_nothing_lost(self) -> None:
        living = {instance.id for instance in self.account.living()}
        for view in Cloud(self.process()).hosts():
            assert view.host.state is HostState.READY, self.told()
            assert view.host.node_id in living, self.told()
            assert self.account.machines.machine(view.host).alive, self.told()

    def assert_nothing_leaked(self) -> None:
        hosts = {view.host.node_id for view in Cloud(self.process()).hosts()}
        assert {instance.id for instance in self.account.living()} == hosts, self.told()

    def assert_nothing_left(self) -> None:
        assert self.account.living() == [], self.told()
        assert self.account.key_pairs == {}, self.told()
        assert self.account.groups == {}, self.told()
        assert self.account.machines.all() == ()

    def told(self) -> str:
        living = [(i.id, i.name, i.tags.get("clocker-host")) for i in self.account.living()]
        return f"seed {self.seed}, {self.way}: living {living}, faults {dict(self.account.faults)}"

    @staticmethod
    def _die() -> None:
        raise Death


def live(world: World) -> None:
    """One life of a cloud."""
    world.kill(_up)
    world.converge(_up)
    world.assert_nothing_lost()
    for name in ("web", "db"):
        world.kill(partial(_run, name))
        world.converge(partial(_run, name))
        world.converge(_up)
        world.assert_nothing_lost()
    world.kill(partial(_rm, "web"))
    world.converge(partial(_rm, "web"))
    world.converge(_up)
    world.assert_nothing_lost()
    if world.random.random() < 0.5:
        world.collect()
        world.assert_nothing_lost()
        world.assert_nothing_leaked()
    world.kill(_down)
    world.converge(_down)
    world.assert_nothing_left()


def _up(cloud: Cloud) -> None:
    cloud.up()


def _run(name: str, cloud: Cloud) -> None:
    cloud.obtain(ContainerRequest("debian:12", name=name))


def _rm(name: str, cloud: Cloud) -> None:
    if any(container.name == name for container in cloud.list()):
        cloud.release(name)


def _down(cloud: Cloud) -> None:
    cloud.down()


def _see(cloud: Cloud) -> None:
    for failure in cloud.remnants(GRACE_S).failures:
        raise failure


def _collect(cloud: Cloud) -> None:
    found = cloud.remnants(GRACE_S)
    report = cloud.gc(found.findings)
    for failure in (*found.failures, *(error for _, error in report.failures)):
        raise failure
