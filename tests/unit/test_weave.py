from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from clocker.bootstrap.plan import plan
from clocker.errors import CommandFailed, ConfigError
from clocker.model import (
    CloudSpec,
    Host,
    HostState,
    Net,
    NetworkSpec,
    NodePool,
    Resources,
    Result,
    WeaveOptions,
)
from clocker.network import open_names, open_network
from clocker.network.weave import WeaveConnection, mac_prefix, parse_report, peer_name, weave_home
from clocker.testing import RecordingShell

HOME = weave_home("demo")
PASSWORD = "correct horse battery"
REPORT = (Path(__file__).parents[1] / "data" / "weave" / "report.json").read_text()
GREEN = Net("green", "10.210.16.0/24")


def cloud(encryption: str = "password", **options: str) -> CloudSpec:
    password = PASSWORD if encryption == "password" else ""
    weave = WeaveOptions(**{"password": password, **options})  # type: ignore[arg-type]
    network = NetworkSpec(driver="weave", encryption=encryption, weave=weave)
    return CloudSpec("demo", NodePool(("local",)), network=network)


def host(number: int = 1) -> Host:
    return Host(
        id=f"h{number}",
        name=f"demo-{number}",
        provider="local",
        state=HostState.READY,
        capacity=Resources(),
        gateway=f"10.210.0.{number}",
        address=f"192.0.2.{number}",
    )


def script(spec: CloudSpec) -> str:
    network = open_network(spec)
    steps = (network.step(host()), network.of(GREEN).step(host()), open_names(spec).step(host()))
    return plan(spec, host(), steps).script


def listening(*names: str) -> RecordingShell:
    """A host with these files where Weave's are kept."""
    return RecordingShell({"ls -A": Result(0, "\n".join(names).encode())})


def sent(shell: RecordingShell) -> list[str]:
    return shell.files.names(HOME)


def mode(shell: RecordingShell, path: str) -> int:
    return shell.files.entries[path].mode


def test_the_scripts_are_some_that_shells_parse() -> None:
    for spec in (cloud(), cloud("none"), cloud(image="registry.example:5000/weave@sha256:0")):
        for shell in ("dash", "bash"):
            subprocess.run([shell, "-n"], input=script(spec), text=True, check=True)
            for part in ("tunnel", "host_script"):
                value = open_network(spec).step(host()).values[part]
                text = value if isinstance(value, str) else value.script
                subprocess.run([shell, "-n"], input=text, text=True, check=True)


def test_the_password_is_in_no_script_and_not_to_be_seen() -> None:
    spec = cloud()
    assert PASSWORD not in script(spec) + repr(spec) + repr(open_network(spec).step(host()))
    changed = replace(spec, network=replace(spec.network, weave=WeaveOptions(password="another")))
    assert script(changed) != script(spec)  # so that the next up makes hosts anew
    assert script(cloud()) == script(spec)


def test_the_password_comes_as_a_file_for_root_alone() -> None:
    shell = listening()
    open_network(cloud()).supply(shell)
    path = f"{HOME}/password"
    assert (shell.get(path), mode(shell, path)) == (f"{PASSWORD}\n".encode(), 0o600)
    assert not any(PASSWORD in command for command in shell.commands)
    shell = listening()
    open_network(cloud("none")).supply(shell)
    assert not sent(shell)


def test_an_archive_is_sent_once(tmp_path: Path) -> None:
    archive = tmp_path / "images.tar"
    archive.write_bytes(b"an image")
    network = open_network(cloud("none", archive=str(archive)))
    shell = listening()
    network.supply(shell)
    (name,) = sent(shell)
    assert (shell.get(f"{HOME}/{name}"), mode(shell, f"{HOME}/{name}")) == (b"an image", 0o600)
    assert name in network.step(host()).values["tunnel"].script
    again = listening("password", name, "weaver")
    network.supply(again)
    assert not sent(again)
    archive.write_bytes(b"another image")
    network.supply(again)
    assert sent(again) and name not in sent(again)


def test_without_a_password_or_the_archive_nothing_is_sent(tmp_path: Path) -> None:
    spec = cloud()
    bare = replace(spec, network=replace(spec.network, weave=WeaveOptions()))
    lost = cloud("none", archive=str(tmp_path / "gone.tar"))
    for spec, word in ((bare, "password"), (lost, "archive")):
        with pytest.raises(ConfigError) as refused:
            open_network(spec).step(host())
        assert word in str(refused.value.where)


def test_the_router_is_told_to_leave_alone_what_is_not_its_task() -> None:
    router = open_network(cloud()).step(host()).values["tunnel"].script
    started = router[router.index("set -- --name=") : router.index("exec ")]
    for option in ("--no-dns", "--no-discovery", "--docker-api= ", "CHECKPOINT_DISABLE=1"):
        assert option in started
    for task in ("ipalloc", "plugin", "proxy", "--password"):
        assert task not in started
    assert '--http-addr="$runtime/api"' in started  # a socket in a folder of root's


def test_further_networks_are_inside_and_on_another_port() -> None:
    spec = cloud()
    further = open_network(spec).of(GREEN).step(host()).values
    assert further["tunnel"] is None
    assert "tunnel=/usr/local/lib/clocker/demo/tunnel" in further["host_script"]
    assert f"port={spec.network.port + 2}" in further["host_script"]
    assert "type vxlan" in further["host_script"]
    default = open_network(spec).step(host()).values["host_script"]
    assert "type vxlan" not in default and "type veth" in default


def test_no_two_hosts_of_a_cloud_have_the_same_names() -> None:
    assert len({peer_name(host(number)) for number in range(1000)}) == 1000
    gateways = [f"10.210.{high}.{low}" for high in range(16) for low in range(256)]
    prefixes = {mac_prefix(gateway) for gateway in gateways}
    assert len(prefixes) == len(gateways)
    first_bytes = {int(prefix[2:4], 16) for prefix in prefixes}
    first_bytes |= {int(peer_name(host(number))[:2], 16) for number in range(100)}
    assert all(byte & 3 == 2 for byte in first_bytes)  # nobody's, and of one device


def test_a_report_is_read() -> None:
    report = parse_report(REPORT)
    assert (report.version, report.name, report.encrypted) == ("2.9.0", "ea:66:c6:23:57:2f", True)
    assert report.targets == ("172.24.0.3", "172.24.0.4")
    assert report.connections[0] == WeaveConnection(
        "172.24.0.3", "established", "sleeve", True, "encrypted   sleeve d6:d5:b1:c8:0e:94(test-2)"
    )


def test_a_router_that_knows_nobody_reports_too() -> None:
    said = json.loads(REPORT)
    said["Router"].update(Connections=None, Targets=None, Encryption=False)
    report = parse_report(json.dumps(said))
    assert (report.targets, report.connections, report.encrypted) == ((), (), False)
    said["Router"]["Connections"] = [
        {"Address": "192.0.2.7:4790", "Outbound": True, "State": "retrying", "Info": "no route"}
        | {"Attrs": None}
    ]
    (link,) = parse_report(json.dumps(said)).connections
    assert (link.address, link.state, link.path, link.encrypted) == (
        "192.0.2.7",
        "retrying",
        "",
        False,
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"Version": "1", "Router": null}', "null"])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(CommandFailed, match="report of Weave"):
        parse_report(text)


def test_the_state_is_the_routers() -> None:
    shell = RecordingShell(
        {
            "tunnel report": Result(0, REPORT.encode()),
            "network status": Result(0, b"mtu 1414\ndevice_mtu 1414\nencryption password\n"),
        }
    )
    status = open_network(cloud()).status(shell)
    assert (status.driver, status.mtu, status.encryption) == ("weave", 1414, "password")
    assert status.peers == ("172.24.0.3", "172.24.0.4")
