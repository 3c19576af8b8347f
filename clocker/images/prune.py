"""Which images of a host may go. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from clocker.images.install import is_once
from clocker.images.kinds import ImageKind, kind_of
from clocker.model import ImageInfo

_OWN = (ImageKind.SSH, ImageKind.GENERATED)
"""What Clocker makes by itself, and makes again when it is needed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``older_than_s``: such images go, None: no matter how old. ``most_bytes``: what all images of
    a host may have together, as an engine tells their sizes: those that share a layer have it
    each. ``all_kinds``: also what somebody has brought, built or pulled."""

    older_than_s: float | None = 7 * 86400.0
    most_bytes: int | None = None
    all_kinds: bool = False


@dataclass(frozen=True, slots=True)
class ImageFinding:
    """An image of one host; ``goes``, or stays, and why."""

    host: str
    image: ImageInfo
    goes: bool
    reason: str

    @property
    def name(self) -> str:
        return self.image.tags[0] if self.image.tags else self.image.id


def findings(
    host: str,
    images: Sequence[ImageInfo],
    used: Mapping[str, Collection[str]],
    limits: Limits,
    now: float,
) -> tuple[ImageFinding, ...]:
    """``used``: by ids, by whom. The newest first, and what is made of others before these."""
    judged = [_judged(host, image, used.get(image.id, ()), limits, now) for image in images]
    ordered = sorted(judged, key=lambda each: (_depth(each.image), -each.image.created_at))
    return tuple(_within(ordered, limits))


def _judged(
    host: str, image: ImageInfo, users: Collection[str], limits: Limits, now: float
) -> ImageFinding:
    goes, reason = _verdict(image, users, limits, now)
    return ImageFinding(host, image, goes, reason)


def _verdict(
    image: ImageInfo, users: Collection[str], limits: Limits, now: float
) -> tuple[bool, str]:
    if users:
        return False, f"used by {', '.join(sorted(users))}"
    if any(map(is_once, image.tags)):
        return True, "its container is gone"
    if not (limits.all_kinds or kind_of(image) in _OWN):
        return False, "Clocker could not make it again"
    if limits.older_than_s is not None and now - image.created_at > limits.older_than_s:
        return True, "it is old, and nothing uses it"
    return False, ""


def _within(ordered: Sequence[ImageFinding], limits: Limits) -> list[ImageFinding]:
    """The oldest that may go do, until the rest is not too much."""
    found = list(ordered)
    total = sum(each.image.size_bytes for each in found if not each.goes)
    may_go = [n for n, each in enumerate(found) if not each.goes and not each.reason]
    for number in sorted(may_go, key=lambda n: found[n].image.created_at):
        each = found[number]
        if limits.most_bytes is None or total <= limits.most_bytes:
            found[number] = replace(each, reason="it is new enough")
        else:
            found[number] = replace(each, goes=True, reason="the images are too much for the host")
            total -= each.image.size_bytes
    return found


def _depth(image: ImageInfo) -> int:
    kind = kind_of(image)
    return _OWN.index(kind) if kind in _OWN else len(_OWN)
