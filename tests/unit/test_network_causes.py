"""What is wrong, and why it is likely so: one table."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from clocker.cloud.causes import problems
from clocker.cloud.findings import Findings, HostFinding, NameFinding, NameState, Path, Place
from clocker.model import LinkStatus, Result
from clocker.network import dns
from clocker.network.probe import Probe, send
from clocker.testing.shell import RecordingShell

HOSTS = ("a", "b", "c")
UNDERLAY = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.3"}
LINK = LinkStatus("vxlan", 1450, 1450, "wireguard")


def place(name: str, host: str | None = None) -> Place:
    return Place("blue", name, host or name, f"10.1.0.{ord(name[-1])}", 0 if host is None else 7)


PLACES = (*(place(host) for host in HOSTS), place("web1", "a"), place("web2", "b"))


def finding(host: str) -> HostFinding:
    peers = tuple(UNDERLAY[other] for other in HOSTS if other != host)
    return HostFinding("blue", host, replace(LINK, peers=peers), peers=peers)


def paths(*lost: tuple[str, str], small: tuple[tuple[str, str], ...] = ()) -> tuple[Path, ...]:
    """All pairs; ``lost``: names of places, ``*`` for all."""
    return tuple(
        Path(
            source,
            target,
            None
            if any(_matches(source.name, s) and _matches(target.name, t) for s, t in lost)
            else 1400
            if (source.name, target.name) in small
            else 1450,
            1450,
        )
        for source, target in permutations(PLACES, 2)
    )


def _matches(name: str, pattern: str) -> bool:
    return pattern in ("*", name)


FINE = Findings(
    tuple(finding(host) for host in HOSTS),
    paths(),
    (NameFinding("blue", "a", "web1", NameState.RIGHT),),
    "wireguard",
)


def partition(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((s, t) for a, b in ((one, other), (other, one)) for s in a for t in b)


def changed_host(**changes: object) -> tuple[HostFinding, ...]:
    link = replace(FINE.hosts[0].link or LINK, **changes)  # type: ignore[arg-type]
    return (replace(FINE.hosts[0], link=link), *FINE.hosts[1:])


CASES: dict[str, tuple[Findings, list[tuple[str, str]]]] = {
    "nothing": (FINE, []),
    "a host is away": (
        replace(
            FINE,
            hosts=(replace(FINE.hosts[0], link=None, error="no answer"), *FINE.hosts[1:]),
            paths=tuple(p for p in paths(("*", "a"), ("*", "web1")) if p.source.host != "a"),
        ),
        [("host a could not be asked: no answer", "the machine is down")],
    ),
    "one host reaches nobody": (
        replace(FINE, paths=paths(*partition(("a", "web1"), ("b", "c", "web2")))),
        [("host a reaches no other host on network blue", "refuses UDP port 4790")],
    ),
    "two hosts do not reach each other": (
        replace(FINE, paths=paths(*partition(("a", "web1"), ("b", "web2")))),
        [("hosts a and b do not reach each other", "between these two refuses UDP port 4790")],
    ),
    "one direction": (
        replace(FINE, paths=paths(("a", "b"), ("a", "web2"), ("web1", "b"), ("web1", "web2"))),
        [("packets from a to b are lost", "between these two")],
    ),
    "a container is dead": (
        replace(FINE, paths=paths(("*", "web2"), ("web2", "*"))),
        [("container web2 is not reached on network blue, not even by its own", "ended")],
    ),
    "a container is known at another place": (
        replace(FINE, paths=paths(("a", "web2"), ("c", "web2"), ("web1", "web2"), ("web2", "a"),
                                  ("web2", "c"), ("web2", "web1"))),
        [("container web2 is reached by its own host only", "at another place")],
    ),
    "small packets only": (
        replace(FINE, paths=paths(small=(("a", "b"), ("b", "a")))),
        [("packets above 1400 bytes are lost on network blue (a to b, b to a)", "smaller packets")],
    ),
    "a peer is not known": (
        replace(FINE, hosts=changed_host(peers=("192.0.2.2",))),
        [("host a does not know 192.0.2.3 on network blue", "could not be told")],
    ),
    "a peer too many": (
        replace(FINE, hosts=changed_host(peers=("192.0.2.2", "192.0.2.3", "192.0.2.9"))),
        [("host a still knows 192.0.2.9", "could not be told")],
    ),
    "not encrypted": (
        replace(FINE, hosts=changed_host(encryption="none")),
        [("host a has encryption none on network blue, not wireguard", "document was changed")],
    ),
    "no answers": (
        replace(FINE, names=(NameFinding("blue", "a", "web1", NameState.SILENT),)),
        [("names are silent on host a, network blue: web1", "dnsmasq does not run")],
    ),
    "names that are gone": (
        replace(FINE, names=tuple(
            NameFinding("blue", "a", f"web{n}", NameState.MISSING) for n in range(7)
        )),
        [("names are missing on host a, network blue: web0, web1, web2, web3, web4 and 2 more",
          "was away when they were published")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_findings_and_their_likely_causes(case: str) -> None:
    findings, expected = CASES[case]
    found = problems(findings, 4790)
    assert len(found) == len(expected), found
    for problem, (what, cause) in zip(found, expected, strict=True):
        assert what in problem.what
        assert cause in problem.cause
        assert problem.remedy


def test_a_host_alone_has_no_peers_to_miss() -> None:
    alone = (HostFinding("blue", "a", LinkStatus("vxlan", 1500), peers=()),)
    assert problems(Findings(alone, encryption="wireguard"), 4790) == ()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("0001 8180 0001 0002 0000 0000 01 61 00 0001 0001 c00c 0001 0001 00000000 0004 0a010203"
         " c00c 0001 0001 00000000 0004 0a010204", (1, {"10.1.2.3", "10.1.2.4"})),
        ("0002 8183 0001 0000 0000 0000 01 61 00 0001 0001", (2, set())),
        ("0003 8185 0001 0000 0000 0000 01 61 00 0001 0001", (3, None)),
        ("0004 8180 0001 0002 0000 0000 01 61 00 0001 0001 c00c 0005 0001 00000000 0002 c00c"
         " c00c 0001 0001 00000000 0004 0a010203", (4, {"10.1.2.3"})),
        ("0005 8180 0001 0001", (0xFFFF, None)),
        ("", (0xFFFF, None)),
    ],
)  # fmt: skip
def test_answers_are_understood(message: str, expected: tuple[int, set[str] | None]) -> None:
    assert dns.answer(bytes.fromhex(message)) == expected


def test_a_question_is_as_the_protocol_has_it() -> None:
    said = dns.question(7, "web.demo.clocker").hex()
    assert said == "000701000001000000000000037765620464656d6f07636c6f636b65720000010001"


def test_who_does_not_answer_is_told_apart_from_who_has_no_such_name() -> None:
    answer = b"000081830001000000000000 01610000010001\n".replace(b" ", b"")
    shell = RecordingShell(answers={"bash": Result(0, answer + b"\n")})
    assert dns.ask(shell, "10.0.0.1", ["a", "b"]) == {"a": frozenset(), "b": None}
    assert dns.ask(shell, "10.0.0.1", []) == {}


def test_packets_that_were_lost_are_none() -> None:
    shell = RecordingShell(answers={"sh": Result(0, b"1 reached 1450\n0 lost\nnoise\n")})
    probes = [Probe("10.0.0.1", f"10.0.0.{n}", 1450) for n in (2, 3, 4)]
    assert send(shell, probes) == [None, 1450, None]
