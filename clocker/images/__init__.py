"""What a container starts from: names, where they come from, and what is layered over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clocker.deferred import exports

if TYPE_CHECKING:
    from clocker.images.ensure import Sources
    from clocker.images.images import Images
    from clocker.images.kinds import BASE_LABEL, LAYER_LABEL, ImageKind, kind_of
    from clocker.images.reference import Reference
    from clocker.images.spec import SSH_ENTRY, Launch, launch
    from clocker.images.sshd import credentials_tar, layer_tag, layered

_HOMES = {
    "ensure": ("Sources",),
    "images": ("Images",),
    "kinds": ("BASE_LABEL", "LAYER_LABEL", "ImageKind", "kind_of"),
    "reference": ("Reference",),
    "spec": ("SSH_ENTRY", "Launch", "launch"),
    "sshd": ("credentials_tar", "layer_tag", "layered"),
}

__all__ = [
    "BASE_LABEL",
    "LAYER_LABEL",
    "SSH_ENTRY",
    "ImageKind",
    "Images",
    "Launch",
    "Reference",
    "Sources",
    "credentials_tar",
    "kind_of",
    "launch",
    "layer_tag",
    "layered",
]

__getattr__ = exports(__name__, _HOMES)
