from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Unpack

from libcloud.compute.base import (
    KeyPair,
    Node,
    NodeAuthPassword,
    NodeAuthSSHKey,
    NodeImage,
    NodeLocation,
    NodeSize,
    StorageVolume,
    VolumeSnapshot,
)
from libcloud.compute.deployment import Deployment
from libcloud.compute.ssh import BaseSSHClient
from libcloud.compute.types import KeyPairDoesNotExistError

from clocker.driver import deployment, shapes
from clocker.driver.boundary import translated
from clocker.driver.extensions import Extensions
from clocker.driver.options import Options, request_of
from clocker.errors import BadInput, NotFound
from clocker.images.reference import Reference
from clocker.model import HostState, HostView

PROVIDER = "clocker"

_INTERFACES = ("public_ips", "private_ips")


def register() -> None:
    """Make the driver known to libcloud as ``clocker``. A second call changes nothing."""
    from libcloud.compute.providers import DRIVERS, set_driver

    if PROVIDER not in DRIVERS:
        set_driver(PROVIDER, __name__, ClockerNodeDriver.__name__)  # type: ignore[arg-type]


class ClockerNodeDriver(Extensions):
    """Containers of a Clocker cloud, as libcloud's nodes. As with every libcloud driver, one
    instance belongs to one thread; any number of them, and of processes, may share a cloud."""

    name = "Clocker"
    api_name = "clocker"
    type = PROVIDER
    features = {"create_node": ["ssh_key"]}  # noqa: RUF012 - libcloud's own declaration
    NODE_STATE_MAP = {str(state): seen for state, seen in shapes.STATES.items()}  # noqa: RUF012

    def list_nodes(self, ex_labels: Mapping[str, str] | None = None) -> list[Node]:
        """As they are on record: no host is asked. ``ex_labels``: only those that have them."""
        wanted = dict(ex_labels or {}).items()
        with self._on_cloud() as cloud:
            hosts = self._hosts()
            return [
                self._node(record, hosts.get(record.host_id))
                for record in cloud.list()
                if wanted <= dict(record.request.labels).items()
            ]

    def list_sizes(self, location: NodeLocation | None = None) -> list[NodeSize]:
        return shapes.sizes(self)

    def list_locations(self) -> list[NodeLocation]:
        with self._on_cloud():
            return shapes.locations(self._hosts().values(), self)

    def list_images(self, location: NodeLocation | None = None) -> list[NodeImage]:
        """Those on the hosts. ``create_node`` takes any other reference too: see get_image."""
        with self._on_cloud() as cloud:
            here = {host.name for host in shapes.hosts_at(location, [*self._hosts().values()])}
            images = shapes.named(cloud.images())
            return [shapes.image(i, self) for i in images if here & {*i.hosts}]

    def get_image(self, image_id: str) -> NodeImage:
        """An image by its reference, wherever it is: a registry is asked when it is needed."""
        with self._on_cloud() as cloud:
            name = Reference.parse(image_id).familiar
            known = [image for image in shapes.named(cloud.images()) if image.name == name]
        return shapes.image(known[0], self) if known else NodeImage(name, name, self)

    def create_node(
        self,
        name: str,
        size: NodeSize,
        image: NodeImage,
        location: NodeLocation | None = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        **options: Unpack[Options],
    ) -> Node:
        """Returns once it runs, and with SSH once that answers; nothing is left of one that does
        not come to that. See ``clocker.driver.options.Options``."""
        with self._on_cloud() as cloud:
            key: Any = self._get_and_check_auth(auth) if auth else None  # no password gets through
            keys = cloud.key_pairs() if options.get("ex_keyname") else {}
            made = cloud.obtain(request_of(name, size, image, location, key, keys, options))
            return self._node(made.record, made.host)

    def deploy_node(
        self,
        deploy: Deployment,
        ssh_username: str = "root",
        ssh_alternate_usernames: list[str] | None = None,
        ssh_port: int = 22,
        ssh_timeout: int = 10,
        ssh_key: str | list[str] | None = None,
        ssh_key_password: str | None = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        timeout: int = 300,
        max_tries: int = 3,
        ssh_interface: str = "private_ips",
        at_exit_func: Callable[..., None] | None = None,
        wait_period: int = 5,
        **create_node_kwargs: Any,
    ) -> Node:
        """A node with an sshd, and ``deploy`` run in it over SSH, through its host: whichever
        interface is named. If that fails, or is interrupted, the node is destroyed again.
        ``ssh_key``: tried before the cloud's own key, which always may log in as root."""
        with translated(self):
            deployment.check(deploy)
            _check_interface(ssh_interface)
            login = deployment.Login(
                users=(ssh_username, *(ssh_alternate_usernames or ())),
                port=ssh_port,
                key_files=deployment.key_files(ssh_key),
                passphrase=ssh_key_password,
                connect_s=ssh_timeout,
                timeout_s=timeout,
            )
        asked = {"ex_timeout_s": float(timeout), **create_node_kwargs, "ex_ssh": True}
        node = self.create_node(auth=auth, **asked)
        with deployment.destroyed_on_failure(self, node, at_exit_func):
            client = deployment.log_in(self._machine(node), login)
            try:
                self._run_deployment_script(deploy, node, client, max_tries)
            finally:
                client.close()
        return node

    def destroy_node(self, node: Node) -> bool:
        """One that is gone is a success."""
        with self._on_cloud() as cloud:
            try:
                self._machine(node)
                cloud.release(node.name)
            except NotFound:
                return True
            return True

    def reboot_node(self, node: Node) -> bool:
        with self._on_cloud() as cloud:
            self._machine(node)
            cloud.restart(node.name)
            return True

    def start_node(self, node: Node) -> bool:
        with self._on_cloud() as cloud:
            self._machine(node)
            cloud.start(node.name)
            return True

    def stop_node(self, node: Node) -> bool:
        with self._on_cloud() as cloud:
            self._machine(node)
            cloud.stop(node.name)
            return True

    def wait_until_running(
        self,
        nodes: list[Node],
        wait_period: float = 5,
        timeout: int = 600,
        ssh_interface: str = "private_ips",
        force_ipv4: bool = True,
        ex_list_nodes_kwargs: dict[str, Any] | None = None,
    ) -> list[tuple[Node, list[str]]]:
        """A node has a public address for as long as it publishes ports: one that does not is
        refused at once, since none will come."""
        with translated(self):
            _check_interface(ssh_interface)
            for node in nodes if ssh_interface == "public_ips" else ():
                if not self._machine(node).record.request.ports:
                    raise BadInput(
                        f"node {node.name} publishes no port, and so has no public address",
                        remedy="wait for private_ips, or create it with ex_ports",
                    )
        return super().wait_until_running(
            nodes, wait_period, timeout, ssh_interface, force_ipv4, ex_list_nodes_kwargs
        )

    def list_volumes(self) -> list[StorageVolume]:
        with self._on_cloud() as cloud:
            return [shapes.volume(view, self) for view in cloud.volumes()]

    def create_volume(
        self,
        size: int,
        name: str,
        location: NodeLocation | None = None,
        snapshot: VolumeSnapshot | None = None,
    ) -> StorageVolume:
        """On the host of that location with the fewest containers. ``size`` is kept on record;
        no engine enforces it."""
        with self._on_cloud() as cloud:
            if snapshot is not None:
                raise BadInput("an engine's volumes have no snapshots")
            here = {h.name for h in shapes.hosts_at(location, [*self._hosts().values()])}
            ready = [v for v in cloud.hosts() if v.host.name in here and _is_ready(v)]
            if not ready:
                raise NotFound("no host is ready to have a volume", remedy="clocker up")
            host = min(ready, key=lambda view: (len(view.containers), view.host.name)).host
            return shapes.volume(cloud.create_volume(name, host.name, int(size)), self)

    def destroy_volume(self, volume: StorageVolume) -> bool:
        """With what is in it; refused while a node uses it. One that is gone is a success."""
        with self._on_cloud() as cloud:
            cloud.remove_volume(volume.name, shapes.host_of(volume))
            return True

    def list_key_pairs(self) -> list[KeyPair]:
        with self._on_cloud() as cloud:
            pairs = sorted(cloud.key_pairs().items())
        return [shapes.key_pair(name, public, self) for name, public in pairs]

    def get_key_pair(self, name: str) -> KeyPair:
        for pair in self.list_key_pairs():
            if pair.name == name:
                return pair
        raise KeyPairDoesNotExistError(name, self)

    def create_key_pair(self, name: str) -> KeyPair:
        """An ed25519 pair. Its private half is only here, and kept nowhere."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        from clocker.remote.keys import openssh_pair

        made = openssh_pair(Ed25519PrivateKey.generate())
        with self._on_cloud() as cloud:
            public = cloud.add_key_pair(name, made.public)
        return shapes.key_pair(name, public, self, made.private)

    def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
        with self._on_cloud() as cloud:
            return shapes.key_pair(name, cloud.add_key_pair(name, key_material), self)

    def delete_key_pair(self, key_pair: KeyPair) -> bool:
        """Nodes that were created with it keep it."""
        with self._on_cloud() as cloud:
            try:
                cloud.remove_key_pair(key_pair.name)
            except NotFound as error:
                raise KeyPairDoesNotExistError(key_pair.name, self) from error
            return True

    def _ssh_client_connect(
        self, ssh_client: BaseSSHClient, wait_period: float = 1.5, timeout: int = 300
    ) -> BaseSSHClient:
        """libcloud's way to have a connection that broke during a deployment once more."""
        deployment.connect(ssh_client, timeout)
        return ssh_client


def _check_interface(name: str) -> None:
    if name not in _INTERFACES:
        raise BadInput(f"there is no interface {name!r}", remedy=f"one of {', '.join(_INTERFACES)}")


def _is_ready(view: HostView) -> bool:
    return view.host.state is HostState.READY
