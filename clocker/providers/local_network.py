"""The underlay of local nodes: a network of the machine's engine, and addresses on it that stay
with a node while it is stopped."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from clocker.errors import ProviderError
from clocker.providers.machine_lock import machine_lock

if TYPE_CHECKING:
    import docker

LABEL = "clocker.local"
ADDRESS_LABEL = "clocker.local.address"
TRIAL = "-trial"
ATTEMPTS = 5


def ensure_network(
    client: docker.DockerClient, name: str, *, internal: bool, subnet: str | None
) -> dict[str, Any]:
    """The network's description, made if there is none."""
    found = _inspect(client, name)
    if not found:
        with machine_lock(__file__):
            found = _inspect(client, name) or _create(client, name, internal, subnet)
    if bool(found["Internal"]) != internal:
        raise ProviderError(
            f"the network has internal={found['Internal']}, wanted is {internal}",
            where=f"docker network {name}",
            remedy="set the provider's option `internal` to match, or remove the network, "
            "or choose another one with the option `network`",
        )
    return found


def remove_unused(client: docker.DockerClient, name: str) -> None:
    """Remove the network if it is ours and nothing, running or not, is on it."""
    with machine_lock(__file__):
        _remove(client, name)
        _remove(client, f"{name}{TRIAL}")


def free_addresses(
    client: docker.DockerClient, network: dict[str, Any], node: str
) -> Iterator[str]:
    """Free addresses, starting at a place that depends on the node, so that nodes made at the
    same time seldom want the same one."""
    config = network["IPAM"]["Config"][0]
    subnet = ipaddress.ip_network(config["Subnet"], strict=False)
    taken = _taken(client, network) | {config.get("Gateway", str(subnet[1])), str(subnet[1])}
    room = subnet.num_addresses - 3
    start = int.from_bytes(hashlib.sha256(node.encode()).digest()[:4], "big")
    for offset in range(room):
        address = str(subnet[2 + (start + offset) % room])
        if address not in taken:
            yield address
    raise ProviderError(
        f"no address is left in {subnet}", where=f"docker network {network['Name']}"
    )


def _remove(client: docker.DockerClient, name: str) -> None:
    from docker.errors import APIError

    found = _inspect(client, name)
    if not found or (found["Labels"] or {}).get(LABEL) != "1":
        return
    if not client.api.containers(all=True, filters={"network": found["Id"]}):
        with contextlib.suppress(APIError):  # somebody joined or removed it meanwhile
            client.api.remove_network(found["Id"])


def _inspect(client: docker.DockerClient, name: str) -> dict[str, Any] | None:
    # A name is no unique key of the engine's: the oldest one of exactly this name counts.
    named = [n for n in client.api.networks(names=[name]) if n["Name"] == name]
    return min(named, key=lambda n: str(n["Created"]), default=None)


def _create(
    client: docker.DockerClient, name: str, internal: bool, subnet: str | None
) -> dict[str, Any]:
    """Fixed addresses need a subnet that was asked for; which one is free only the engine
    knows. So it is asked for any, and then for the same again, by name."""
    from docker.errors import APIError

    for attempt in range(ATTEMPTS):
        try:
            _create_with(client, name, internal, subnet or _free_subnet(client, name))
        except APIError as error:
            if subnet:
                raise ProviderError(
                    f"no network with the subnet {subnet}: {error.explanation}",
                    where=f"docker network {name}",
                    remedy="set the provider's option `subnet` to one that no other network of "
                    "the engine has: docker network ls; docker network inspect NAME",
                ) from error
            if attempt == ATTEMPTS - 1:
                raise
        found = _inspect(client, name)
        if found:
            return found
    raise ProviderError("the engine finds no free subnet", where=f"docker network {name}")


def _create_with(client: docker.DockerClient, name: str, internal: bool, subnet: str) -> None:
    from docker.types import IPAMConfig, IPAMPool

    client.api.create_network(
        name,
        driver="bridge",
        ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)]),
        internal=internal,
        labels={LABEL: "1"},
        check_duplicate=True,
    )


def _free_subnet(client: docker.DockerClient, name: str) -> str:
    trial_name = f"{name}{TRIAL}"
    _remove(client, trial_name)
    trial = client.api.create_network(trial_name, labels={LABEL: "1"})
    try:
        config = client.api.inspect_network(trial["Id"])["IPAM"]["Config"]
        return str(config[0]["Subnet"])
    finally:
        client.api.remove_network(trial["Id"])


def _taken(client: docker.DockerClient, network: dict[str, Any]) -> set[str]:
    containers = client.api.containers(all=True, filters={"network": network["Id"]})
    taken = {c["Labels"].get(ADDRESS_LABEL, "") for c in containers}
    return taken | {
        endpoint.get("IPAddress", "")
        for c in containers
        for endpoint in c["NetworkSettings"]["Networks"].values()
    }
