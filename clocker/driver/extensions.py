"""What a cloud of containers can do besides libcloud's compute API, as ``ex_`` methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from libcloud.compute.base import Node, NodeLocation

from clocker.cloud import DownReport, NetView, Status, UpReport
from clocker.driver.cloud_driver import CloudDriver
from clocker.driver.shapes import place_of
from clocker.errors import BadInput
from clocker.model import Event, Result


class Extensions(CloudDriver):
    def ex_up(self) -> UpReport:
        """Make the cloud's hosts, and mend those that differ."""
        with self._on_cloud() as cloud:
            return cloud.up()

    def ex_down(self) -> DownReport:
        """Remove every node and host of the cloud."""
        with self._on_cloud() as cloud:
            return cloud.down()

    def ex_status(self) -> Status:
        with self._on_cloud() as cloud:
            return cloud.status()

    def ex_events(self, after: int = 0, limit: int = 100) -> tuple[Event, ...]:
        with self._on_cloud() as cloud:
            return cloud.events(after, limit)

    def ex_move_node(
        self,
        node: Node,
        location: NodeLocation | str | None = None,
        *,
        volumes: bool = False,
        force: bool = False,
    ) -> Node:
        """To another host, with name and address: that of ``location`` (a host's, or its name), or
        the one that the placement rules choose. Not with files outside its ``volumes``."""
        with self._on_cloud() as cloud:
            self._machine(node)
            cloud.move(node.name, _host_name(location), volumes=volumes, force=force)
            moved = self._machine(node)
            return self._node(moved.record, moved.host)

    def ex_exec(
        self,
        node: Node,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        workdir: str | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Run a command in the node, without SSH, to its end."""
        with self._on_cloud():
            return self._machine(node).run(
                command, stdin=stdin, env=env, user=user, workdir=workdir, timeout_s=timeout_s
            )

    def ex_put(self, node: Node, local: str | Path, remote: str) -> None:
        """Copy a file or folder into the node."""
        with self._on_cloud():
            self._machine(node).put(Path(local), remote)

    def ex_get(self, node: Node, remote: str, local: str | Path) -> None:
        """Copy a file or folder out of the node."""
        with self._on_cloud():
            self._machine(node).get(remote, Path(local))

    def ex_logs(self, node: Node, tail: int | None = None) -> bytes:
        """What its program has printed so far."""
        with self._on_cloud() as cloud:
            self._machine(node)
            return b"".join(cloud.logs(node.name, tail=tail))

    def ex_inspect(self, node: Node) -> dict[str, Any]:
        """All that is known of it, the engine's own view included."""
        with self._on_cloud() as cloud:
            self._machine(node)
            return cloud.inspect(node.name)

    def ex_ssh_command(self, node: Node, args: Sequence[str] = ()) -> list[str]:
        """An argv that logs in to the node with plain ssh, or runs ``args`` there."""
        with self._on_cloud():
            return self._machine(node).ssh_command(args)

    def ex_list_networks(self) -> list[NetView]:
        with self._on_cloud() as cloud:
            return list(cloud.networks())

    def ex_create_network(
        self, name: str, *, prefix: int | None = None, subnet: str | None = None
    ) -> NetView:
        """One more network on every host."""
        with self._on_cloud() as cloud:
            return cloud.create_network(name, prefix=prefix, subnet=subnet)

    def ex_destroy_network(self, name: str) -> bool:
        with self._on_cloud() as cloud:
            cloud.remove_network(name)
            return True

    def ex_attach_network(self, node: Node, name: str, address: str | None = None) -> str:
        """Put the node on one more network; returns its address there."""
        with self._on_cloud() as cloud:
            self._machine(node)
            return cloud.attach(node.name, name, address).address

    def ex_detach_network(self, node: Node, name: str) -> bool:
        with self._on_cloud() as cloud:
            self._machine(node)
            cloud.detach(node.name, name)
            return True


def _host_name(location: NodeLocation | str | None) -> str | None:
    if location is None or (isinstance(location, str) and "/" not in location):
        return location
    kind, name = place_of(location)
    if kind != "host":
        raise BadInput(
            f"a node moves to a host, not to {kind} {name}",
            remedy="leave the location out, and the placement rules choose one",
        )
    return name
