"""The networks that the contract is held to: each is an entry here, and every test of the
contract runs over it."""

from __future__ import annotations

import os

from clocker.model import NetworkSpec, WeaveOptions

WEAVE_IMAGES = os.environ.get("CLOCKER_WEAVE_IMAGES")
"""A file that ``docker save`` has written of Weave's image. Without it, nothing of weave is run."""

KINDS = {
    "vxlan-plain": NetworkSpec(encryption="none"),
    "vxlan-encrypted": NetworkSpec(),
}
DEFAULT = "vxlan-encrypted"

if WEAVE_IMAGES:
    KINDS["weave"] = NetworkSpec(
        driver="weave",
        encryption="password",
        weave=WeaveOptions(archive=WEAVE_IMAGES, password="correct horse $(touch /tmp/x)"),
    )


def is_encrypted(kind: str) -> bool:
    return KINDS[kind].encryption != "none"
