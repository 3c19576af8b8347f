from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from ssh_greeters import greeting

from clocker.errors import ConfigError, NoCapacity, ProviderError, Unreachable
from clocker.model import HostRequest, ProviderEntry, Resources, SshAccess, Verdict
from clocker.providers import open_provider
from clocker.providers.claims import ClaimsFile
from clocker.providers.inventory import StaticMachine, machines_of
from clocker.providers.static import StaticProvider, ssh_banner
from clocker.testing import RecordingProgress

KEY = "ssh-ed25519 AAAA"


def entry(**options: object) -> ProviderEntry:
    return ProviderEntry("rack", "static", options=options, ssh_user="ops", interface="private")


def provider(folder: Path, *machines: object, **changes: object) -> StaticProvider:
    made = replace(entry(machines=list(machines)), **changes)  # type: ignore[arg-type]
    return StaticProvider(
        made, ClaimsFile(folder / "claims.json"), banner=lambda address, port: "SSH-2.0-x"
    )


def request(host: str = "h1", cloud: str = "demo", **changes: object) -> HostRequest:
    made = HostRequest(f"{cloud}-{host}", cloud, host, Resources(), "rack")
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "machine"),
    [
        ("10.0.0.5", StaticMachine("10.0.0.5", "ops", name="10.0.0.5")),
        ("admin@10.0.0.6:2222", StaticMachine("10.0.0.6", "admin", 2222, name="10.0.0.6")),
        ("node1.example.org", StaticMachine("node1.example.org", "ops", name="node1.example.org")),
        (
            {
                "address": "10.0.0.7",
                "name": "seven",
                "host_key": KEY,
                "private_address": "192.168.0.7",
                "region": "cellar",
                "zone": "rack-2",
                "cores": 4,
                "ram": "8GiB",
                "disk": 20480,
            },
            StaticMachine(
                *("10.0.0.7", "ops", 22, "seven", KEY, "192.168.0.7", "cellar", "rack-2"),
                *(4.0, 8192, 20480),
            ),
        ),
    ],
)
def test_how_a_machine_may_be_written(written: object, machine: StaticMachine) -> None:
    assert machines_of(entry(machines=[written])) == (machine,)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "no machines are named"),
        ({"machines": "10.0.0.5"}, "must be a list"),
        ({"machines": [7]}, "7 is no machine"),
        ({"machines": ["a b"]}, "'a b' is no machine"),
        ({"machines": [{"user": "x"}]}, "has an address"),
        ({"machines": [{"address": "a", "adress": "b"}]}, "'adress' is not known"),
        ({"machines": [{"address": "a", "port": "ssh"}]}, "invalid literal"),
        ({"machines": [{"address": "a", "ram": "much"}]}, "'much' is no size"),
        ({"machines": ["web[01:10]"]}, "is a pattern"),
        ({"inventory": "/nowhere/hosts"}, "cannot be read"),
    ],
)
def test_what_is_no_machine_is_said(options: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        machines_of(entry(**options))

    assert text in caught.value.what
    assert caught.value.where


def test_an_inventory_as_ansible_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(
        "# ours\n"
        "bare.example.org\n"
        "\n"
        "[web]\n"
        "one ansible_host=10.0.0.1 ansible_port=2201 ansible_user='admin'  ; the first\n"
        "two ansible_host=10.0.0.2 ansible_ssh_private_key_file=~/.ssh/x zone=rack-2\n"
        "one ansible_host=10.0.0.1 ansible_port=2201\n"
        "[web:vars]\n"
        "http_port=80\n"
        "[all:children]\n"
        "web\n"
    )

    found = machines_of(entry(inventory=str(path)))

    assert found == (
        StaticMachine("bare.example.org", "ops", name="bare.example.org"),
        StaticMachine("10.0.0.1", "admin", 2201, name="one"),
        StaticMachine("10.0.0.2", "ops", name="two", zone="rack-2"),
    )


def test_an_inventory_in_yaml(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text("- 10.0.0.1\n- {address: 10.0.0.2, user: admin}\n")

    found = machines_of(entry(inventory=str(path), machines=["10.0.0.3"]))

    assert [machine.address for machine in found] == ["10.0.0.3", "10.0.0.1", "10.0.0.2"]


def test_a_wrong_line_of_an_inventory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("10.0.0.1\n10.0.0.2 nonsense=1\n")

    with pytest.raises(ConfigError, match="'nonsense' is not known") as caught:
        machines_of(entry(inventory=str(path)))

    assert caught.value.where == f"{path}:2"


def test_the_node_says_how_the_machine_is_reached(tmp_path: Path) -> None:
    machine = {
        "address": "203.0.113.5",
        "port": 2222,
        "user": "admin",
        "private_address": "10.0.0.5",
        "host_key": KEY,
        "zone": "rack-2",
    }
    by_private = provider(tmp_path, machine).obtain(request())
    by_public = provider(tmp_path, machine, interface="public").obtain(request())

    assert by_private.access == SshAccess("10.0.0.5", "admin", 2222, (KEY,), kept=True)
    assert by_public.access == SshAccess("203.0.113.5", "admin", 2222, (KEY,), kept=True)
    assert (by_public.private_address, by_public.zone) == ("10.0.0.5", "rack-2")


def test_clouds_do_not_get_each_others_machines(tmp_path: Path) -> None:
    one = provider(tmp_path, "10.0.0.1", "10.0.0.2")
    other = provider(tmp_path, "10.0.0.2", "10.0.0.1", name="other")

    ours, theirs = one.obtain(request()), other.obtain(request(cloud="else"))

    assert {ours.id, theirs.id} == {"10.0.0.1:22", "10.0.0.2:22"}
    with pytest.raises(NoCapacity, match="none of its 2 machines is free"):
        one.obtain(request("h2"))


def test_a_claim_outlives_the_list_that_it_came_from(tmp_path: Path) -> None:
    made = provider(tmp_path, "10.0.0.1").obtain(request())

    later = provider(tmp_path, "10.0.0.9")

    assert [node.id for node in later.list("demo")] == [made.id]
    assert later.obtain(request()).id == made.id
    later.release(made.id)
    assert later.list("demo") == ()


def _obtain(folder: str, number: int) -> str:
    machines = [f"10.0.0.{each}" for each in range(8)]
    return provider(Path(folder), *machines).obtain(request(f"h{number}")).id


def test_processes_at_once_get_a_machine_each(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        found = list(pool.map(_obtain, [str(tmp_path)] * 8, range(8)))

    assert len(set(found)) == 8


def test_nothing_is_left_when_all_is_given_back(tmp_path: Path) -> None:
    rack = provider(tmp_path, "10.0.0.1")

    rack.release(rack.obtain(request()).id)

    assert not (tmp_path / "claims.json").exists()


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        ({}, "a:22"),
        ({"zone": "west"}, "b:22"),
        ({"resources": Resources(cores=8)}, "b:22"),
        ({"resources": Resources(ram_mb=9000)}, "c:22"),
    ],
)
def test_which_machine_is_taken(tmp_path: Path, changes: dict[str, object], chosen: str) -> None:
    rack = provider(
        tmp_path,
        {"address": "a", "cores": 4, "ram": "4GiB"},
        {"address": "b", "cores": 16, "ram": "8GiB", "zone": "west"},
        {"address": "c", "cores": 4},
    )

    assert rack.plan(request(**changes)).size == chosen.removesuffix(":22")
    assert rack.obtain(request(**changes)).id == chosen


def test_a_plan_costs_nothing_and_claims_nothing(tmp_path: Path) -> None:
    rack = provider(tmp_path, {"address": "a", "cores": 4, "ram": "4GiB"}, "b")

    offer = rack.plan(request())

    assert (offer.price_hour, offer.resources) == (0.0, Resources(4.0, 4096))
    assert offer.alternatives == ("b",)
    assert rack.list("demo") == ()


def test_a_machine_that_does_not_answer_is_passed_over(tmp_path: Path) -> None:
    def banner(address: str, port: int) -> str:
        if address == "10.0.0.1":
            raise Unreachable("no route")
        return "SSH-2.0-x"

    rack = replace(provider(tmp_path, "10.0.0.1", "10.0.0.2"), banner=banner)

    assert rack.obtain(request()).id == "10.0.0.2:22"
    with pytest.raises(NoCapacity, match=r"no SSH server answers at 10\.0\.0\.1:22"):
        rack.obtain(request("h2"))
    assert [node.id for node in rack.list("demo")] == ["10.0.0.2:22"]


def test_a_host_keeps_its_machine_while_that_starts_again(tmp_path: Path) -> None:
    def silent(address: str, port: int) -> str:
        raise Unreachable("it boots")

    rack = provider(tmp_path, "10.0.0.1", "10.0.0.2")
    made = rack.obtain(request())

    assert replace(rack, banner=silent).obtain(request()).id == made.id


def test_what_is_found_about_each_machine() -> None:
    with socket.create_server(("127.0.0.9", 0)) as gone:
        closed = f"127.0.0.9:{gone.getsockname()[1]}"
    with greeting(1) as (alive,):
        rack = open_provider(entry(machines=[alive, closed]), RecordingProgress())
        checks = list(rack.examine(request()))

    assert [check.verdict for check in checks] == [Verdict.FINE, Verdict.WRONG]
    assert "SSH-2.0-greeter, free" in checks[0].text


def test_what_is_no_ssh_server_is_told_from_one() -> None:
    with socket.create_server(("127.0.0.9", 0)) as server:
        server.settimeout(5)
        address, port = server.getsockname()

        def greet() -> None:
            connection, _ = server.accept()
            connection.sendall(b"220 mail ready\r\n")
            connection.close()

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(Unreachable, match="no SSH server"):
            ssh_banner(address, port)
        thread.join()


def test_a_broken_claims_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "claims.json").write_text("{")

    with pytest.raises(ProviderError, match="claims on machines cannot be read"):
        provider(tmp_path, "a").list("demo")


def test_an_unknown_option_is_bad_input() -> None:
    with pytest.raises(ConfigError, match="unknown option: machine"):
        open_provider(entry(machine="a"), RecordingProgress())


def test_claims_can_be_read_by_a_person(tmp_path: Path) -> None:
    provider(tmp_path, "10.0.0.1").obtain(request())

    claims = json.loads((tmp_path / "claims.json").read_text())

    assert claims["10.0.0.1:22"]["tags"]["clocker-cloud"] == "demo"
