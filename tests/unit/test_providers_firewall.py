from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from clocker.errors import ConfigError, ProviderError
from clocker.model import FirewallWish, Opening, Source
from clocker.providers.firewall import Group, GroupCalls, Rule, ensure_group, rules_for
from clocker.providers.groups import CloudStackGroups, Ec2Groups, GceFirewalls, OpenStackGroups
from clocker.providers.refusals import AlreadyThere

SSH = Opening("tcp", 22, 22, Source.CONTROLLER)
OVERLAY = Opening("udp", 4790, 4790, Source.HOSTS)
PORTS = Opening("tcp", 30000, 32767, Source.ANYONE)


@pytest.mark.parametrize(
    ("wish", "interface", "own", "rules"),
    [
        (
            FirewallWish(sources=("198.51.100.0/24", "203.0.113.7/32")),
            "public",
            None,
            {("tcp", 22, "198.51.100.0/24"), ("tcp", 22, "203.0.113.7/32"), ("udp", 4790, None)},
        ),
        (FirewallWish(), "private", "10.1.2.3", {("tcp", 22, "10.1.2.3/32"), ("udp", 4790, None)}),
        (FirewallWish(), "public", "9.9.9.9", {("tcp", 22, "9.9.9.9/32"), ("udp", 4790, None)}),
        (
            FirewallWish(published=True),
            "private",
            "10.1.2.3",
            {("tcp", 22, "10.1.2.3/32"), ("udp", 4790, None), ("tcp", 30000, "0.0.0.0/0")},
        ),
    ],
)
def test_just_what_is_needed_is_open(
    wish: FirewallWish, interface: str, own: str | None, rules: set[tuple[str, int, str | None]]
) -> None:
    found = rules_for([SSH, OVERLAY, PORTS], wish, interface, own)

    assert {(rule.protocol, rule.first, rule.source) for rule in found} == rules


@pytest.mark.parametrize(("interface", "own"), [("public", "10.1.2.3"), ("private", None)])
def test_a_source_that_nobody_knows_is_asked_for(interface: str, own: str | None) -> None:
    with pytest.raises(ConfigError, match=r"not known") as caught:
        rules_for([SSH], FirewallWish(), interface, own)

    assert "firewall.from" in str(caught.value)


def test_without_ssh_from_here_no_source_is_needed() -> None:
    assert rules_for([OVERLAY], FirewallWish(), "public", None) == (Rule("udp", 4790, 4790, None),)


# Accounts in memory, each in the shapes of its driver.


def ec2() -> Any:
    groups: dict[str, Any] = {}

    def make(name: str, description: str, vpc_id: str | None = None) -> None:
        if any(group.name == name for group in groups.values()):
            raise AlreadyThere("InvalidGroup.Duplicate")
        identity = f"sg-{len(groups)}"
        groups[identity] = SimpleNamespace(id=identity, name=name, ingress_rules=[])

    def allow(identity: str, first: int, last: int, *, protocol: str, **source: Any) -> None:
        rule = {"protocol": protocol, "from_port": str(first), "to_port": str(last)}
        rule |= {"cidr_ips": source.get("cidr_ips", [])}  # type: ignore[dict-item]
        rule |= {"group_pairs": source.get("group_pairs", [])}  # type: ignore[dict-item]
        if rule in groups[identity].ingress_rules:
            raise AlreadyThere("InvalidPermission.Duplicate")
        groups[identity].ingress_rules.append(rule)

    return SimpleNamespace(
        ex_list_networks=lambda filters: [SimpleNamespace(id="vpc-1")],
        ex_get_security_groups=lambda filters=None: list(groups.values()),
        ex_create_security_group=make,
        ex_authorize_security_group_ingress=allow,
        ex_delete_security_group_by_id=groups.pop,
    )


def openstack() -> Any:
    groups: list[Any] = []

    def make(name: str, description: str) -> None:
        groups.append(SimpleNamespace(id=f"id-{len(groups)}", name=name, rules=[]))

    def allow(group: Any, protocol: str, first: int, last: int, **source: Any) -> None:
        other = source.get("source_security_group")
        group.rules.append(
            SimpleNamespace(
                ip_protocol=protocol,
                from_port=first,
                to_port=last,
                ip_range=source.get("cidr"),
                group={"name": other.id, "tenant_id": None} if other else {},
            )
        )

    return SimpleNamespace(
        ex_list_security_groups=lambda: list(groups),
        ex_create_security_group=make,
        ex_create_security_group_rule=allow,
        ex_delete_security_group=groups.remove,
    )


def cloudstack() -> Any:
    groups: dict[str, Any] = {}

    def make(name: str, **kwargs: str) -> None:
        if name in groups:
            raise AlreadyThere("This Security Group name already exists")
        groups[name] = {"id": str(len(groups)), "name": name, "account": "a", "ingressrule": []}

    def add(name: str, protocol: str, first: int, last: int, source: dict[str, str]) -> None:
        rule = {"protocol": protocol.lower(), "startport": first, "endport": last, **source}
        groups[name]["ingressrule"].append(rule)

    def asked(command: str, params: dict[str, Any], method: str) -> None:
        assert command == "authorizeSecurityGroupIngress"
        source = {"securitygroupname": params["usersecuritygrouplist[0].group"], "account": "a"}
        name, protocol = params["securitygroupname"], params["protocol"]
        add(name, protocol, params["startport"], params["endport"], source)

    return SimpleNamespace(
        ex_list_security_groups=lambda: list(groups.values()),
        ex_create_security_group=make,
        ex_authorize_security_group_ingress=lambda name, protocol, cidr, first, last: add(
            name, protocol, first, last, {"cidr": cidr}
        ),
        _async_request=asked,
        ex_delete_security_group=groups.pop,
    )


def gce() -> Any:
    walls: dict[str, Any] = {}

    def make(name: str, allowed: Sequence[Any], **where: Any) -> None:
        if name in walls:
            raise AlreadyThere("alreadyExists")
        walls[name] = SimpleNamespace(
            name=name,
            allowed=allowed,
            network=SimpleNamespace(name=where["network"]),
            target_tags=where["target_tags"],
            source_ranges=where.get("source_ranges"),
            source_tags=where.get("source_tags"),
        )

    make(
        "theirs",
        [{"IPProtocol": "tcp", "ports": ["80"]}],
        network="default",
        target_tags=["clocker-demo"],
        source_ranges=["0.0.0.0/0"],
    )
    return SimpleNamespace(
        ex_list_firewalls=lambda: list(walls.values()),
        ex_create_firewall=make,
        ex_destroy_firewall=lambda wall: walls.pop(wall.name),
    )


KINDS: tuple[tuple[GroupCalls, Callable[[], Any]], ...] = (
    (Ec2Groups(), ec2),
    (OpenStackGroups(), openstack),
    (CloudStackGroups(), cloudstack),
    (GceFirewalls(), gce),
)
RULES = (
    Rule("tcp", 22, 22, "198.51.100.0/24"),
    Rule("udp", 4790, 4790, None),
    Rule("tcp", 30000, 32767, "0.0.0.0/0"),
)


def groups_of(calls: GroupCalls, driver: Any) -> list[Group]:
    return [g for g in calls.listed(driver, None) if g.name == "clocker-demo"]


@pytest.mark.parametrize(("calls", "account"), KINDS, ids=lambda each: type(each).__name__)
def test_a_group_is_made_once_with_its_rules(calls: GroupCalls, account: Callable[[], Any]) -> None:
    driver = account()
    for _ in range(2):
        ensure_group(calls, driver, "clocker-demo", "default", RULES)

    (group,) = groups_of(calls, driver)

    assert {rule for rule in group.rules if rule.protocol != "icmp"} == set(RULES)
    calls.delete(driver, group)
    assert groups_of(calls, driver) == []


def test_somebody_elses_firewall_stays_when_a_group_goes() -> None:
    driver, calls = gce(), GceFirewalls()
    ensure_group(calls, driver, "clocker-demo", "default", RULES)

    (group,) = groups_of(calls, driver)
    calls.delete(driver, group)

    assert [wall.name for wall in driver.ex_list_firewalls()] == ["theirs"]


def test_of_twins_that_were_made_at_once_one_stays() -> None:
    driver, calls = openstack(), OpenStackGroups()
    for _ in range(2):
        calls.make(driver, "clocker-demo", None)

    group = ensure_group(calls, driver, "clocker-demo", None, RULES)

    assert [found.id for found in groups_of(calls, driver)] == [group.id] == ["id-0"]


def test_ec2_opens_nothing_for_ipv6() -> None:
    driver = ec2()

    with pytest.raises(ProviderError, match="IPv6"):
        ensure_group(Ec2Groups(), driver, "g", None, [Rule("tcp", 22, 22, "2001:db8::/32")])
