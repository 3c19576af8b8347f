"""Puts containers on networks of the engine, and takes them off.

An engine that could not connect a running container keeps the place in mind all the same, cannot
disconnect it, and replaces it when asked to connect again: such a place does not count here.
"""

from __future__ import annotations

from typing import Any

from clocker.engine.convert import addresses
from clocker.model import Attachment


def connect(client: Any, container: str, attachment: Attachment) -> None:
    current = _addresses(client, container).get(attachment.network)
    if current == attachment.address:
        return
    if current is not None:
        client.disconnect_container_from_network(container, attachment.network, force=True)
    client.connect_container_to_network(
        container,
        attachment.network,
        ipv4_address=attachment.address,
        mac_address=attachment.mac,
    )


def disconnect(client: Any, container: str, network: str) -> None:
    if network in _addresses(client, container):
        client.disconnect_container_from_network(container, network, force=True)


def _addresses(client: Any, container: str) -> dict[str, str]:
    data = client.inspect_container(container)
    return addresses(data["NetworkSettings"], running=bool(data["State"].get("Running")))
