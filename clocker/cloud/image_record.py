"""Which kinds of image have come to which host: on record, for placement."""

from __future__ import annotations

from dataclasses import replace

from clocker.interfaces import Parts
from clocker.model import ContainerRequest, Host
from clocker.placement.images import image_kind

_MOST = 100


def note(parts: Parts, host: Host, request: ContainerRequest) -> None:
    """What the request starts from is on the host."""
    kind = image_kind(request)
    if kind in host.images:
        return
    with parts.store.transaction() as tx:
        now = tx.host(host.id)
        if now is not None and kind not in now.images:
            tx.put_host(replace(now, images=(*now.images, kind)[-_MOST:]))


def forget_unused(parts: Parts, host: Host) -> None:
    """Images have been removed from the host: what its containers use is still there."""
    with parts.store.transaction() as tx:
        now = tx.host(host.id)
        used = {image_kind(c.request) for c in tx.containers() if c.host_id == host.id}
        if now is not None:
            tx.put_host(replace(now, images=tuple(kind for kind in now.images if kind in used)))
