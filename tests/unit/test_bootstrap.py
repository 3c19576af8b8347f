from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from clocker.bootstrap import cloud_config
from clocker.bootstrap.markers import Marker, Transcript, parse, resources
from clocker.bootstrap.plan import BootstrapPlan, change_script, plan
from clocker.interfaces import KeyPair
from clocker.model import (
    CloudSpec,
    EngineOptions,
    Host,
    HostState,
    Net,
    NodePool,
    Resources,
    SshAccess,
)
from clocker.network import open_names, open_network
from clocker.network.layout import LOCK

SPEC = CloudSpec("demo", NodePool(("local",)))
HOST = Host(
    id="h1",
    name="demo-1",
    provider="local",
    state=HostState.BOOTSTRAPPING,
    capacity=Resources(),
    gateway="10.210.0.1",
    address="192.0.2.1",
    access=SshAccess("192.0.2.1"),
)


def plan_of(spec: CloudSpec = SPEC, **changes: Any) -> BootstrapPlan:
    host = replace(HOST, **changes)
    return plan(spec, host, (open_network(spec).step(host), open_names(spec).step(host)))


VARIANTS = {
    "plain": plan_of(),
    "pinned": plan_of(replace(SPEC, engine=EngineOptions("20.10.24", {"debug": True}))),
    "not root": plan_of(access=SshAccess("192.0.2.1", user="admin")),
    "this machine": plan_of(access=SshAccess("127.0.0.1", local=True)),
    "nasty": plan_of(
        replace(SPEC, engine=EngineOptions("1'; touch /tmp/x; '", {"a": "$(id) `id` '\n"})),
        name="a'b $(id)",
        access=SshAccess("192.0.2.1", user="u'; id; '"),
    ),
}


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_script_parses(variant: str, shell: str) -> None:
    parsed = subprocess.run([shell, "-n"], input=VARIANTS[variant].script, text=True, check=False)
    assert parsed.returncode == 0


def test_a_script_cut_short_anywhere_does_nothing() -> None:
    lines = VARIANTS["plain"].script.splitlines()
    assert lines[-1] == "main </dev/null"
    for end in range(1, len(lines), 37):
        text = "\n".join(lines[:end])
        cut = subprocess.run(["sh", "-s"], input=text, text=True, capture_output=True, check=False)
        assert cut.stdout == ""


def test_the_stamp_is_the_scripts_own() -> None:
    assert plan_of() == plan_of(capacity=Resources(4), state=HostState.READY, stamp="x")
    assert len({variant.stamp for variant in VARIANTS.values()}) == len(VARIANTS)
    for variant in VARIANTS.values():
        assert f"\nstamp={variant.stamp}\n" in variant.script
        assert "@stamp@" not in variant.script


def test_a_change_is_those_steps_that_differ_and_for_that_host_only(tmp_path: Path) -> None:
    """What is run first, by a shell: a host with another stamp is left as it is."""
    blue = open_network(SPEC).of(Net("blue", "10.210.16.0/24")).step(HOST)
    former = VARIANTS["plain"]
    steps = (open_network(SPEC).step(HOST), open_names(SPEC).step(HOST), blue)
    wanted = plan(SPEC, HOST, steps)
    script = change_script("demo", former, wanted)
    assert re.findall(r"say begin (\S+)", script) == ["network-blue"]
    assert f"\nstamp={wanted.stamp}\n" in script
    etc = tmp_path / "etc"
    here = script.replace("/etc/clocker/demo", str(etc)).replace(LOCK, str(tmp_path / "lock"))
    here = here.replace('"$(id -u)" = 0', "0 = 0").replace("step_1\n    say", "say")
    assert "\n    step_1\n" not in here
    for stamp, changed in ((former.stamp, True), ("another", False), (None, False)):
        etc.mkdir(exist_ok=True)
        (etc / "stamp").unlink(missing_ok=True)
        if stamp:
            (etc / "stamp").write_text(f"{stamp}\n")
        said = subprocess.check_output(["sh", "-s"], input=here, text=True)
        left = (etc / "stamp").read_text().strip() if (etc / "stamp").exists() else None
        assert ("fact otherwise yes" not in said) is changed
        assert left == (wanted.stamp if changed else stamp)


def test_packages_of_all_steps_are_installed_in_one_run() -> None:
    script = VARIANTS["plain"].script
    for command, debian, redhat in (
        ("iptables", "iptables", "iptables"),
        ("ip", "iproute2", "iproute"),
        ("arping", "iputils-arping", "iputils"),
        ("dnsmasq", "dnsmasq-base", "dnsmasq"),
    ):
        assert script.count(f"\nneed {command} {debian} {redhat}\n") == 1
    assert script.count("\ninstall_wanted ||") == 1


def test_red_hat_hosts_install_with_dnf() -> None:
    script = VARIANTS["pinned"].script
    assert "dnf install --assumeyes" in script
    assert "for package in docker-ce moby-engine docker; do" in script
    assert 'wanted="$wanted $package${version:+-$version*}"' in script


def test_nothing_is_installed_on_this_machine() -> None:
    script = VARIANTS["this machine"].script
    assert "\ninstall_wanted" not in script.replace("\ninstall_wanted()", "")
    assert "usermod" not in script and "/etc/docker" not in script
    assert "need dnsmasq dnsmasq-base dnsmasq" in script


def test_the_ssh_user_may_use_the_engine() -> None:
    assert "usermod -aG docker admin" in VARIANTS["not root"].script
    assert "usermod" not in VARIANTS["plain"].script


def test_the_owners_engine_options_win() -> None:
    options = {"live-restore": False, "dns": ["192.0.2.53"]}
    script = plan_of(replace(SPEC, engine=EngineOptions(options=options))).script
    assert '"live-restore": false' in script and '"live-restore": true' not in script
    assert script.count("192.0.2.53") == 2
    assert '"dns": [\n    "10.210.0.1"' in VARIANTS["plain"].script


def test_options_are_laid_over_what_the_hosts_owner_has_set(tmp_path: Path) -> None:
    theirs = tmp_path / "daemon.json"
    theirs.write_text('{"debug": true, "live-restore": false}')
    script = VARIANTS["plain"].script
    start = script.index("merged_options() {")
    merge = script[start : script.index("\n}\n", start) + 3]
    setting = f"theirs={theirs}; options='{{\"live-restore\": true}}'\n"
    has = 'has() { command -v "$1" >/dev/null; }\n'
    merged = subprocess.check_output(["sh", "-c", f"{setting}{has}{merge}merged_options"])
    assert json.loads(merged) == {"debug": True, "live-restore": True}


@pytest.mark.parametrize(
    ("line", "marker"),
    [
        ("::clocker:: begin engine", Marker("begin", "engine")),
        ("::clocker:: done engine\r", Marker("done", "engine")),
        ("::clocker:: skip engine it is here", Marker("skip", "engine", "it is here")),
        ("::clocker:: fact kernel 6.1 x", Marker("fact", "kernel", "6.1 x")),
        ("::clocker:: error no room left", Marker("error", "", "no room left")),
        ("::clocker:: dance", None),
        ("Setting up docker.io ...", None),
        ("say ::clocker:: begin engine", None),
        ("", None),
    ],
)
def test_markers(line: str, marker: Marker | None) -> None:
    assert parse(line) == marker


def test_a_transcript_knows_the_step_the_reason_and_the_last_lines() -> None:
    heard: list[Marker] = []
    transcript = Transcript(heard.append)
    for line in (
        "::clocker:: begin engine",
        "of another step",
        "::clocker:: done engine",
        "::clocker:: fact cores 1.5",
        "::clocker:: begin network",
        *(f"line {number}" for number in range(50)),
        "::clocker:: error the first reason",
        "::clocker:: error a consequence",
        "::clocker:: remedy do this",
    ):
        transcript.hear(line)
    assert transcript.step == "network"
    assert (transcript.error, transcript.remedy) == ("the first reason", "do this")
    assert transcript.tail.splitlines() == [f"line {number}" for number in range(30, 50)]
    assert transcript.facts == {"cores": "1.5"}
    assert [marker.verb for marker in heard[:4]] == ["begin", "done", "fact", "begin"]


def test_facts_are_resources_or_nothing() -> None:
    facts = {"cores": "1.5", "ram_mb": "2048", "disk_mb": "9000", "arch": "x86_64"}
    assert resources(facts) == Resources(1.5, 2048, 9000)
    assert resources({**facts, "ram_mb": "?"}) is None
    assert resources({}) is None


def test_user_data_is_yaml_whatever_is_in_it() -> None:
    pair = KeyPair("-----BEGIN-----\nab: c\n-----END-----\n", "ssh-ed25519 AAAA")
    text = cloud_config("demo-1", pair, 'ssh-ed25519 BBBB "it\'s" #me: <x>', "admin")
    assert text.startswith("#cloud-config\n")
    document = yaml.safe_load(text)
    assert document["hostname"] == "demo-1"
    assert document["ssh_keys"] == {"ed25519_private": pair.private, "ed25519_public": pair.public}
    assert document["ssh_authorized_keys"] == ['ssh-ed25519 BBBB "it\'s" #me: <x>']
    assert document["ssh_deletekeys"] is True
    assert document["disable_root"] is True
    assert yaml.safe_load(cloud_config("h", pair, "k"))["disable_root"] is False
