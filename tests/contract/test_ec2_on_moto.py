"""What Clocker asks of Amazon EC2, through libcloud, and how it bears EC2's answers. That EC2 keeps
the contract of every provider: ``test_providers.py``."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ec2_server import IMAGE, Ec2, serving

from clocker.errors import Unreachable
from clocker.model import HostRequest, ImageWish, ProviderEntry, Resources, SizeWish
from clocker.providers import open_provider
from clocker.providers.compute import ComputeProvider
from clocker.providers.translation import translated
from clocker.testing import RecordingProgress

USER_DATA = "#cloud-config\nhostname: h1\nssh_keys: {ed25519_private: b3BlbnNzaC1rZXktdjE}\n"


@pytest.fixture
def ec2() -> Iterator[Ec2]:
    with serving() as server:
        yield server


def provider_at(ec2: Ec2) -> ComputeProvider:
    entry = ProviderEntry(
        "aws",
        "ec2",
        arguments=ec2.arguments(),
        image=ImageWish(IMAGE),
        size=SizeWish(("t3.small",)),
        interface="private",
    )
    provider = open_provider(entry, RecordingProgress())
    assert isinstance(provider, ComputeProvider)
    return replace(provider, sleep=lambda _: None)


def request(host: str = "h1") -> HostRequest:
    return HostRequest(
        id=f"id-{host}",
        cloud="demo",
        name=host,
        resources=Resources(),
        provider="aws",
        tags={"team": "blue"},
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
