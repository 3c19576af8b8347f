"""What ``clocker.interfaces.Provider`` promises, held against every provider of many machines."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from ssh_greeters import greeting

from clocker.bootstrap import cloud_config
from clocker.errors import ProviderError, TimedOut
from clocker.interfaces import Provider
from clocker.model import (
    HostRequest,
    ImageWish,
    ProviderEntry,
    Remnant,
    RemnantKind,
    Resources,
    SizeWish,
)
from clocker.providers import open_provider
from clocker.providers.claims import ClaimsFile
from clocker.providers.compute import ComputeProvider
from clocker.providers.dialects import GENERIC
from clocker.providers.tagging import Afterwards, AsWords, InName, Tagging
from clocker.testing import FakeClock, FakeKeys, FakeMachines, FakeProvider, RecordingProgress
from clocker.testing.account import Account
from clocker.testing.faulty_driver import FaultyDriver
from clocker.testing.node_driver import FakeNodeDriver, Infrastructure


@dataclass(frozen=True)
class Case:
    """``foreign`` makes a machine that carries none of Clocker's tags, and gives its id."""

    provider: Provider
    cloud: str
    foreign: Callable[[], str]
    takes_user_data: bool = True
    tags: Mapping[str, str] = field(default_factory=lambda: {"team": "blue"})

    def request(self, host: str = "h1") -> HostRequest:
        return HostRequest(
            id=f"{self.cloud}-{host}",
            cloud=self.cloud,
            name=host,
            resources=Resources(),
            provider="tested",
            tags=self.tags,
            timeout_s=120,
        )


class Wordy(FakeNodeDriver):
    """Its machines carry words; or, where they are told none, only a name."""

    def create_node(self, *args: Any, ex_words: Sequence[str] = (), **kwargs: Any) -> Any:
        node = super().create_node(*args, **kwargs)
        node.extra["tags"] = list(ex_words)
        return node

    def ex_create_tags(self, node: Any, tags: Mapping[str, str]) -> None:
        self.infrastructure.nodes[node.id].extra["tags"] = dict(tags)


def in_memory(
    cloud: str, tagging: Tagging = GENERIC.tags, tags: Mapping[str, str] | None = None
) -> Iterator[Case]:
    world = Infrastructure(boots=2)
    entry = ProviderEntry("tested", "fake", image=ImageWish("debian"))
    driver = FakeNodeDriver if tagging is GENERIC.tags else Wordy
    dialect = replace(GENERIC, tags=tagging)
    provider = ComputeProvider(entry, lambda: driver(world), dialect, sleep=lambda _: None)

    def foreign() -> str:
        there = driver(world)
        made = there.create_node("theirs", there.list_sizes()[0], there.list_images()[0])
        return str(made.id)

    yield Case(provider, cloud, foreign, tags={"team": "blue"} if tags is None else tags)


def in_words(cloud: str) -> Iterator[Case]:
    yield from in_memory(cloud, AsWords(("ex_words",)))


def in_the_name(cloud: str) -> Iterator[Case]:
    yield from in_memory(cloud, InName(), {"clocker-gateway": "10.32.0.1"})


def afterwards(cloud: str) -> Iterator[Case]:
    yield from in_memory(
        cloud, Afterwards(lambda driver, node, tags: driver.ex_create_tags(node, tags))
    )


def account(cloud: str) -> Iterator[Case]:
    """The one whose calls may fail; here they do not."""
    clock = FakeClock()
    known = Account(FakeMachines(), Random(0), clock, one_in=0, lag_s=0.0)
    entry = ProviderEntry("tested", "faulty", image=ImageWish("debian"))
    provider = ComputeProvider(entry, lambda: FaultyDriver(known), clock=clock, sleep=clock.advance)
    yield Case(provider, cloud, lambda: known.make("theirs", {}, Resources(1.0, 512), None).id)


def fake(cloud: str) -> Iterator[Case]:
    machines = FakeMachines()
    yield Case(
        FakeProvider(machines),
        cloud,
        lambda: machines.make("theirs", {}, Resources(1.0, 512), "").node.id,
    )


def local(cloud: str) -> Iterator[Case]:
    from clocker.providers.local_driver import LocalNodeDriver

    options = {"network": f"prov-{cloud}", "internal": True}
    provider = open_provider(ProviderEntry("tested", "local", options=options), RecordingProgress())
    driver = LocalNodeDriver(network=f"prov-{cloud}", internal=True)

    def foreign() -> str:
        sizes = {size.id: size for size in driver.list_sizes()}
        node = driver.create_node(f"{cloud}-theirs", sizes["small"], driver.ex_default_image())
        return str(node.id)

    yield Case(provider, cloud, foreign)
    for node in driver.list_nodes():
        if str(node.name).startswith(cloud):
            driver.destroy_node(node)
    provider.clean(cloud)


def ec2(cloud: str) -> Iterator[Case]:
    from ec2_server import IMAGE, serving

    with serving() as server:
        entry = ProviderEntry(
            "tested",
            "ec2",
            arguments=server.arguments(),
            image=ImageWish(IMAGE),
            size=SizeWish(("t3.small",)),
        )
        provider = open_provider(entry, RecordingProgress())
        assert isinstance(provider, ComputeProvider)

        def foreign() -> str:
            made = server.client().run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
            return str(made["Instances"][0]["InstanceId"])

        yield Case(replace(provider, sleep=lambda _: None), cloud, foreign)


def static(cloud: str) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder, greeting(6) as machines:
        options = {"machines": machines, "claims": f"{folder}/claims.json"}
        provider = open_provider(
            ProviderEntry("tested", "static", options=options), RecordingProgress()
        )

        def foreign() -> str:
            with ClaimsFile(Path(folder, "claims.json")).changing() as claims:
                claims[machines[0]] = {"tags": {"owner": "somebody"}, "machine": {}}
            return machines[0]

        yield Case(provider, cloud, foreign, takes_user_data=False)


KINDS = (in_memory, in_words, in_the_name, afterwards, account, fake, ec2, static)


@pytest.fixture(params=[*KINDS, pytest.param(local, marks=pytest.mark.hosts)])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    yield from request.param(f"ct{uuid.uuid4().hex[:8]}")


def test_an_obtained_machine_has_an_address_and_its_tags(case: Case) -> None:
    node = case.provider.obtain(case.request())

    assert node.access is not None
    assert node.access.address
    assert node.tags["clocker-cloud"] == case.cloud
    assert node.tags["clocker-host"] == case.request().id
    assert case.tags.items() <= node.tags.items()
    assert [n.id for n in case.provider.list(case.cloud)] == [node.id]


def test_the_host_key_is_known_where_user_data_brings_it(case: Case) -> None:
    key = FakeKeys("of-the-cloud").derive("host", "h1")
    told = replace(
        case.request(),
        user_data=cloud_config("h1", key, "ssh-ed25519 AAAA controller"),
        host_key=key.public,
    )

    made, again = case.provider.obtain(told), case.provider.obtain(told)

    assert made.access is not None
    assert made.access.host_keys == ((key.public,) if case.takes_user_data else ())
    assert again.access == made.access


def test_no_host_key_is_known_without_user_data(case: Case) -> None:
    node = case.provider.obtain(replace(case.request(), host_key="ssh-ed25519 AAAA"))

    assert node.access is not None
    assert node.access.host_keys == ()


def test_asking_twice_gives_the_same_machine(case: Case) -> None:
    first = case.provider.obtain(case.request())
    second = case.provider.obtain(case.request())

    assert first.id == second.id
    assert first.access == second.access
    assert len(case.provider.list(case.cloud)) == 1


def test_machines_asked_for_at_once_are_apart(case: Case) -> None:
    requests = [case.request(f"h{number}") for number in range(3)]
    with ThreadPoolExecutor() as pool:
        nodes = list(pool.map(case.provider.obtain, requests))

    assert len({node.id for node in nodes}) == 3
    assert len({node.access.address for node in nodes if node.access}) == 3
    assert {n.id for n in case.provider.list(case.cloud)} == {n.id for n in nodes}


def test_release_removes_the_machine_and_may_be_repeated(case: Case) -> None:
    kept, gone = (case.provider.obtain(case.request(host)) for host in ("kept", "gone"))

    case.provider.release(gone.id)
    case.provider.release(gone.id)

    assert [n.id for n in case.provider.list(case.cloud)] == [kept.id]


def test_a_machine_that_was_never_there_is_released(case: Case) -> None:
    case.provider.release("no-such-machine")

    assert case.provider.list(case.cloud) == type(case.provider.list(case.cloud))()


def test_a_machine_without_our_tags_is_left_alone(case: Case) -> None:
    theirs = case.foreign()

    with pytest.raises(ProviderError):
        case.provider.release(theirs)
    with pytest.raises(ProviderError):
        case.provider.release(theirs)  # that is: it is still there


def test_other_clouds_machines_are_not_listed(case: Case) -> None:
    case.provider.obtain(replace(case.request(), id=f"{case.cloud}-x", cloud=f"{case.cloud}x"))

    assert len(case.provider.list(case.cloud)) == 0
    assert len(case.provider.list(f"{case.cloud}x")) == 1


def test_a_machine_is_a_remnant_and_may_be_removed_twice(case: Case) -> None:
    node = case.provider.obtain(case.request())

    (found,) = [r for r in case.provider.remnants(case.cloud) if r.kind is RemnantKind.MACHINE]

    assert (found.id, found.tags["clocker-host"]) == (node.id, case.request().id)
    assert found.created_at is None or abs(found.created_at - time.time()) < 3600
    case.provider.remove(found)
    case.provider.remove(found)
    assert len(case.provider.list(case.cloud)) == 0


def test_what_does_not_carry_our_tags_is_no_remnant_and_is_not_removed(case: Case) -> None:
    theirs = case.foreign()

    assert theirs not in [remnant.id for remnant in case.provider.remnants(case.cloud)]
    with pytest.raises(ProviderError):
        case.provider.remove(Remnant(RemnantKind.MACHINE, theirs, "theirs"))
    with pytest.raises(ProviderError):
        case.provider.remove(Remnant(RemnantKind.MACHINE, theirs, "theirs"))  # still there


def test_clean_may_be_repeated(case: Case) -> None:
    case.provider.release(case.provider.obtain(case.request()).id)

    case.provider.clean(case.cloud)
    case.provider.clean(case.cloud)

    assert len(case.provider.list(case.cloud)) == 0


def test_a_time_out_leaves_nothing() -> None:
    world = Infrastructure(boots=None)
    case = next(in_memory("timeout"))
    clock = iter(range(1000))
    provider = replace(
        case.provider,
        connect=lambda: FakeNodeDriver(world),
        clock=lambda: float(next(clock)),
    )

    with pytest.raises(TimedOut, match="no public address"):
        provider.obtain(case.request())

    assert world.created == 1
    assert not world.nodes
