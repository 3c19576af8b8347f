"""What a container starts from: names, where they come from, and what is layered over them."""

from clocker.images.ensure import Sources, ensure
from clocker.images.images import Images
from clocker.images.reference import Reference
from clocker.images.spec import SSH_ENTRY, Launch, launch
from clocker.images.sshd import credentials_tar, layer_tag, layered

__all__ = [
    "SSH_ENTRY",
    "Images",
    "Launch",
    "Reference",
    "Sources",
    "credentials_tar",
    "ensure",
    "launch",
    "layer_tag",
    "layered",
]
