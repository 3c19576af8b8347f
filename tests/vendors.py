"""One line for each infrastructure that libcloud ships answers of: see ``vendor_accounts``."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from vendor_accounts import Shelf, Vendor
from vendor_shapes import (
    as_sent,
    azure_machines,
    azure_tagged,
    cloudstack_groups,
    cloudstack_pairs,
    cloudstack_tagged,
    gce_firewalls,
    gce_machines,
    gce_tagged,
    openstack_groups,
    openstack_pairs,
    put,
    scaleway_pairs,
    scaleway_tagged,
    upcloud_tagged,
)

from clocker.model import ImageWish, ProviderEntry, Resources, SizeWish

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0n1zRMnDbvQ9X3vwC8sXb7W1nYqf4m2Tt8eQF1c9aK"
USER_DATA = "#cloud-config\nhostname: h1\n"

HURRIED = SimpleNamespace(time=time.time, sleep=lambda _: None)

NO_BARE_METALS = '{"bare_metals": [], "meta": {"total": 0, "links": {"next": "", "prev": ""}}}'
INVALID_GRANT = '{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'
INVALID_CLIENT = (
    '{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."}'
)
NOT_CREDENTIAL = '{"errorCode": "NOT_CREDENTIAL", "message": "This credential does not exist"}'
UPCLOUD_REFUSES = '{"error": {"error_code": "AUTHENTICATION_FAILED", "error_message": "failed"}}'
NOT_LOGGED_IN = '{"message": "you are not logged in"}'
NO_SERVERS = '{"error": true, "message": "No servers found (name=\'.*\')"}'
UPCLOUD_ID = "00f8c525-7e62-4108-8115-3958df5b43dc"
AZURE_RUNS = (
    '{"statuses": [{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/running"}]}'
)
AZURE_GROUP = r"/subscriptions/[9-]+/resourceGroups/000000/providers"
AZURE_CARDS = json.dumps(
    {
        "value": [
            {
                "name": name,
                "id": f"/subscriptions/99999999/resourceGroups/000000/providers/Microsoft.Network"
                f"/networkInterfaces/{name}",
                "location": "eastus",
                "properties": {},
            }
            for name in ("theirs-nic", "demo-demo-5c1d2e-4bd69165-nic")
        ]
    }
)
AZURE_FILE = "_subscriptions_99999999_resourceGroups_000000_providers_Microsoft"


def entry(driver: str, **fields: Any) -> ProviderEntry:
    return ProviderEntry("account", driver, **fields)


def private_key() -> str:
    """As of a service account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encodings = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(*encodings, serialization.NoEncryption()).decode()


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
            r"DELETE /v2/account/keys/119": (204, "", {}, "No Content"),
        },
        pairs=Shelf(
            r"POST /v2/account/keys",
            r"DELETE /v2/account/keys/119",
            r"GET /v2/account/keys",
            as_sent("ssh_keys", id=119, fingerprint="f5"),
        ),
        refused={r".*": "UNAUTHORIZED"},
        image="14.04 x64",
        size="1gb",
        price_hour=0.01488,
        wire=('"119192817"', '"1gb"', '"nyc1"', "[119]"),
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
        pairs=Shelf(
            r"POST /v2/ssh-keys",
            r"DELETE /v2/ssh-keys/119",
            r"GET /v2/ssh-keys",
            as_sent("ssh_keys", id="119", date_created="2022-01-26T17:11:19+00:00"),
        ),
        answers={
            r"GET /v2/bare-metals": (200, NO_BARE_METALS, {}, "OK"),
            r"DELETE /v2/ssh-keys/119": (204, "", {}, "No Content"),
        },
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
        groups=Shelf(
            r"POST .*/security-group(s|-rules)",
            r"DELETE .*/security-groups/6",
            r"GET .*/security-groups",
            openstack_groups,
        ),
        pairs=Shelf(
            r"POST .*/os-keypairs",
            r"DELETE .*/os-keypairs/clocker-.*",
            r"GET .*/os-keypairs",
            openstack_pairs,
        ),
        answers={r"DELETE .*/os-keypairs/clocker-.*": (202, "", {}, "Accepted")},
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
            groups=Shelf(
                r"GET /test/path (create|authorize)SecurityGroup(Ingress)?",
                r"GET /test/path deleteSecurityGroup",
                r"GET /test/path listSecurityGroups",
                cloudstack_groups,
            ),
            pairs=Shelf(
                r"GET /test/path registerSSHKeyPair",
                r"GET /test/path deleteSSHKeyPair",
                r"GET /test/path listSSHKeyPairs",
                cloudstack_pairs,
            ),
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
    Vendor(
        "gce",
        entry(
            "gce",
            arguments={
                "user_id": "email@developer.gserviceaccount.com",
                "key": private_key(),
                "project": "project_name",
                "datacenter": "us-central1-a",
                "credential_file": "/dev/null",
            },
            image=ImageWish("debian-7-wheezy-v20131120"),
            size=SizeWish(("n1-standard-1",)),
            locations=("us-central1-a",),
        ),
        "test.compute.test_gce:GCEMockHttp",
        ("compute.drivers.gce:GCENodeDriver.connectionCls",),
        create=r"POST .*/zones/us-central1-a/instances",
        listing=r"GET .*/aggregated/instances",
        single=r"GET .*/zones/us-central1-a/instances/[^/]+",
        destroy=r"DELETE .*/zones/us-central1-a/instances/node-name",
        machines=gce_machines,
        tagged=gce_tagged,
        groups=Shelf(
            r"POST .*/firewalls",
            r"DELETE .*/firewalls/.*",
            r"GET .*/firewalls",
            gce_firewalls,
        ),
        answers={
            r"GET .*/instances/demo-.*": "zones_us-central1-a_instances_node-name.json",
            r"GET .*/firewalls/.*": "global_firewalls_lcfirewall.json",
            r"DELETE .*/firewalls/.*": "global_firewalls_lcfirewall_delete.json",
        },
        besides={
            "common.google:GoogleBaseAuthConnection": ("test.common.test_google:GoogleAuthMockHttp")
        },
        harmless=r"POST /o/oauth2/token",
        refused={r"POST /o/oauth2/token": (400, INVALID_GRANT, {}, "Bad Request")},
        image="debian-7-wheezy-v20131120",
        size="n1-standard-1",
        price_hour=0.04749975,
        wire=("debian-7-wheezy", "n1-standard-1", KEY),
    ),
    Vendor(
        "azure_arm",
        entry(
            "azure_arm",
            arguments={
                "tenant_id": "77777777-7777-7777-7777-777777777777",
                "subscription_id": "99999999",
                "key": "55555555-5555-5555-5555-555555555555",
                "secret": "p4ssw0rd",
                "region": "eastus",
            },
            image=ImageWish(distribution="debian", version="12"),
            size=SizeWish(least=Resources(2, 2048)),
            network="net",
            ssh_user="azureuser",
            interface="private",
            create={"ex_resource_group": "000000", "ex_use_managed_disks": True},
        ),
        "test.compute.test_azure_arm:AzureMockHttp",
        ("compute.drivers.azure_arm:AzureNodeDriver.connectionCls",),
        create=rf"PUT {AZURE_GROUP}/Microsoft.Compute/virtualMachines/[^/]+",
        listing=r"GET /subscriptions/99999999/providers/Microsoft.Compute/virtualMachines",
        single=rf"(PUT|GET) {AZURE_GROUP}/Microsoft.Compute/virtualMachines/[^/]+",
        destroy=rf"DELETE {AZURE_GROUP}/Microsoft.Compute/virtualMachines/[^/]+",
        machines=azure_machines,
        tagged=azure_tagged,
        also={"compute.drivers.azure_arm:time": HURRIED},
        answers={
            r"(PUT|GET) .*/virtualMachines/[^/]+": (
                f"{AZURE_FILE}_Compute_virtualMachines_test_node_1.json"
            ),
            r"GET .*/virtualMachines/.*/InstanceView": (200, AZURE_RUNS, {}, "OK"),
            r"(PUT|GET) .*/networkInterfaces/.*": (
                f"{AZURE_FILE}_Network_networkInterfaces_test_node_1_nic.json"
            ),
            r"GET .*/networkInterfaces": (200, AZURE_CARDS, {}, "OK"),
            r"DELETE .*": (202, "", {}, "Accepted"),
        },
        harmless=r"POST .*/oauth2/token",
        refused={r"POST .*/oauth2/token": (401, INVALID_CLIENT, {}, "Unauthorized")},
        image="Debian debian-12 12-gen2 latest",
        price_hour=0.12,
        size="Standard_A2",
        wire=("Standard_A2", "debian-12", KEY, b64encode(USER_DATA.encode()).decode()),
    ),
    Vendor(
        "scaleway",
        entry(
            "scaleway",
            arguments={"key": "organization", "secret": "token"},
            image=ImageWish("my_image"),
            size=SizeWish(("ARM64-4GB",)),
            locations=("par1",),
        ),
        "test.compute.test_scaleway:ScalewayMockHttp",
        ("compute.drivers.scaleway:ScalewayNodeDriver.connectionCls",),
        create=r"POST /servers",
        listing=r"GET /servers",
        destroy=r"POST /servers/741db378/action terminate",
        machines=lambda document: document["servers"],
        tagged=scaleway_tagged,
        pairs=Shelf(r"PATCH /users/5bea0358", "never", r"GET /users/5bea0358", scaleway_pairs),
        answers={r"POST /servers(/.*)?": "POST"},
        refused={r"GET /servers": "UNAUTHORIZED"},
        image="my_image",
        size="ARM64-4GB",
        price_hour=0.012,
        wire=('"ARM64-4GB"', '"12345"'),
    ),
    Vendor(
        "ovh",
        entry(
            "ovh",
            arguments={
                "key": "application_key",
                "secret": "application_secret",
                "ex_project_id": "project_id",
                "ex_consumer_key": "consumer_key",
            },
            image=ImageWish(distribution="debian", version="8"),
            size=SizeWish(("foo-id",)),
            locations=("SBG1",),
        ),
        "test.compute.test_ovh:OvhMockHttp",
        ("compute.drivers.ovh:OvhNodeDriver.connectionCls",),
        create=r"POST /1.0/cloud/project/project_id/instance",
        listing=r"GET /1.0/cloud/project/project_id/instance",
        destroy=r"DELETE /1.0/cloud/project/project_id/instance/foo",
        machines=lambda document: document,
        tagged=put("name"),
        also={"common.ovh:OvhConnection._timedelta": 42},
        pairs=Shelf(
            r"POST .*/sshkey",
            r"DELETE .*/sshkey/119",
            r"GET .*/sshkey",
            as_sent(None, id="119", regions=["SBG1"]),
        ),
        answers={
            r"GET .*/image": "image_get.json",
            r"GET .*/sshkey": "ssh_get.json",
            r"DELETE .*/sshkey/119": (200, "null", {}, "OK"),
        },
        refused={r".*": (403, NOT_CREDENTIAL, {}, "Forbidden")},
        image="Debian 8",
        size="ovh.intel.ha.l",
        wire=('"foo-id"', '"SBG1"', '"119"'),
    ),
    Vendor(
        "upcloud",
        entry(
            "upcloud",
            arguments={"username": "user", "password": "password"},
            image=ImageWish(distribution="ubuntu"),
            size=SizeWish(least=Resources(2, 2048)),
            locations=("fi-hel1",),
        ),
        "test.compute.test_upcloud:UpcloudMockHttp",
        ("compute.drivers.upcloud:UpcloudDriver.connectionCls",),
        create=r"POST /1.2/server",
        listing=r"GET /1.2/server",
        single=r"GET /1.2/server/[^/]+",
        tagging=r"POST /1.2/server/.*/stop",
        destroy=rf"DELETE /1.2/server/{UPCLOUD_ID}",
        machines=lambda document: document["servers"]["server"],
        tagged=upcloud_tagged,
        also={"common.upcloud:time": HURRIED},
        answers={
            r"POST /1.2/server": f"api_1_2_server_{UPCLOUD_ID}.json",
            r"POST /1.2/server/.*/stop": f"api_1_2_server_{UPCLOUD_ID}.json",
            r"DELETE .*": (204, "", {}, "No Content"),
        },
        refused={r".*": (401, UPCLOUD_REFUSES, {}, "Unauthorized")},
        image="Ubuntu Server 16.04 LTS (Xenial Xerus)",
        size="2xCPU-2GB",
        price_hour=0.04464,
        wire=("fi-hel1", "2xCPU-2GB", KEY),
    ),
    Vendor(
        "kamatera",
        entry(
            "kamatera",
            arguments={"key": "id", "secret": "secret"},
            image=ImageWish(distribution="ubuntu"),
            size=SizeWish(least=Resources(4, 8192)),
            locations=("EU",),
        ),
        "test.compute.test_kamatera:KamateraMockHttp",
        ("compute.drivers.kamatera:KamateraNodeDriver.connectionCls",),
        create=r"POST /service/server",
        listing=r"POST /service/server/info",
        destroy=r"POST /service/server/terminate",
        harmless=r"POST /service/server/info",
        machines=lambda document: document,
        tagged=put("name"),
        also={"compute.drivers.kamatera:time": HURRIED},
        answers={
            r"GET /service/queue": "queue_12345-4.json",
            r"POST /service/server/terminate": "server_operation.json",
        },
        none=(500, NO_SERVERS, {}, "Internal Server Error"),
        refused={r".*": (401, NOT_LOGGED_IN, {}, "Unauthorized")},
        image="Ubuntu Server version 18.04 LTS (bionic) 64-bit",
        size="medium",
        wire=('"EU"', '"4B"', KEY),
    ),
)
