"""What is left of a container on a host that it is not on any more, or was not to come to."""

from __future__ import annotations

from clocker.cloud import secrets
from clocker.cloud.container_spec import CLOUD_LABEL
from clocker.errors import EngineError
from clocker.images.install import once_tag
from clocker.interfaces import Parts
from clocker.model import Container, Host, Move


def remove_from(parts: Parts, host: Host | None, container: Container) -> None:
    """By label, not by name: only what is this very container. A host with a stamp has an engine,
    even while it is bootstrapped anew or after that failed; one that is gone has nothing, and one
    that is fenced is cleaned when it comes back."""
    if host is None or host.stamp is None or host.fenced_at is not None:
        return
    engine = parts.connections.engine(host)
    labels = {CLOUD_LABEL: parts.spec.name, "clocker.id": container.id}
    for status in engine.list(labels):
        engine.remove(status.engine_id)
    install = container.request.install
    if install is not None and not install.keep:
        engine.remove_image(once_tag(container.id))


def remove_other_end(parts: Parts, container: Container, move: Move) -> None:
    """The container on the other host of its move, and those of its volumes there that are the
    move's. A volume that somebody else has begun to use meanwhile stays."""
    with parts.store.read() as tx:
        host = tx.host(move.host_id)
    remove_from(parts, host, container)
    secrets.remove(parts, host, container)
    if host is None or host.fenced_at is not None or not move.volumes:
        return
    engine = parts.connections.engine(host)
    for volume in move.volumes:
        try:
            engine.remove_volume(volume)
        except EngineError as error:
            parts.progress.failed(container.name, f"a volume stays on {host.name}: {error.what}")
