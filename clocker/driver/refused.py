"""What libcloud's compute API has, and a cloud of containers has not."""

from __future__ import annotations

from typing import Any, NoReturn

from libcloud.compute.base import NodeDriver

REFUSED = {
    "attach_volume": "the volumes of a container are given when it is made: "
    "create_node(..., ex_volumes={volume: '/path'})",
    "detach_volume": "a container keeps its volumes until it is destroyed: destroy_node",
    "create_volume_snapshot": "an engine's volumes have no snapshots",
    "list_volume_snapshots": "an engine's volumes have no snapshots",
    "destroy_volume_snapshot": "an engine's volumes have no snapshots",
    "create_image": "an image of a node's files would hold its SSH host key and whatever secret "
    "is in them; build one from a Dockerfile, and name it in create_node",
    "delete_image": "the images on the hosts are not this cloud's alone",
    "copy_image": "a host that needs an image gets it by itself, from another one or a registry",
}


class RefusingDriver(NodeDriver):
    """Says why, instead of libcloud's plain "not implemented for this driver"."""


def _refusal(name: str, why: str) -> Any:
    def method(self: NodeDriver, *_: object, **__: object) -> NoReturn:
        raise NotImplementedError(f"{name} is not possible with a Clocker cloud: {why}")

    method.__name__ = name
    method.__doc__ = f"Not possible: {why}."
    return method


for _name, _why in REFUSED.items():
    setattr(RefusingDriver, _name, _refusal(_name, _why))
