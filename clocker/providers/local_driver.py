"""A libcloud compute driver whose machines are system containers on this machine's engine."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.types import Mount, NetworkingConfig
from libcloud.compute.base import Node, NodeDriver, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from clocker.errors import ProviderError, TimedOut
from clocker.providers.docker_engine import open_engine
from clocker.providers.local_network import (
    ADDRESS_LABEL,
    LABEL,
    ensure_network,
    free_addresses,
    remove_unused,
)
from clocker.providers.node_image import NODE_REPOSITORY, ensure_node_image, node_image_tag
from clocker.providers.system_container import machine_options, parse_user_data

PROVIDER = "clocker-local"
NODE_LABEL = "clocker.local.node"
OWN_LABELS = "clocker."
ADDRESS_ATTEMPTS = 10
REMOVAL_S = 60.0

# Name, cores, RAM in MiB; 0 is as much as the machine has.
SIZES = (
    ("small", 1, 1024),
    ("medium", 2, 2048),
    ("large", 4, 4096),
    ("xlarge", 8, 16384),
    ("unlimited", 0, 0),
)

STATES = {
    "running": NodeState.RUNNING,
    "paused": NodeState.PAUSED,
    "restarting": NodeState.REBOOTING,
    "exited": NodeState.STOPPED,
    # Never started: whoever made it died before its user data was in place.
    "created": NodeState.ERROR,
    "dead": NodeState.ERROR,
    "removing": NodeState.ERROR,
}


def register() -> None:
    """Make the driver known to libcloud as ``clocker-local``."""
    from libcloud.compute.providers import DRIVERS, set_driver

    if PROVIDER not in DRIVERS:
        set_driver(PROVIDER, __name__, LocalNodeDriver.__name__)  # type: ignore[arg-type]


class LocalNodeDriver(NodeDriver):
    name = "Clocker local"
    type = PROVIDER
    website = "https://www.docker.com"
    features = {"create_node": []}  # noqa: RUF012 - libcloud's own declaration

    def __init__(
        self,
        key: str | None = None,
        *,
        network: str = "clocker-local",
        internal: bool = False,
        subnet: str | None = None,
        image: str | None = None,
        ex_say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``key``: the engine's socket URL, instead of a secret. ``internal``: no way out."""
        self.key = key
        self.network_name = network
        self.internal = internal
        self.subnet = subnet
        self.image = image
        self.say = ex_say
        self._client: docker.DockerClient | None = None
        self._privileges: dict[str, Any] | None = None

    @property
    def client(self) -> docker.DockerClient:
        if self._client is None:
            self._client = open_engine(self.key)
        return self._client

    def list_nodes(self, ex_filters: Mapping[str, str] | None = None) -> list[Node]:
        """All nodes that carry these tags. A volume whose container is gone is what is left of
        a node whose removal was interrupted: listed, in state error, so that it can be removed."""
        filters = {"label": [f"{LABEL}=1", *(f"{k}={v}" for k, v in (ex_filters or {}).items())]}
        volumes = self.client.api.volumes(filters=filters)["Volumes"] or []
        containers = self.client.api.containers(all=True, filters=filters)
        nodes = [
            self._node(c["Labels"], c["State"]) for c in containers if NODE_LABEL in c["Labels"]
        ]
        known = {node.id for node in nodes}
        left = [v["Labels"] for v in volumes if v["Labels"].get(NODE_LABEL) not in (None, *known)]
        return nodes + [self._node(labels, "dead") for labels in left]

    def list_sizes(self, location: NodeLocation | None = None) -> list[NodeSize]:
        return [
            NodeSize(name, name, ram, 0, 0, 0, self, extra={"cores": cores})
            for name, cores, ram in SIZES
        ]

    def list_images(self, location: NodeLocation | None = None) -> list[NodeImage]:
        images = self.client.images.list(NODE_REPOSITORY)
        if self.image:
            images += self.client.images.list(self.image)
        tags = sorted({tag for image in images for tag in image.tags})
        return [NodeImage(tag, tag, self) for tag in tags]

    def list_locations(self) -> list[NodeLocation]:
        return [NodeLocation("local", "local", "", self)]

    def ex_default_image(self) -> NodeImage:
        """The node image, built now if this machine does not have it yet."""
        tag = self.image or ensure_node_image(self.client, self.say)
        return NodeImage(tag, tag, self)

    def ex_planned_image(self) -> NodeImage:
        """What ``ex_default_image`` would give, without building it."""
        tag = self.image or node_image_tag()
        return NodeImage(tag, tag, self)

    def create_node(
        self,
        name: str,
        size: NodeSize,
        image: NodeImage,
        location: NodeLocation | None = None,
        auth: Any = None,
        ex_userdata: str | None = None,
        ex_metadata: Mapping[str, str] | None = None,
        ex_address: str | None = None,
    ) -> Node:
        """``ex_address``: a fixed one, instead of any that is free."""
        user_data = parse_user_data(ex_userdata)
        network = ensure_network(
            self.client, self.network_name, internal=self.internal, subnet=self.subnet
        )
        node_id = f"n-{secrets.token_hex(6)}"
        labels = {**(ex_metadata or {}), LABEL: "1", NODE_LABEL: node_id, f"{LABEL}.name": name}
        hostname = user_data.hostname or name
        error: APIError | None = None
        free = free_addresses(self.client, network, name)
        candidates = iter([ex_address]) if ex_address else free
        for _, address in zip(range(ADDRESS_ATTEMPTS), candidates, strict=False):
            labels[ADDRESS_LABEL] = address
            try:
                self._run(name, hostname, size, image, labels, user_data.archive())
                return self._node(labels, "running")
            except APIError as refused:
                self._remove(node_id)
                if "Address already in use" not in str(refused.explanation):
                    raise
                error = refused
            except BaseException:
                self._remove(node_id)
                raise
        raise ProviderError(f"no free address: {error}", where=f"docker network {network['Name']}")

    def destroy_node(self, node: Node) -> bool:
        self._remove(str(node.id))
        return True

    def reboot_node(self, node: Node) -> bool:
        self.client.api.restart(self._container(node), timeout=20)
        return True

    def start_node(self, node: Node) -> bool:
        self.client.api.start(self._container(node))
        return True

    def stop_node(self, node: Node) -> bool:
        self.client.api.stop(self._container(node), timeout=20)
        return True

    def ex_remove_unused_network(self) -> None:
        remove_unused(self.client, self.network_name)

    def _run(
        self,
        name: str,
        hostname: str,
        size: NodeSize,
        image: NodeImage,
        labels: Mapping[str, str],
        files: bytes,
    ) -> None:
        api = self.client.api
        # The SDK's stubs take one endpoint for the mapping of them that it wants.
        endpoints: Any = {
            self.network_name: api.create_endpoint_config(ipv4_address=labels[ADDRESS_LABEL])
        }
        created = api.create_container(
            image.id,
            name=name,
            hostname=hostname,
            labels=dict(labels),
            host_config=self._host_config(name, size, image, labels),
            networking_config=NetworkingConfig(endpoints),
        )
        api.put_archive(created["Id"], "/", files)
        api.start(created["Id"])

    def _host_config(
        self, name: str, size: NodeSize, image: NodeImage, labels: Mapping[str, str]
    ) -> dict[str, Any]:
        if self._privileges is None:
            self._privileges = machine_options(self.client, image.id)
        config = {
            **self._privileges,
            "NetworkMode": self.network_name,
            # An engine inside needs a real file system below its overlays.
            "Mounts": [
                Mount(
                    target="/var/lib/docker",
                    source=f"{name}-{labels[NODE_LABEL]}",
                    type="volume",
                    labels=dict(labels),
                )
            ],
        }
        if size.extra.get("cores"):
            config["NanoCpus"] = int(size.extra["cores"] * 1e9)
        if size.ram:
            config["Memory"] = size.ram * 1024 * 1024
        return config

    def _node(self, labels: Mapping[str, str], status: str) -> Node:
        address = labels.get(ADDRESS_LABEL)
        addresses = [address] if address else []
        return Node(
            labels[NODE_LABEL],
            labels[f"{LABEL}.name"],
            STATES.get(status, NodeState.UNKNOWN),
            addresses,
            addresses,
            self,
            extra={"tags": {k: v for k, v in labels.items() if not k.startswith(OWN_LABELS)}},
        )

    def _container(self, node: Node) -> str:
        found = self._containers(str(node.id))
        if not found:
            raise ProviderError(f"node {node.id} is gone")
        return found[0]

    def _containers(self, node_id: str) -> list[str]:
        filters = {"label": f"{NODE_LABEL}={node_id}"}
        return [c["Id"] for c in self.client.api.containers(all=True, filters=filters)]

    def _remove(self, node_id: str) -> None:
        """The container first: an engine refuses to remove a volume in use."""
        deadline = time.monotonic() + REMOVAL_S
        while containers := self._containers(node_id):
            for container in containers:
                self._remove_container(container)
            if time.monotonic() > deadline:
                raise TimedOut(f"node {node_id} does not go away", remedy="see `docker ps -a`")
        filters = {"label": f"{NODE_LABEL}={node_id}"}
        for volume in self.client.api.volumes(filters=filters)["Volumes"] or []:
            with contextlib.suppress(NotFound):
                self.client.api.remove_volume(volume["Name"])

    def _remove_container(self, container: str) -> None:
        try:
            self.client.api.remove_container(container, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if "already in progress" not in str(error.explanation):
                raise
            time.sleep(0.1)
