from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clocker.bootstrap import (
    HostStamp,
    bootstrap,
    check,
    cloud_config,
    expected_stamp,
    membership_hash,
)
from clocker.errors import (
    CommandFailed,
    HostKeyChanged,
    NotFound,
    ProviderError,
    TimedOut,
    Unreachable,
)
from clocker.images import credentials_tar
from clocker.interfaces import Record
from clocker.model import (
    Attachment,
    ContainerSpec,
    Host,
    HostRequest,
    HostState,
    Node,
    Resources,
    Result,
)
from clocker.testing import (
    FakeClock,
    FakeConnections,
    FakeKeys,
    FakeMachines,
    FakeNames,
    FakeNetwork,
    FakeProvider,
    RecordingProgress,
    RecordingShell,
    fake_parts,
)

REQUEST = HostRequest("id-1", "cloud", "cloud-1", Resources(2, 1024, 0), "fake")


def host_of(node: Node) -> Host:
    return Host(
        id=node.tags["clocker-host"],
        name=node.name,
        provider="fake",
        state=HostState.READY,
        capacity=Resources(),
        gateway="10.0.0.1",
        node_id=node.id,
        access=node.access,
    )


def test_the_same_id_is_the_same_machine() -> None:
    provider = FakeProvider(FakeMachines())
    assert provider.obtain(REQUEST) == provider.obtain(REQUEST)
    assert provider.obtain(replace(REQUEST, id="id-2")).id != provider.obtain(REQUEST).id
    assert len(provider.list("cloud")) == 2
    assert provider.list("other") == []


def test_release_is_final_and_may_be_repeated() -> None:
    provider = FakeProvider(FakeMachines())
    node = provider.obtain(REQUEST)
    provider.release(node.id)
    provider.release(node.id)
    assert provider.list("cloud") == []


def test_a_machine_of_others_is_not_released() -> None:
    machines = FakeMachines()
    foreign = machines.make("theirs", {}, Resources())
    with pytest.raises(ProviderError):
        FakeProvider(machines).release(foreign.node.id)
    assert machines.all() == (foreign,)


def test_creation_that_fails_leaves_nothing_and_a_lost_answer_a_machine() -> None:
    provider = FakeProvider(FakeMachines())
    provider.fail_next("obtain", ProviderError("quota"))
    provider.fail_next("obtain", ProviderError("lost"), after=True)
    with pytest.raises(ProviderError, match="quota"):
        provider.obtain(REQUEST)
    assert provider.list("cloud") == []
    with pytest.raises(ProviderError, match="lost"):
        provider.obtain(REQUEST)
    assert [node.tags["clocker-host"] for node in provider.list("cloud")] == ["id-1"]


def test_an_address_that_never_comes() -> None:
    provider = FakeProvider(FakeMachines())
    provider.addresses_missing = 1
    with pytest.raises(TimedOut):
        provider.obtain(REQUEST)
    assert provider.list("cloud") == []
    assert provider.obtain(REQUEST).access


def test_a_dead_host_is_unreachable_in_every_way() -> None:
    machines = FakeMachines()
    connections = FakeConnections(machines)
    node = FakeProvider(machines).obtain(REQUEST)
    host = host_of(node)
    machines.start_engine(host)
    shell, engine = connections.shell(host), connections.engine(host)
    assert shell.run("true").ok
    machines.kill(host)
    for attempt in (
        lambda: shell.run("true"),
        engine.info,
        lambda: connections.shell(host),
        lambda: connections.installer(host),
        lambda: connections.engine(host),
        lambda: connections.await_ssh(host.access, timeout_s=1),  # type: ignore[arg-type]
        lambda: FakeNetwork().sync(shell, "members"),
    ):
        with pytest.raises(Unreachable):
            attempt()
    machines.revive(host)
    assert shell.run("true").ok


def test_a_stopped_engine_does_not_answer_but_the_host_does() -> None:
    machines = FakeMachines()
    connections = FakeConnections(machines)
    host = host_of(FakeProvider(machines).obtain(REQUEST))
    machines.start_engine(host)
    assert connections.engine(host).info().resources.cores == 2
    machines.stop_engine(host)
    with pytest.raises(Unreachable):
        connections.engine(host).info()
    assert connections.shell(host).run("true").ok


def test_host_keys_are_pinned_and_verified() -> None:
    machines = FakeMachines()
    connections = FakeConnections(machines)
    node = FakeProvider(machines).obtain(REQUEST)
    assert node.access
    pinned = connections.await_ssh(node.access, timeout_s=1)
    assert pinned.host_keys == (machines.machine(node.id).host_key,)
    connections.shell(replace(host_of(node), access=pinned))
    stranger = replace(node.access, host_keys=("ssh-ed25519 AAAA",))
    with pytest.raises(HostKeyChanged):
        connections.await_ssh(stranger, timeout_s=1)
    with pytest.raises(HostKeyChanged):
        connections.engine(replace(host_of(node), access=stranger))


def test_a_container_with_keys_answers_a_scan_from_any_host() -> None:
    machines = FakeMachines()
    provider, connections = FakeProvider(machines), FakeConnections(machines)
    one, two = (host_of(provider.obtain(replace(REQUEST, id=i, name=i))) for i in "ab")
    machines.start_engine(one)
    key = FakeKeys().derive("container", "x")
    engine = connections.engine(one)
    spec = ContainerSpec("c", "debian:12", "c", {}, attachment=Attachment("n", "10.0.0.9", "m"))
    engine.create(spec)
    engine.put_archive("c", "/", credentials_tar(key.private, [key.public]))
    scan = "ssh-keyscan -T 2 -t ed25519 10.0.0.9"
    assert not connections.shell(two).run(scan).ok
    engine.start("c")
    assert key.public.split()[1] in connections.shell(two).run(scan).text.split()


def test_keys_last_and_differ() -> None:
    keys = FakeKeys("seed")
    assert keys.derive("host", "1") == FakeKeys("seed").derive("host", "1")
    public = {
        keys.public,
        FakeKeys("other").public,
        keys.derive("host", "1").public,
        keys.derive("host", "2").public,
        keys.derive("container", "1").public,
    }
    assert len(public) == 5
    path = Path(keys.private_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE KEY" not in repr(keys.derive("host", "1"))


def test_a_recording_shell_answers_from_its_table() -> None:
    shell = RecordingShell({r"^uname": Result(0, b"Linux\n"), "tee": lambda c, i: Result(0, i)})
    lines: list[str] = []
    assert shell.run("uname -a", on_line=lines.append).text == "Linux\n"
    assert shell.run("tee x", stdin=b"data").stdout == b"data"
    assert shell.run("anything") == Result(0)
    assert lines == ["Linux"]
    assert shell.commands == ("uname -a", "tee x", "anything")
    shell.put(b"x", "/etc/a")
    assert shell.get("/etc/a") == b"x"
    with pytest.raises(NotFound):
        shell.get("/etc/b")


def test_names_are_kept_per_server() -> None:
    names, one, two = FakeNames(), RecordingShell(), RecordingShell()
    names.publish(one, [Record("a", "10.0.0.2"), Record("b", "10.0.0.3")])
    names.publish(two, [Record("a", "10.0.0.9")])
    assert names.resolve("a") == {"10.0.0.2", "10.0.0.9"}
    names.withdraw(one, ["a", "never"])
    assert names.resolve("a") == {"10.0.0.9"}
    names.replace(two, [])
    assert names.resolve("a") == set()
    assert names.resolve("b") == {"10.0.0.3"}


def test_parts_share_what_they_are_given() -> None:
    machines = FakeMachines()
    one = fake_parts(machines=machines)
    two = fake_parts(machines=machines, store=one.store)
    assert one.owner != two.owner
    one.providers["fake"].obtain(REQUEST)
    assert two.providers["fake"].list("cloud")
    with one.store.transaction() as tx:
        tx.set_setting("k", "v")
    with two.store.read() as tx:
        assert tx.setting("k") == "v"
    one.folder.rmdir()
    one.folder.parent.rmdir()
    assert fake_parts().folder.is_dir()
    assert one.new_id() != one.new_id()


def test_progress_and_clock() -> None:
    progress, clock = RecordingProgress(), FakeClock(10.0)
    progress.step("a", "b")
    progress.failed("a", "c")
    assert progress.texts("failed") == ("a: c",)
    clock.advance(2.5)
    assert clock() == 12.5


def test_a_bootstrap_changes_a_fake_host_once_and_says_its_steps() -> None:
    parts = fake_parts()
    node = parts.providers["fake"].obtain(REQUEST)
    host = host_of(node)
    first = bootstrap(parts, host)
    assert first.changed
    assert first.resources == Resources(2.0, 1024, 100_000)
    assert parts.connections.engine(host).info().version
    progress = parts.progress
    assert isinstance(progress, RecordingProgress)
    assert [told.text for told in progress.told] == [
        "engine",
        "registries",
        "network",
        "names",
        "networks",
        "facts",
    ]
    members = parts.network.membership([replace(host, address="198.18.0.2")])
    parts.network.sync(parts.connections.shell(host), members)
    assert not bootstrap(parts, host).changed
    found = check(parts.connections.shell(host), parts.spec.name)
    assert found == HostStamp(expected_stamp(parts, host), membership_hash(members))


def test_a_bootstrap_fails_at_the_step_of_choice() -> None:
    machines = FakeMachines()
    parts = fake_parts(machines=machines)
    host = host_of(parts.providers["fake"].obtain(REQUEST))
    machines.machine(host).system.failing_step = "network"
    with pytest.raises(CommandFailed, match="step network failed") as failed:
        bootstrap(parts, host)
    assert (failed.value.tail, failed.value.remedy) == ("some output", "mend it")
    assert check(parts.connections.shell(host), parts.spec.name) == HostStamp()
    machines.machine(host).system.failing_step = None
    assert bootstrap(parts, host).changed


def test_user_data_gives_a_machine_its_host_key() -> None:
    keys, machines = FakeKeys(), FakeMachines()
    pair = keys.derive("host", "id-1")
    data = cloud_config("cloud-1", pair, keys.public)
    node = FakeProvider(machines).obtain(replace(REQUEST, user_data=data))
    assert machines.machine(node.id).host_key == pair.public
