"""Where each API has, in what it lists, that which was sent when it was made: see
``vendor_accounts``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vendor_accounts import Sent


def put(key: str, *path: str) -> Any:
    """Into ``key`` of a machine what was sent at ``path`` of the create's document."""

    def tagged(machine: Any, sent: Sent, _: Sent | None) -> None:
        value = sent.json
        for part in path or (key,):
            value = value[part]
        machine[key] = value

    return tagged


def cloudstack_tagged(machine: Any, sent: Sent, written: Sent | None) -> None:
    machine["name"] = machine["displayname"] = sent.query["name"]
    query = written.query if written else {}
    keys = [key.removesuffix(".key") for key in query if key.endswith(".key")]
    machine["tags"] = [{"key": query[f"{k}.key"], "value": query[f"{k}.value"]} for k in keys]


def gce_machines(document: Any) -> list[Any]:
    """Of the zone that is asked for; the others have none."""
    for zone, found in document["items"].items():
        if zone != "zones/us-central1-a":
            found.pop("instances", None)
    machines: list[Any] = document["items"]["zones/us-central1-a"]["instances"]
    return machines


def gce_tagged(machine: Any, sent: Sent, _: Sent | None) -> None:
    machine["labels"] = sent.json["labels"]


def azure_machines(document: Any) -> list[Any]:
    """The first page is all."""
    document.pop("nextLink", None)
    machines: list[Any] = document["value"]
    return machines


def azure_tagged(machine: Any, sent: Sent, _: Sent | None) -> None:
    machine.update({key: sent.json[key] for key in ("id", "name", "tags")})


def scaleway_tagged(machine: Any, sent: Sent, _: Sent | None) -> None:
    """libcloud's have no address."""
    machine["tags"] = sent.json["tags"]
    machine["public_ip"] = {"address": "203.0.113.5"}


def upcloud_tagged(machine: Any, sent: Sent, stopped: Sent | None) -> None:
    server = machine.get("server", machine)
    server["title"] = sent.json["server"]["title"]
    if stopped is not None:
        server["state"] = "stopped"


def openstack_groups(document: Any, opened: Sequence[Sent]) -> None:
    """With what Neutron opens by itself: all ways out."""
    out = {"direction": "egress", "protocol": None, "port_range_min": None, "port_range_max": None}
    sent = [each.json for each in opened]
    rules = [one["security_group_rule"] for one in sent if "security_group_rule" in one]
    document["security_groups"] = [
        {
            **one["security_group"],
            "id": 6,
            "tenant_id": "68",
            "security_group_rules": [
                {"remote_ip_prefix": None, **rule, "security_group_id": 6, "id": number}
                for number, rule in enumerate([out, *rules])
            ],
        }
        for one in sent
        if "security_group" in one
    ]


def cloudstack_groups(document: Any, opened: Sequence[Sent]) -> None:
    made = [each.query for each in opened if "name" in each.query]
    rules = [each.query for each in opened if "protocol" in each.query]
    document["listsecuritygroupsresponse"] = {
        "count": len(made),
        "securitygroup": [
            {
                "id": "895f9e41",
                "name": one["name"],
                "account": "somebody",
                "ingressrule": [cloudstack_rule(rule) for rule in rules],
            }
            for one in made
        ],
    }


def cloudstack_rule(asked: dict[str, str]) -> dict[str, Any]:
    ports = {key: int(asked[key]) for key in ("startport", "endport")}
    group = asked.get("usersecuritygrouplist[0].group")
    source = {"securitygroupname": group} if group else {"cidr": asked["cidrlist"]}
    return {"ruleid": "b83428c0", "protocol": asked["protocol"].lower(), **ports, **source}


def gce_firewalls(document: Any, opened: Sequence[Sent]) -> None:
    """Besides those that are there."""
    like = document["items"][0]
    for one in opened:
        wall = {key: value for key, value in like.items() if key != "sourceRanges"}
        document["items"].append({**wall, **one.json})


def as_sent(key: str | None, **besides: Any) -> Any:
    """Puts what was sent, with ``besides``, into the list below a document's ``key``."""

    def listed(document: Any, made: Sequence[Sent]) -> None:
        known = document if key is None else document[key]
        known += [{**besides, **one.json} for one in made]

    return listed


def openstack_pairs(document: Any, made: Sequence[Sent]) -> None:
    document["keypairs"] += [
        {"keypair": {"fingerprint": "f5", **one.json["keypair"]}} for one in made
    ]


def cloudstack_pairs(document: Any, made: Sequence[Sent]) -> None:
    pairs = [{"name": one.query["name"], "fingerprint": "f5"} for one in made]
    document["listsshkeypairsresponse"] = {"count": len(pairs), "sshkeypair": pairs}


def scaleway_pairs(document: Any, made: Sequence[Sent]) -> None:
    """All keys are written at once."""
    if made:
        keys = made[-1].json["ssh_public_keys"]
        document["user"]["ssh_public_keys"] = [{"fingerprint": "f5", **key} for key in keys]
