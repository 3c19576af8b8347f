"""What Clocker asks of Amazon EC2, through libcloud, and how it bears EC2's answers. That EC2 keeps
the contract of every provider: ``test_providers.py``."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from ec2_server import IMAGE, Ec2, Fault, serving

from clocker.errors import InfrastructureError, Unreachable
from clocker.model import (
    FirewallWish,
    HostRequest,
    ImageWish,
    Opening,
    ProviderEntry,
    Resources,
    SizeWish,
    Source,
)
from clocker.providers import open_provider
from clocker.providers.compute import ComputeProvider
from clocker.providers.translation import translated
from clocker.testing import FakeKeys, RecordingProgress

MARK = "0123456789abcdef"
SHARED = f"clocker-demo-{MARK}"
USER_DATA = "#cloud-config\nhostname: h1\nssh_keys: {ed25519_private: b3BlbnNzaC1rZXktdjE}\n"


@pytest.fixture
def ec2() -> Iterator[Ec2]:
    with serving() as server:
        yield server


def provider_at(ec2: Ec2, **changes: Any) -> ComputeProvider:
    entry = ProviderEntry(
        "aws",
        "ec2",
        arguments=ec2.arguments(),
        image=ImageWish(IMAGE),
        size=SizeWish(("t3.small",)),
        interface="private",
        firewall=FirewallWish(sources=("198.51.100.7/32",)),
    )
    provider = open_provider(replace(entry, **changes), RecordingProgress())
    assert isinstance(provider, ComputeProvider)
    return replace(provider, sleep=lambda _: None)


def request(host: str = "h1") -> HostRequest:
    return HostRequest(
        id=f"id-{host}",
        cloud="demo",
        name=host,
        resources=Resources(),
        provider="aws",
        tags={"team": "blue", "clocker-key": MARK},
        public_key=FakeKeys("demo").public,
        openings=(Opening("tcp", 22, 22, Source.CONTROLLER),),
        user_data=USER_DATA,
        timeout_s=60,
    )


def test_the_instance_carries_tags_a_token_and_user_data(ec2: Ec2) -> None:
    node = provider_at(ec2).obtain(request())

    (instance,) = ec2.instances()
    assert instance["InstanceId"] == node.id
    assert node.access is not None
    assert node.access.address == node.private_address == instance["PrivateIpAddress"]
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert tags["Name"] == "demo-h1"
    assert tags["clocker-cloud"] == "demo"
    assert tags["clocker-host"] == "id-h1"
    assert tags["clocker-name"] == "h1"
    assert tags["team"] == "blue"
    assert ec2.received("RunInstances")[0].parameters["ClientToken"].startswith("id-h1")
    assert ec2.user_data(node.id) == USER_DATA


def test_user_data_is_not_quoted_when_the_endpoint_is_away() -> None:
    """libcloud asks by GET, and requests names the address that it could not reach."""
    with serving() as ec2:
        driver = provider_at(ec2).connect()
        size, image = driver.list_sizes()[0], driver.get_image(IMAGE)

    with pytest.raises(Unreachable, match="refused") as caught, translated("provider aws"):
        driver.create_node("h1", size, image, ex_userdata=USER_DATA)

    assert "/?... " in caught.value.what
    assert "UserData" not in caught.value.what
    assert b64encode(USER_DATA.encode()).decode()[:40] not in caught.value.what


def test_where_a_zone_has_no_capacity_the_next_one_is_tried(ec2: Ec2) -> None:
    provider = provider_at(ec2, locations=("us-east-1c", "us-east-1b"))
    full = {"Placement.AvailabilityZone": "us-east-1c"}
    ec2.faults = [Fault("RunInstances", "InsufficientInstanceCapacity", parameters=full)]

    node = provider.obtain(request())

    (instance,) = ec2.instances()
    assert instance["Placement"]["AvailabilityZone"] == node.zone == "us-east-1b"
    (refusal,) = node.refusals
    assert refusal.startswith("t3.small in us-east-1c: InsufficientInstanceCapacity")


CALLS = (
    *("DescribeInstances", "DescribeImages", "DescribeKeyPairs", "DescribeSecurityGroups"),
    *("ImportKeyPair", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RunInstances"),
    *("TerminateInstances", "DeleteKeyPair", "DeleteSecurityGroup"),
)
FAULTS = {
    "lost": Fault,
    "throttled": lambda call: Fault(call, "RequestLimitExceeded"),
    "broken": lambda call: Fault(call, "InternalError", "500 Internal Server Error"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", FAULTS)
def test_whatever_call_fails_all_is_there_once_and_goes(ec2: Ec2, call: str, kind: str) -> None:
    provider = provider_at(ec2)
    fault = FAULTS[kind](call)
    ec2.faults = [fault]
    at_last = at_once if kind == "throttled" else twice_at_most

    node = at_last(lambda: provider.obtain(request()))
    assert [instance["InstanceId"] for instance in ec2.instances()] == [node.id]
    assert left_of(ec2) == (1, 1, 1)

    at_last(lambda: provider.release(node.id))
    at_last(lambda: remove_shared(provider))
    assert left_of(ec2) == (0, 0, 0)
    assert fault.times == 0, "it was met"


def at_once(do: Callable[[], Any]) -> Any:
    return do()


def twice_at_most(do: Callable[[], Any]) -> Any:
    """As a person would, once more after an error."""
    try:
        return do()
    except InfrastructureError:
        return do()


def remove_shared(provider: ComputeProvider) -> None:
    for remnant in provider.remnants("demo"):
        provider.remove(remnant)


def left_of(ec2: Ec2) -> tuple[int, int, int]:
    """Instances, key pairs and security groups, without EC2's own."""
    client = ec2.client()
    pairs = [pair["KeyName"] for pair in client.describe_key_pairs()["KeyPairs"]]
    groups = client.describe_security_groups()["SecurityGroups"]
    named = [group["GroupName"] for group in groups if group["GroupName"] != "default"]
    assert {*pairs, *named} <= {SHARED}
    return len(ec2.instances()), len(pairs), len(named)


@pytest.mark.parametrize("interface", ["private", "public"])
@pytest.mark.parametrize("named", ["subnet", "network"])
def test_in_a_network_of_ones_own_the_group_is_there_too(
    ec2: Ec2, named: str, interface: str
) -> None:
    client = ec2.client()
    vpc = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = client.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    where = {"subnet": subnet, "network": vpc}[named]
    provider = provider_at(ec2, interface=interface, **{named: where})

    node = provider.obtain(request())

    (instance,) = ec2.instances()
    assert (instance["VpcId"], instance["SubnetId"]) == (vpc, subnet)
    assert str(node.private_address).startswith("10.9.1.")
    address = {"private": "PrivateIpAddress", "public": "PublicIpAddress"}[interface]
    assert node.access is not None
    assert node.access.address == instance[address]
    (group,) = instance["NetworkInterfaces"][0]["Groups"]
    (there,) = client.describe_security_groups(GroupIds=[group["GroupId"]])["SecurityGroups"]
    assert (there["GroupName"], there["VpcId"]) == (SHARED, vpc)

    provider.release(node.id)
    remove_shared(provider)
    assert left_of(ec2) == (0, 0, 0)
