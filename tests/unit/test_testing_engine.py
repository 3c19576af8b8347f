from __future__ import annotations

import io
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from clocker.errors import EngineError, ImageNotFound, NotFound, TimedOut
from clocker.model import (
    Attachment,
    ContainerSpec,
    HealthCheck,
    ImageInfo,
    Port,
    Restart,
    Result,
    Volume,
)
from clocker.testing import Execution, FakeEngine

SPEC = ContainerSpec("one", "app", "one", {"clocker.cloud": "c"})


def engine() -> FakeEngine:
    made = FakeEngine()
    made.add_image("app")
    return made


def tar(name: str, data: bytes, mode: int = 0o600) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), mode
        archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def test_a_container_lives_and_dies() -> None:
    host = engine()
    made = host.create(SPEC)
    assert host.inspect("one").state == "created"
    host.start(made)
    running = host.inspect(made)
    assert running.state == "running"
    assert running.pid > 0
    host.stop(made)
    assert (host.inspect(made).state, host.inspect(made).pid) == ("exited", 0)
    host.restart(made)
    assert host.inspect(made).state == "running"
    host.remove(made)
    host.remove(made)
    with pytest.raises(NotFound):
        host.inspect(made)


def test_names_addresses_and_ports_are_held_once() -> None:
    host = engine()
    host.create(replace(SPEC, attachment=Attachment("n", "10.0.0.2", "m"), ports=(Port(80, 8080),)))
    with pytest.raises(EngineError, match="name"):
        host.create(SPEC)
    with pytest.raises(EngineError, match=r"10\.0\.0\.2"):
        host.create(replace(SPEC, name="two", attachment=Attachment("n", "10.0.0.2", "m")))
    with pytest.raises(EngineError, match="8080"):
        host.create(replace(SPEC, name="two", ports=(Port(81, 8080),)))
    host.create(replace(SPEC, name="two", ports=(Port(81, 8080, "udp"),)))


def test_one_of_many_threads_gets_a_name() -> None:
    host = engine()

    def attempt(_: int) -> bool:
        try:
            host.create(SPEC)
        except EngineError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(32))) == 1


def test_an_unknown_image() -> None:
    with pytest.raises(ImageNotFound):
        engine().create(replace(SPEC, image="nope"))
    with pytest.raises(ImageNotFound):
        engine().pull("nope")


def test_labels_select() -> None:
    host = engine()
    host.create(SPEC)
    host.create(replace(SPEC, name="two", labels={"clocker.cloud": "other"}))
    assert [status.name for status in host.list({"clocker.cloud": "c"})] == ["one"]
    assert len(host.list({})) == 2


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["true"], Result(0)),
        (["false"], Result(1)),
        (["echo", "a", "b"], Result(0, b"a b\n")),
        (["sh", "-c", "echo $A; echo bad >&2; exit 3"], Result(3, b"x\n", b"bad\n")),
        (["sh", "-c", "echo hi > /tmp/f && cat /tmp/f"], Result(0, b"hi\n")),
        (["sh", "-c", "false || echo saved"], Result(0, b"saved\n")),
        (["cat"], Result(0, b"in")),
        (["hostname"], Result(0, b"one\n")),
        (["pwd"], Result(0, b"/srv\n")),
        (["cat", "/nope"], Result(1, b"", b"cat: no such file: /nope\n")),
        (["no-such-thing"], Result(127, b"", b"no-such-thing: not found\n")),
    ],
)
def test_commands(command: list[str], expected: Result) -> None:
    host = engine()
    made = host.create(SPEC)
    host.start(made)
    assert host.exec(made, command, stdin=b"in", env={"A": "x"}, workdir="/srv") == expected


def test_a_handler_answers_first() -> None:
    def handler(execution: Execution) -> Result | None:
        return Result(0, b"scripted") if execution.argv == ("special",) else None

    host = FakeEngine(handler=handler)
    host.add_image("app")
    host.start(host.create(SPEC))
    assert host.exec("one", ["special"]).stdout == b"scripted"
    assert host.exec("one", ["true"]).ok


def test_a_command_that_takes_too_long() -> None:
    host = engine()
    host.start(host.create(SPEC))
    with pytest.raises(TimedOut):
        host.exec("one", ["sleep", "60"], timeout_s=0.01)
    assert host.exec("one", ["sleep", "0.01"], timeout_s=5).ok


def test_nothing_runs_in_a_stopped_container() -> None:
    host = engine()
    host.create(SPEC)
    with pytest.raises(EngineError, match="not running"):
        host.exec("one", ["true"])


def test_archives_before_the_start_and_after_a_restart() -> None:
    host = engine()
    made = host.create(SPEC)
    host.put_archive(made, "/", tar("etc/ssh/clocker/host_key", b"secret"))
    host.start(made)
    host.restart(made)
    assert host.exec(made, ["cat", "/etc/ssh/clocker/host_key"]).stdout == b"secret"
    with tarfile.open(fileobj=io.BytesIO(host.get_archive(made, "/etc/ssh/clocker"))) as archive:
        assert {m.name: m.mode for m in archive if m.isfile()} == {"clocker/host_key": 0o600}
    with pytest.raises(NotFound):
        host.put_archive(made, "/no/such/place", tar("x", b""))
    with pytest.raises(NotFound):
        host.get_archive(made, "/no/such/file")


def test_a_program_that_ends_leaves_its_output() -> None:
    host = engine()
    host.start(host.create(replace(SPEC, command=("sh", "-c", "echo a; echo b; exit 4"))))
    assert (host.inspect("one").state, host.inspect("one").exit_code) == ("exited", 4)
    assert b"".join(host.logs("one")) == b"a\nb\n"
    assert b"".join(host.logs("one", tail=1)) == b"b\n"
    assert b"".join(host.logs("one", follow=True)) == b"a\nb\n"


@pytest.mark.parametrize(
    ("condition", "exit_code", "state"),
    [
        ("no", 1, "exited"),
        ("on-failure", 0, "exited"),
        ("on-failure", 1, "running"),
        ("always", 0, "running"),
    ],
)
def test_restart_policies(condition: str, exit_code: int, state: str) -> None:
    host = engine()
    host.start(host.create(replace(SPEC, restart=Restart(condition))))
    host.end("one", exit_code)
    assert host.inspect("one").state == state


def test_after_a_power_cut_only_what_is_to_run_runs() -> None:
    host = engine()
    for name, condition in (("no", "no"), ("always", "always"), ("stopped", "always")):
        host.start(host.create(replace(SPEC, name=name, restart=Restart(condition))))
    host.stop("stopped")
    host.power_off()
    host.power_on()
    states = {status.name: status.state for status in host.list({})}
    assert states == {"no": "exited", "always": "running", "stopped": "exited"}


def test_volumes_are_removed_by_label() -> None:
    host = engine()
    host.ensure_volume("v", {"cloud": "a"})
    host.ensure_volume("v", {"cloud": "a"})
    host.ensure_volume("w", {"cloud": "b"})
    host.remove_volumes({"cloud": "a"})
    assert list(host.volumes) == ["w"]


def test_images_move_by_archive() -> None:
    one, two = FakeEngine(), FakeEngine()
    made = one.add_image("app:1", ImageInfo("sha256:" + "a" * 64, user="u", labels={"k": "v"}))
    two.load(one.save("app:1"))
    assert two.image("app:1") == made
    assert two.image(made.id) == made
    two.remove_image("app:1")
    assert two.image(made.id) is None
    with pytest.raises(EngineError):
        two.load([b"garbage"])


def test_a_tag_moves_to_its_newest_image() -> None:
    host = FakeEngine()
    first = host.add_image("app", ImageInfo("sha256:" + "1" * 64))
    second = host.add_image("app", ImageInfo("sha256:" + "2" * 64))
    found, old = host.image("app"), host.image(first.id)
    assert found == second
    assert old is not None
    assert old.tags == ()


def test_failures_come_before_or_after_the_work() -> None:
    host = engine()
    host.fail_next("create", EngineError("before"))
    host.fail_next("create", EngineError("after"), after=True)
    with pytest.raises(EngineError, match="before"):
        host.create(SPEC)
    assert host.list({}) == []
    with pytest.raises(EngineError, match="after"):
        host.create(SPEC)
    assert len(host.list({})) == 1
    assert host.count("create") == 2


def test_health_is_what_its_command_says() -> None:
    host = engine()
    check = HealthCheck(("test", "-e", "/tmp/ready"))
    host.start(host.create(replace(SPEC, health=check)))
    assert host.inspect("one").health == "unhealthy"
    host.exec("one", ["touch", "/tmp/ready"])
    assert host.inspect("one").health == "healthy"


def test_what_is_in_use_is_not_removed() -> None:
    host = engine()
    host.ensure_volume("v", {"cloud": "a"})
    host.create(replace(SPEC, volumes=(Volume("v", "/v"),)))
    with pytest.raises(EngineError, match="in use"):
        host.remove_volumes({"cloud": "a"})
    with pytest.raises(EngineError, match="in use"):
        host.remove_image("app")
    host.remove("one")
    host.remove_volumes({"cloud": "a"})
    host.remove_image("app")
    assert (host.volumes, host.image("app")) == ({}, None)


def test_an_image_keeps_its_other_names() -> None:
    host = FakeEngine()
    made = host.add_image("app:1")
    host.add_image("app:2", made)
    host.remove_image("app:1")
    found = host.image("app:2")
    assert found
    assert found.tags == ("app:2",)


def test_logs_are_followed_to_the_end() -> None:
    host = engine()
    host.start(host.create(replace(SPEC, command=("sh", "-c", "echo one; sleep 600"))))
    following = host.logs("one", follow=True)
    assert next(following) == b"one\n"
    host.end("one", 0)
    assert b"".join(following) == b""
