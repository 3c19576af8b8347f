"""Which images are still to be shared: on record before a push begins, until it has ended well, so
that the next use of the image goes on with one that was interrupted."""

from __future__ import annotations

from clocker.interfaces import Parts

_AGAIN_S = 60.0


def is_due(parts: Parts, tag: str) -> bool:
    """Whether it is to be shared, and the last attempt is a while ago."""
    with parts.store.read() as tx:
        since = tx.setting(_key(tag))
    return bool(since) and parts.clock() - float(since or 0) >= _AGAIN_S


def begin(parts: Parts, tag: str) -> None:
    _set(parts, tag, str(parts.clock()))


def end(parts: Parts, tag: str) -> None:
    _set(parts, tag, "")


def _set(parts: Parts, tag: str, value: str) -> None:
    with parts.store.transaction() as tx:
        tx.set_setting(_key(tag), value)


def _key(tag: str) -> str:
    return f"unshared/{tag}"
