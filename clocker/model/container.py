from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clocker.model.network import DEFAULT_NETWORK, Endpoint
from clocker.model.quick import quick
from clocker.model.request import ContainerRequest, Port


class ContainerState(StrEnum):
    CREATING = "creating"  # booked; its host may still have to be made
    RUNNING = "running"
    STOPPED = "stopped"
    MOVING = "moving"  # to another host, or back
    REPLACING = "replacing"  # its host is lost; it is made anew on another one
    LOST = "lost"  # so is its host, and it is not to be made anew elsewhere
    FAILED = "failed"  # it has been restarted in vain, and is left alone
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class Work:
    """A lease on unfinished work: who does it, until when (epoch seconds) nobody else may.

    ``token`` fences: a write that carries an older token than the store's is refused.
    """

    owner: str
    token: int
    deadline: float


@dataclass(frozen=True, slots=True)
class Move:
    """A container between two hosts, booked on both. ``host_id``: the other one, where it is
    going, with ``ports`` there; once ``settled``, where its remains have still to be removed.

    Of one that is being replaced, or lost: an empty ``host_id`` is still to be chosen.
    ``running``: whether it was when the move began. ``started``: it may have been, there.
    ``volumes``: the engine's names of those on the other host that are the move's to remove.
    """

    host_id: str
    ports: tuple[Port, ...] = ()
    running: bool = True
    started: bool = False
    settled: bool = False
    volumes: tuple[str, ...] = ()


@quick
@dataclass(frozen=True)  # no slots: what a record leaves out of it would be slow to fill in
class Container:
    """``address`` and ``mac`` belong to ``name`` until it is released; they are on its first
    network, ``attachments`` are its places on further ones. ``ports``: as booked, every host
    port known. ``engine_id``: None while it is being made, also anew. ``ssh_host_key``: the public
    key that its sshd answers with. ``error``: why it has failed, or is lost."""

    id: str
    name: str
    host_id: str
    state: ContainerState
    request: ContainerRequest
    address: str
    mac: str
    ports: tuple[Port, ...] = ()
    engine_id: str | None = None
    image_id: str | None = None
    ssh_host_key: str | None = None
    created_at: float = 0.0
    work: Work | None = None
    attachments: tuple[Endpoint, ...] = ()
    move: Move | None = None
    error: str | None = None

    @property
    def network(self) -> str:
        """Its first network."""
        return self.request.networks[0] if self.request.networks else DEFAULT_NETWORK

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Its places on all of its networks, the first one's first."""
        return (Endpoint(self.network, self.address, self.mac), *self.attachments)
