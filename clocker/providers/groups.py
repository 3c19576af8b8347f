"""The security groups of libcloud's drivers, each in its own words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from clocker.errors import ProviderError
from clocker.providers.firewall import Group, Rule
from clocker.providers.tagging import Arguments, Driver

# Of an EC2 account, where no subnet is given.
DEFAULT_VPC = "default"
DESCRIPTION = "Made by Clocker for the hosts of a cloud"


@dataclass(frozen=True, slots=True)
class Ec2Groups:
    """By id in a VPC. Without a subnet, EC2 takes names, of the default VPC's groups."""

    def listed(self, driver: Driver, network: str | None) -> Sequence[Group]:
        filters = {"vpc-id": _vpc(driver, network)} if network else None
        return [
            Group(g.id, g.name, frozenset(_ec2_rules(g)), g)
            for g in driver.ex_get_security_groups(filters=filters)
        ]

    def make(self, driver: Driver, name: str, network: str | None) -> None:
        where = None if network == DEFAULT_VPC else network
        driver.ex_create_security_group(name, DESCRIPTION, vpc_id=where)

    def allow(self, driver: Driver, group: Group, rule: Rule) -> None:
        _refuse_ipv6(rule)
        source: dict[str, Any] = (
            {"cidr_ips": [rule.source]}
            if rule.source
            else {"group_pairs": [{"group_id": group.id}]}
        )
        driver.ex_authorize_security_group_ingress(
            group.id, rule.first, rule.last, protocol=rule.protocol, **source
        )

    def delete(self, driver: Driver, group: Group) -> None:
        driver.ex_delete_security_group_by_id(group.id)

    def arguments(self, groups: Sequence[Group], network: str | None) -> Arguments:
        if network in (None, DEFAULT_VPC):
            return {"ex_security_groups": [group.name for group in groups]}
        return {"ex_security_group_ids": [group.id for group in groups]}


@dataclass(frozen=True, slots=True)
class OpenStackGroups:
    """Of a project; names may be given twice."""

    def listed(self, driver: Driver, network: str | None) -> Sequence[Group]:
        return [
            Group(str(g.id), g.name, frozenset(_openstack_rule(g, r) for r in g.rules), g)
            for g in driver.ex_list_security_groups()
        ]

    def make(self, driver: Driver, name: str, network: str | None) -> None:
        driver.ex_create_security_group(name, DESCRIPTION)

    def allow(self, driver: Driver, group: Group, rule: Rule) -> None:
        source: dict[str, Any] = (
            {"cidr": rule.source} if rule.source else {"source_security_group": group.vendor}
        )
        driver.ex_create_security_group_rule(
            group.vendor, rule.protocol, rule.first, rule.last, **source
        )

    def delete(self, driver: Driver, group: Group) -> None:
        driver.ex_delete_security_group(group.vendor)

    def arguments(self, groups: Sequence[Group], network: str | None) -> Arguments:
        return {"ex_security_groups": [group.vendor for group in groups]}


@dataclass(frozen=True, slots=True)
class CloudStackGroups:
    """Of an account, by name, in zones that have them (basic, or advanced with groups)."""

    def listed(self, driver: Driver, network: str | None) -> Sequence[Group]:
        return [
            Group(str(g["id"]), g["name"], frozenset(_cloudstack_rules(g)), g)
            for g in driver.ex_list_security_groups()
        ]

    def make(self, driver: Driver, name: str, network: str | None) -> None:
        driver.ex_create_security_group(name, description=DESCRIPTION)

    def allow(self, driver: Driver, group: Group, rule: Rule) -> None:
        if rule.source is not None:
            driver.ex_authorize_security_group_ingress(
                group.name, rule.protocol, rule.source, rule.first, rule.last
            )
            return
        # The method would send a CIDR of None with it.
        parameters = {
            "securitygroupname": group.name,
            "protocol": rule.protocol.upper(),
            "startport": rule.first,
            "endport": rule.last,
            "usersecuritygrouplist[0].account": group.vendor["account"],
            "usersecuritygrouplist[0].group": group.name,
        }
        driver._async_request("authorizeSecurityGroupIngress", params=parameters, method="GET")

    def delete(self, driver: Driver, group: Group) -> None:
        driver.ex_delete_security_group(group.name)

    def arguments(self, groups: Sequence[Group], network: str | None) -> Arguments:
        return {"ex_security_groups": [group.name for group in groups]}


@dataclass(frozen=True, slots=True)
class GceFirewalls:
    """Google has no groups: firewall rules of a network, for the machines with a network tag. A
    group is its rules, named after it, and the tag of that name."""

    def listed(self, driver: Driver, network: str | None) -> Sequence[Group]:
        found: dict[str, Group] = {}
        for wall in driver.ex_list_firewalls():
            for name in wall.target_tags or []:
                if not wall.name.startswith(f"{name}-") or network not in (None, wall.network.name):
                    continue  # somebody's own rule for these machines, or another network's
                group = found.get(name, Group(name, name, vendor=()))
                found[name] = replace(
                    group,
                    rules=group.rules | frozenset(_gce_rules(name, wall)),
                    vendor=(*group.vendor, wall),
                )
        return list(found.values())

    def make(self, driver: Driver, name: str, network: str | None) -> None:
        """A rule at least, which opens nothing that is not open: to ping among the machines."""
        wall = _gce_name(name, network, Rule("icmp", 0, 0, None))
        self._wall(driver, name, wall, {"IPProtocol": "icmp"}, None, network)

    def allow(self, driver: Driver, group: Group, rule: Rule) -> None:
        ports = {"IPProtocol": rule.protocol, "ports": [f"{rule.first}-{rule.last}"]}
        network = next((wall.network.name for wall in group.vendor), None)
        wall = _gce_name(group.name, network, rule)
        self._wall(driver, group.name, wall, ports, rule.source, network)

    def delete(self, driver: Driver, group: Group) -> None:
        for wall in group.vendor:
            driver.ex_destroy_firewall(wall)

    def arguments(self, groups: Sequence[Group], network: str | None) -> Arguments:
        return {"ex_tags": [group.name for group in groups]}

    def _wall(
        self,
        driver: Driver,
        tag: str,
        name: str,
        allowed: dict[str, Any],
        source: str | None,
        network: str | None,
    ) -> None:
        driver.ex_create_firewall(
            name,
            [allowed],
            network=network or "default",
            target_tags=[tag],
            description=DESCRIPTION,
            **({"source_ranges": [source]} if source else {"source_tags": [tag]}),
        )


def _vpc(driver: Driver, network: str) -> str:
    if network != DEFAULT_VPC:
        return network
    vpcs = driver.ex_list_networks(filters={"is-default": "true"})
    if not vpcs:
        raise ProviderError(
            "the account has no default VPC in this region",
            remedy="set `subnet` or `network` in the provider's entry",
        )
    return str(vpcs[0].id)


def _ec2_rules(group: Any) -> list[Rule]:
    found = []
    for rule in group.ingress_rules:
        if not rule["from_port"]:
            continue  # of another protocol than ours
        ports = (rule["protocol"], int(rule["from_port"]), int(rule["to_port"]))
        found += [Rule(*ports, cidr) for cidr in rule["cidr_ips"]]
        found += [Rule(*ports, None) for p in rule["group_pairs"] if p["group_id"] == group.id]
    return found


def _openstack_rule(group: Any, rule: Any) -> Rule:
    source = rule.group.get("name")  # or the id, as Neutron has it
    ours = source in (group.id, group.name)
    return Rule(
        str(rule.ip_protocol).lower(),
        int(rule.from_port or 0),
        int(rule.to_port or 0),
        None if ours else str(rule.ip_range or source or ANY),
    )


ANY = "any"


def _cloudstack_rules(group: Any) -> list[Rule]:
    return [
        Rule(
            rule["protocol"].lower(),
            int(rule.get("startport", 0)),
            int(rule.get("endport", 0)),
            None if rule.get("securitygroupname") == group["name"] else rule.get("cidr", ANY),
        )
        for rule in group.get("ingressrule", [])
    ]


def _gce_rules(tag: str, wall: Any) -> list[Rule]:
    found = []
    sources: list[str | None] = list(wall.source_ranges or [])
    sources += [None] if tag in (wall.source_tags or []) else []
    for allowed in wall.allowed or []:
        for ports in allowed.get("ports", []):
            first, _, last = str(ports).partition("-")
            found += [
                Rule(allowed["IPProtocol"], int(first), int(last or first), source)
                for source in sources
            ]
    return found


def _gce_name(tag: str, network: str | None, rule: Rule) -> str:
    """The same for the same rule, so that it is made once."""
    return f"{tag}-{hashlib.sha256(repr((network, rule)).encode()).hexdigest()[:8]}"


def _refuse_ipv6(rule: Rule) -> None:
    if rule.source and ":" in rule.source:
        raise ProviderError(
            f"this driver cannot open a port for the IPv6 source {rule.source}",
            remedy="name IPv4 addresses in firewall.from, or groups of yours in firewall.groups",
        )
