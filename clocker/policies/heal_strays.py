"""Containers with the cloud's labels that are where none is on record. Pure."""

from __future__ import annotations

from clocker.model import Container, ContainerStatus, Host
from clocker.policies.heal_actions import AdoptContainer, RemoveContainer
from clocker.policies.heal_look import Look

_NEEDED = ("clocker.id", "clocker.name", "clocker.address", "clocker.request")


def judge_strays(look: Look, well: set[str]) -> list[AdoptContainer | RemoveContainer]:
    """One that is on record elsewhere is removed, and so is one whose name or address somebody
    else has; what becomes of others, the cloud's document says."""
    places = {container.id: (host, container) for host, container in look.containers}
    names = {container.name for _, container in places.values()}
    addresses = {e.address for _, container in places.values() for e in container.endpoints}
    actions: list[AdoptContainer | RemoveContainer] = []
    for view in look.views:
        host = view.host
        if host.id not in well:
            continue
        here = {container.id for container in view.containers}
        for status in look.seen[host.id].containers:
            if not all(label in status.labels for label in _NEEDED):
                continue
            if status.labels["clocker.id"] in here:
                continue
            found = places.get(status.labels["clocker.id"])
            action = _judge(look, host, status, found, names, addresses)
            if isinstance(action, AdoptContainer):
                names.add(action.name)
                addresses.add(status.labels["clocker.address"])
            actions.append(action)
    return actions


def _judge(
    look: Look,
    host: Host,
    status: ContainerStatus,
    found: tuple[Host, Container] | None,
    names: set[str],
    addresses: set[str],
) -> AdoptContainer | RemoveContainer:
    labels = status.labels
    name, own_id, address = labels["clocker.name"], labels["clocker.id"], labels["clocker.address"]
    if found:
        return RemoveContainer(name, own_id, host.name, f"it is on {found[0].name} now")
    if name in names:
        return RemoveContainer(name, own_id, host.name, "another one has its name")
    if address in addresses:
        return RemoveContainer(name, own_id, host.name, f"another one has its address {address}")
    if look.spec.strays == "remove":
        return RemoveContainer(name, own_id, host.name, "it is on no record")
    return AdoptContainer(name, own_id, host.name, "it is on no record")
