"""The bootstrap, on real hosts: run again, on machines with a past, and killed."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import replace
from shlex import quote

import pytest
from inner_hosts import ExecShell, InnerHost, await_true, inner_hosts
from network_kinds import DEFAULT

from clocker.bootstrap import check, restore
from clocker.errors import CommandFailed
from clocker.model import CloudSpec, EngineOptions, NodePool, SshAccess

pytestmark = pytest.mark.hosts
members = pytest.mark.parametrize("hosts", [DEFAULT], indirect=True, scope="session")

SPEC = CloudSpec("test", NodePool(("local",)))
_HOLD_LOCK = """
use Fcntl;
open(F, ">>", "/var/lib/dpkg/lock-frontend");
my $whole = pack("s s x![q] q q i", F_WRLCK, 0, 0, 0, 0);
fcntl(F, F_SETLKW, $whole) or die;
sleep 8;
"""


@members
def test_a_second_run_changes_nothing(hosts: list[InnerHost]) -> None:
    files = (
        "find /etc/clocker /etc/docker /usr/local/lib/clocker -type f ! -name stamp ! -name facts"
    )
    state = f"{files} -printf '%p %T@\\n' | sort; systemctl show -p MainPID docker; docker ps -q"
    before = hosts[0].run(state)
    hosts[0].bootstrap()
    assert hosts[0].run(state) == before


@members
def test_addresses_of_the_pool_never_leave_by_the_default_route(hosts: list[InnerHost]) -> None:
    said = hosts[0].shell.run("ip route get 10.210.99.1")
    assert not said.ok and b"Invalid argument" in said.stderr


@members
def test_a_changed_gateway_is_reported(hosts: list[InnerHost]) -> None:
    host = hosts[2]
    changed = replace(host.host, gateway="10.210.0.77")
    mended = host.host
    host.host = changed
    try:
        with pytest.raises(CommandFailed) as failure:
            host.bootstrap()
    finally:
        host.host = mended
        host.bootstrap()
    assert "step network failed" in str(failure.value)
    assert "10.210.0.77" in failure.value.what and "10.210.0.3" in failure.value.what


@members
def test_a_pool_in_use_is_refused_with_both_names(hosts: list[InnerHost]) -> None:
    network = replace(SPEC.network, pool="172.16.0.0/12", subnet="172.30.0.0/24")
    other = InnerHost(hosts[2].node, 3, hosts[2].host.address or "", CloudSpec("other", SPEC.hosts))
    other.spec = replace(other.spec, network=network)
    other.host = replace(other.host, gateway="172.30.0.3")
    try:
        with pytest.raises(CommandFailed) as failure:
            other.bootstrap()
    finally:
        other.network.leave(other.shell)
    assert re.search(r"172\.16\.0\.0/12 overlaps .*172\.\d+\.0\.0/16", failure.value.what)


def test_a_machine_that_somebody_has_used_before() -> None:
    """A user that is not root, a pinned version, and a package tool at work when we come."""
    with inner_hosts(1) as (host,):
        madison = host.run("apt-cache madison docker.io")
        version = re.split(r"[|+~ ]+", madison)[1]
        host.spec = replace(SPEC, engine=EngineOptions(version, {"log-level": "warn"}))
        host.host = replace(host.host, access=SshAccess(host.host.address or "", user="admin"))
        host.run(f"useradd admin; setsid perl -e {quote(_HOLD_LOCK)} >/dev/null 2>&1 &")
        await_true(lambda: host.fails("dpkg --configure -a"))
        host.bootstrap()
        assert host.run("docker version -f '{{.Server.Version}}'").startswith(version)
        assert "docker" in host.run("id -nG admin").split()
        host.make_image()
        host.start("kept", "10.210.1.1")
        state = "systemctl show -p MainPID docker; docker inspect -f '{{.State.Pid}}' kept"
        engine, kept = host.run(state).split()
        host.spec = replace(SPEC, engine=EngineOptions(None, {"log-level": "error"}))
        host.bootstrap()
        assert json.loads(host.run("cat /etc/docker/daemon.json"))["log-level"] == "error"
        assert host.run(state).split()[0] != engine
        assert host.run(state).split()[1] == kept
        host.run("echo '{}' >/etc/docker/daemon.json; rm -f /etc/clocker/test/stamp")
        with pytest.raises(CommandFailed, match="daemon.json is not Clocker's"):
            host.bootstrap()


def test_an_owner_gets_the_engines_options_back() -> None:
    """Those that there were, and those that there were not."""
    daemon = "cat /etc/docker/daemon.json 2>/dev/null || true"
    with inner_hosts(1) as (host,):
        host.bootstrap()
        for _ in range(2):
            restore(host.shell)
        assert host.run(daemon) == ""

        theirs, merged = '{"log-level": "warn"}', '{"log-level": "warn", "live-restore": true}'
        host.run(f"echo {quote(theirs)} >/etc/docker/daemon.json; rm /etc/clocker/test/stamp")
        # The node image has no tool that merges JSON.
        jq = f"#!/bin/sh\necho '{merged}'\n"
        host.run(f"printf %s {quote(jq)} >/usr/local/bin/jq; chmod +x /usr/local/bin/jq")
        for _ in range(2):
            host.bootstrap()
        assert host.run(daemon) == merged
        for _ in range(2):
            restore(host.shell)

        assert host.run(daemon) == theirs
        assert host.run("ls /etc/clocker") == "test"
        host.run("docker version")


def test_a_bootstrap_killed_anywhere_is_completed_by_the_next() -> None:
    moments = [("engine", 0.5), ("engine", 1.5), ("engine", 3.0)]
    moments += [("network", 0.05), ("network", 0.2), ("dnsmasq", 0.05), ("facts", 0.0)]
    with inner_hosts(1) as (host,):
        ended = [_run_and_kill(host, step, after_s) for step, after_s in moments]
        assert any(status != 0 for status in ended)
        host.bootstrap()
        assert check(host.shell, "test").bootstrap == host.plan.stamp
        assert host.run("dpkg --audit; ls /etc/clocker/test/pending; systemctl --failed -q") == ""


def test_what_was_not_on_the_disk_when_the_machine_went_down_is_unpacked_anew() -> None:
    """Packages of a fresh machine are not waited for one by one; the mark is of another boot."""
    with inner_hosts(1) as (host,):
        host.run("touch /root/before")
        host.bootstrap()
        assert host.run("ls /etc/clocker/test/pending") == ""
        whole = host.run("sha256sum /usr/sbin/runc")
        mark = "/etc/clocker/test/pending/packages"
        host.run(f"echo another >{mark}; touch -r /root/before {mark}; : >/usr/sbin/runc")
        host.run("rm /etc/clocker/test/stamp")

        host.bootstrap()

        assert host.run("sha256sum /usr/sbin/runc") == whole
        assert host.run("ls /etc/clocker/test/pending") == ""


def _run_and_kill(host: InnerHost, step: str, after_s: float) -> int:
    """Run the script and kill it with all that it has started, ``after_s`` into ``step``."""
    begun = threading.Event()

    def on_line(line: str) -> None:
        if line == f"::clocker:: begin {step}":
            begun.set()

    def kill() -> None:
        begun.wait(60)
        time.sleep(after_s)  # the moment is the test's parameter
        ExecShell(host.node).run("pkill -9 -s $(cat /run/test.session)")

    killer = threading.Thread(target=kill)
    killer.start()
    command = "exec setsid --wait sh -c 'echo $$ >/run/test.session; exec sh -s'"
    script = host.plan.script.encode()
    status = host.shell.run(command, stdin=script, on_line=on_line).status
    begun.set()
    killer.join()
    return status
