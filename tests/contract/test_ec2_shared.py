"""What a cloud's machines share on EC2: its key pair and its security group."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from ec2_server import IMAGE, Ec2, Fault, serving

from clocker.errors import ConfigError, NoCapacity, ProviderError, QuotaExceeded
from clocker.model import (
    FirewallWish,
    HostRequest,
    ImageWish,
    Opening,
    ProviderEntry,
    Remnant,
    RemnantKind,
    Resources,
    SizeWish,
    Source,
)
from clocker.providers import open_provider
from clocker.providers.compute import ComputeProvider
from clocker.testing import RecordingProgress

MARK = "0123456789abcdef"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Z1m2m0PjXc0v0kGz6xk2Q7yQ9vXq9oS1sXbZ9oJ2a"
OPENINGS = (
    Opening("tcp", 22, 22, Source.CONTROLLER),
    Opening("udp", 4790, 4790, Source.HOSTS),
    Opening("tcp", 30000, 32767, Source.ANYONE),
)


@pytest.fixture
def ec2() -> Iterator[Ec2]:
    with serving() as server:
        yield server


def provider_at(ec2: Ec2, **changes: object) -> ComputeProvider:
    entry = ProviderEntry(
        "aws",
        "ec2",
        arguments=ec2.arguments(),
        image=ImageWish(IMAGE),
        size=SizeWish(("t3.small",)),
        interface="private",
        firewall=FirewallWish(sources=("198.51.100.0/24",)),
    )
    provider = open_provider(replace(entry, **changes), RecordingProgress())  # type: ignore[arg-type]
    assert isinstance(provider, ComputeProvider)
    return replace(provider, sleep=lambda _: None)


def request(host: str = "h1", mark: str = MARK) -> HostRequest:
    return HostRequest(
        id=f"id-{host}-{mark}",
        cloud="demo",
        name=host,
        resources=Resources(),
        provider="aws",
        tags={"clocker-key": mark},
        public_key=KEY,
        openings=OPENINGS,
        timeout_s=60,
    )


def rules_of(provider: ComputeProvider, name: str) -> set[tuple[str, str, str]]:
    (group,) = provider.connect().ex_get_security_groups(filters={"group-name": name})
    return {
        (rule["protocol"], f"{rule['from_port']}-{rule['to_port']}", source)
        for rule in group.ingress_rules
        for source in [
            *rule["cidr_ips"],
            *("itself" for pair in rule["group_pairs"] if pair["group_id"] == group.id),
        ]
    }


def test_many_at_once_share_one_key_pair_and_one_group(ec2: Ec2) -> None:
    provider = provider_at(ec2)
    with ThreadPoolExecutor() as pool:
        list(pool.map(provider.obtain, [request(f"h{number}") for number in range(4)]))

    name = f"clocker-demo-{MARK}"
    assert [pair.name for pair in provider.connect().list_key_pairs()] == [name]
    assert rules_of(provider, name) == {
        ("tcp", "22-22", "198.51.100.0/24"),
        ("udp", "4790-4790", "itself"),
    }
    for instance in ec2.instances():
        assert instance["KeyName"] == name
        assert [group["GroupName"] for group in instance["SecurityGroups"]] == [name]


def test_published_ports_are_opened_where_the_entry_says_so(ec2: Ec2) -> None:
    wish = FirewallWish(sources=("198.51.100.0/24",), published=True)
    provider = provider_at(ec2, firewall=wish)

    provider.obtain(request())

    assert ("tcp", "30000-32767", "0.0.0.0/0") in rules_of(provider, f"clocker-demo-{MARK}")


def test_existing_groups_are_used_as_they_are(ec2: Ec2) -> None:
    driver = provider_at(ec2).connect()
    driver.ex_create_security_group("ours", "of ours")
    provider = provider_at(ec2, firewall=FirewallWish(groups=("ours",)))

    provider.obtain(request())

    (instance,) = ec2.instances()
    assert [group["GroupName"] for group in instance["SecurityGroups"]] == ["ours"]
    assert RemnantKind.SECURITY_GROUP not in {r.kind for r in provider.remnants("demo")}


def test_a_group_that_there_is_not_is_named(ec2: Ec2) -> None:
    provider = provider_at(ec2, firewall=FirewallWish(groups=("nobodys",)))

    with pytest.raises(ProviderError, match="no security group 'nobodys'"):
        provider.obtain(request())

    assert not ec2.instances()


def test_nobody_is_let_in_where_nobody_knows_who_asks(ec2: Ec2) -> None:
    provider = provider_at(ec2, interface="public", firewall=FirewallWish())

    with pytest.raises(ConfigError, match="not known") as caught:
        provider.obtain(request())

    assert "firewall.from" in str(caught.value)
    assert not ec2.instances()


def test_what_is_shared_is_a_remnant_and_goes(ec2: Ec2) -> None:
    provider, other = provider_at(ec2), "fedcba9876543210"
    mine, theirs = provider.obtain(request()), provider.obtain(request(mark=other))

    found = {(remnant.kind, remnant.name) for remnant in provider.remnants("demo")}
    provider.release(mine.id)
    for remnant in provider.remnants("demo"):
        if remnant.tags["clocker-key"] == MARK:
            provider.remove(remnant)
            provider.remove(remnant)

    shared = {RemnantKind.KEY_PAIR, RemnantKind.SECURITY_GROUP}
    assert {(kind, f"clocker-demo-{mark}") for kind in shared for mark in (MARK, other)} <= found
    assert {r.tags["clocker-key"] for r in provider.remnants("demo")} == {other}
    assert [node.id for node in provider.list("demo")] == [theirs.id]


def test_a_group_that_is_in_use_is_left_and_said_so(ec2: Ec2) -> None:
    provider = provider_at(ec2)
    provider.obtain(request())
    kinds = {remnant.kind: remnant for remnant in provider.remnants("demo")}

    with pytest.raises(ProviderError):
        provider.remove(kinds[RemnantKind.SECURITY_GROUP])

    assert kinds[RemnantKind.SECURITY_GROUP] in provider.remnants("demo")


# moto makes no root where others are asked for.
ROOT = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8, "DeleteOnTermination": "true"}}
LASTING = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 7, "DeleteOnTermination": "false"}}


def with_a_lasting_volume(ec2: Ec2) -> ComputeProvider:
    return provider_at(ec2, create={"ex_blockdevicemappings": [ROOT, LASTING]})


def volumes_of(ec2: Ec2) -> dict[str, dict[str, str]]:
    """Tags by id."""
    volumes = ec2.client().describe_volumes()["Volumes"]
    return {v["VolumeId"]: {t["Key"]: t["Value"] for t in v.get("Tags", [])} for v in volumes}


def volumes_left(provider: ComputeProvider) -> list[Remnant]:
    return [r for r in provider.remnants("demo") if r.kind is RemnantKind.VOLUME]


def test_the_volumes_of_a_machine_carry_its_tags_and_are_its_own(ec2: Ec2) -> None:
    provider = with_a_lasting_volume(ec2)

    provider.obtain(request())

    carried = volumes_of(ec2)
    assert len(carried) == 2, "the root and the one that was asked for"
    for tags in carried.values():
        assert tags["clocker-host"] == request().id
        assert (tags["clocker-cloud"], tags["clocker-key"]) == ("demo", MARK)
    assert volumes_left(provider) == []


def test_a_volume_that_outlives_its_machine_is_a_remnant_and_goes(ec2: Ec2) -> None:
    provider = with_a_lasting_volume(ec2)
    theirs = ec2.client().create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    node, other = provider.obtain(request()), provider.obtain(request("h2"))

    provider.release(node.id)

    (left,) = volumes_left(provider)
    assert left.tags["clocker-host"] == request().id
    assert left.created_at
    provider.remove(left)
    provider.remove(left)
    assert volumes_left(provider) == []
    assert theirs in volumes_of(ec2)
    assert [each.id for each in provider.list("demo")] == [other.id]
    assert len(volumes_of(ec2)) == 3


def test_a_volume_of_a_machine_that_lives_is_not_removed(ec2: Ec2) -> None:
    provider = with_a_lasting_volume(ec2)
    provider.obtain(request())
    for identity, tags in volumes_of(ec2).items():
        with pytest.raises(ProviderError):
            provider.remove(Remnant(RemnantKind.VOLUME, identity, identity, tags))

    assert len(volumes_of(ec2)) == 2


def test_what_carries_no_tags_of_ours_is_no_remnant(ec2: Ec2) -> None:
    client, provider = ec2.client(), provider_at(ec2)
    theirs = client.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    client.create_tags(Resources=[theirs], Tags=[{"Key": "clocker-cloud", "Value": "demo"}])

    assert volumes_left(provider) == [], "it does not say whose host it was"
    provider.remove(Remnant(RemnantKind.VOLUME, theirs, "theirs", {"clocker-cloud": "other"}))

    assert theirs in volumes_of(ec2)


def test_a_volume_that_somebody_attached_to_a_host_stays_his(ec2: Ec2) -> None:
    client, provider = ec2.client(), provider_at(ec2)
    node = provider.obtain(request())
    (instance,) = ec2.instances()
    zone = instance["Placement"]["AvailabilityZone"]
    theirs = client.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    client.attach_volume(VolumeId=theirs, InstanceId=node.id, Device="/dev/sdg")

    provider.obtain(replace(request(), node_id=node.id))

    assert volumes_of(ec2)[theirs] == {}


def test_where_capacity_is_short_the_next_size_is_tried(ec2: Ec2) -> None:
    provider = provider_at(ec2, size=SizeWish(("t3.small", "t3.medium")))
    ec2.faults = [
        Fault("RunInstances", "InsufficientInstanceCapacity", parameters={"InstanceType": size})
        for size in ("t3.small",)
    ]

    provider.obtain(request())

    assert [instance["InstanceType"] for instance in ec2.instances()] == ["t3.medium"]


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        ("InsufficientInstanceCapacity", NoCapacity),
        ("VcpuLimitExceeded", QuotaExceeded),
        ("InstanceLimitExceeded", QuotaExceeded),
    ],
)
def test_why_there_is_none_is_told_apart(ec2: Ec2, code: str, becomes: type[ProviderError]) -> None:
    ec2.faults = [Fault("RunInstances", code)]

    with pytest.raises(becomes, match=code):
        provider_at(ec2).obtain(request())

    assert not ec2.instances()


def test_too_many_requests_are_made_again(ec2: Ec2) -> None:
    ec2.faults = [Fault("RunInstances", "RequestLimitExceeded") for _ in range(3)]

    provider_at(ec2).obtain(request())

    assert len(ec2.instances()) == 1


def test_a_lost_answer_is_asked_for_again(ec2: Ec2) -> None:
    ec2.faults = [Fault("RunInstances")]

    node = provider_at(ec2).obtain(request())

    assert [instance["InstanceId"] for instance in ec2.instances()] == [node.id]


def test_a_token_whose_machine_was_undone_does_not_stand_in_the_way(ec2: Ec2) -> None:
    provider = provider_at(ec2)
    for _ in range(3):
        provider.release(provider.obtain(request()).id)

    node = provider.obtain(request())

    assert [each["InstanceId"] for each in ec2.instances("running")] == [node.id]


def test_each_network_of_a_cloud_has_its_own_group(ec2: Ec2) -> None:
    client = ec2.client()
    vpc = client.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    made = client.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")
    subnet = made["Subnet"]["SubnetId"]
    inside, outside = provider_at(ec2, subnet=subnet), provider_at(ec2)

    for host, provider in (("h1", inside), ("h2", outside), ("h3", inside), ("h4", outside)):
        provider.obtain(request(host))

    groups = {}
    for instance in ec2.instances():
        (group,) = instance["SecurityGroups"]
        groups.setdefault(instance["VpcId"], set()).add(group["GroupId"])
    assert len(groups) == 2
    assert all(len(ids) == 1 for ids in groups.values())
    left = [r for r in outside.remnants("demo") if r.kind is RemnantKind.SECURITY_GROUP]
    assert {remnant.id for remnant in left} == set.union(*groups.values())
