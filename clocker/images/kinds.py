"""What the images on the hosts are: brought by their names, or made by Clocker."""

from __future__ import annotations

from enum import StrEnum

from clocker.model import ImageInfo

LAYER_LABEL = "clocker.layer"
"""On every image that Clocker makes; its value is the image's kind."""

BASE_LABEL = "clocker.base"
"""The id of the image that one of Clocker's was made of."""


class ImageKind(StrEnum):
    """``generated``: committed after an install. ``ssh``: another one with an sshd."""

    NAMED = "named"
    BASE = "base"
    BUILT = "built"
    GENERATED = "generated"
    SSH = "ssh"


def kind_of(image: ImageInfo) -> ImageKind:
    """A label that is none of ours says nothing."""
    told = image.labels.get(LAYER_LABEL, "")
    return ImageKind(told) if told in set(ImageKind) else ImageKind.NAMED
