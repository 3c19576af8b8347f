"""One line for each infrastructure that libcloud ships answers of: see ``vendor_accounts``."""

from __future__ import annotations

from typing import Any

from vendor_accounts import Sent, Vendor

from clocker.model import ImageWish, ProviderEntry, Resources, SizeWish

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0n1zRMnDbvQ9X3vwC8sXb7W1nYqf4m2Tt8eQF1c9aK"

NO_BARE_METALS = '{"bare_metals": [], "meta": {"total": 0, "links": {"next": "", "prev": ""}}}'


def entry(driver: str, **fields: Any) -> ProviderEntry:
    return ProviderEntry("account", driver, **fields)


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


VENDORS = (
    Vendor(
        "digitalocean",
        entry(
            "digitalocean",
            arguments={"key": "token"},
            image=ImageWish(distribution="ubuntu", version="14.04"),
            size=SizeWish(least=Resources(2, 1024)),
            locations=("nyc1",),
        ),
        "test.compute.test_digitalocean_v2:DigitalOceanComputeMockHttp",
        ("common.digitalocean:DigitalOcean_v2_BaseDriver.connectionCls",),
        create=r"POST /v2/droplets",
        listing=r"GET /v2/droplets",
        destroy=r"DELETE /v2/droplets/3164444",
        machines=lambda document: document["droplets"],
        tagged=put("tags"),
        answers={
            r"POST /v2/droplets": "create_node.json",
            r"POST /v2/account/keys": "CREATE",
            r"DELETE /v2/droplets/3164444": "DESTROY",
        },
        refused={r".*": "UNAUTHORIZED"},
        image="14.04 x64",
        size="1gb",
        price_hour=0.01488,
        wire=('"119192817"', '"1gb"', '"nyc1"'),
    ),
    Vendor(
        "linode",
        entry(
            "linode",
            arguments={"key": "token", "api_version": "4.0"},
            image=ImageWish(distribution="debian"),
            size=SizeWish(least=Resources(2, 4096)),
            locations=("eu-west",),
        ),
        "test.compute.test_linode_v4:LinodeMockHttpV4",
        ("compute.drivers.linode:LinodeNodeDriverV4.connectionCls",),
        create=r"POST /v4/linode/instances",
        listing=r"GET /v4/linode/instances",
        destroy=r"DELETE /v4/linode/instances/22344420",
        machines=lambda document: document["data"],
        tagged=put("tags"),
        refused={r".*instances": "UNAUTHORIZED"},
        image="Debian 10",
        size="Linode 4GB",
        price_hour=0.03,
        wire=("eu-west", KEY),
    ),
    Vendor(
        "vultr",
        entry(
            "vultr",
            arguments={"key": "token"},
            image=ImageWish(distribution="debian"),
            size=SizeWish(least=Resources(1, 2048)),
            locations=("ams",),
        ),
        "test.compute.test_vultr_v2:VultrMockHttpV2",
        ("compute.drivers.vultr:VultrNodeDriverV2.connectionCls",),
        create=r"POST /v2/instances",
        listing=r"GET /v2/instances",
        destroy=r"DELETE /v2/instances/123",
        machines=lambda document: document["instances"],
        tagged=put("tag"),
        answers={r"GET /v2/bare-metals": (200, NO_BARE_METALS, {}, "OK")},
        refused={r".*ssh-keys": "UNAUTHORIZED"},
        price_hour=10 / 730,
        image="Debian 11 x64 (bullseye)",
        size="vc2-1c-2gb",
        wire=("ams", "vc2-1c-2gb"),
    ),
    Vendor(
        "openstack",
        entry(
            "openstack",
            arguments={
                "key": "user",
                "secret": "password",
                "secure": False,
                "host": "host",
                "port": 8774,
                "api_version": "2.2",
                "ex_force_auth_version": "2.0",
                "ex_force_auth_url": "https://auth.api.example.com",
            },
            image=ImageWish("f24a3c1b-d52a-4116-91da-25b3eee8f55e"),
            size=SizeWish(("15.5GB slice",)),
        ),
        "test.compute.test_openstack:OpenStack_2_0_MockHttp",
        ("common.openstack:OpenStackBaseConnection",),
        create=r"POST /v2/1337/servers",
        listing=r"GET /v2/1337/servers/detail",
        destroy=r"DELETE /v2/1337/servers/12064",
        machines=lambda document: document["servers"].reverse() or document["servers"],
        tagged=put("metadata", "server", "metadata"),
        image="hypernode",
        size="15.5GB slice",
        harmless=r"POST .*/tokens",
        refused={r".*/tokens": (401, "", {}, "Unauthorized")},
        wire=("f24a3c1b-d52a-4116-91da-25b3eee8f55e", '"flavorRef": "7"'),
    ),
    *(
        Vendor(
            driver,
            entry(
                driver,
                arguments={
                    "key": "key",
                    "secret": "secret",
                    "path": "/test/path",
                    "host": "api.dummy.com",
                },
                image=ImageWish("421"),
                size=SizeWish(("Compute Small PRD",)),
            ),
            "test.compute.test_cloudstack:CloudStackMockHttp",
            (connection,),
            create=r"GET /test/path deployVirtualMachine",
            listing=r"GET /test/path listVirtualMachines",
            destroy=r"GET /test/path destroyVirtualMachine",
            tagging=r"GET /test/path createTags",
            machines=lambda document: document["listvirtualmachinesresponse"]["virtualmachine"],
            tagged=cloudstack_tagged,
            image="XEN Basic Ubuntu 10.04 Server x64 PV r2.0",
            size="Compute Small PRD",
            refused={r".*": (401, "", {}, "Unauthorized")},
            wire=("templateid=421", "serviceofferingid=67"),
        )
        for driver, connection in (
            ("cloudstack", "common.cloudstack:CloudStackConnection"),
            ("exoscale", "common.cloudstack:CloudStackConnection"),
        )
    ),
)
