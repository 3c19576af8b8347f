"""Whose a thing is that carries this cloud's name: two clouds of one name may share an account, and
are told apart by their keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum

from clocker.interfaces import Keys
from clocker.model import shared_mark

KEY_TAG = "clocker-key"


class Whose(StrEnum):
    OURS = "ours"
    OTHERS = "another cloud's"  # of the same name
    UNKNOWN = "unknown"  # made by a version of Clocker that did not say


def mark_of(keys: Keys) -> str:
    """What says, on all that is made for a cloud, which cloud of that name it is."""
    return hashlib.sha256(keys.public.encode()).hexdigest()[:16]


def whose(mark: str, cloud: str, tags: Mapping[str, str], name: str = "") -> Whose:
    """``mark``: this cloud's. ``name``: of something that may carry no tags."""
    found = tags.get(KEY_TAG) or shared_mark(cloud, name)
    if found is None:
        return Whose.UNKNOWN
    return Whose.OURS if found == mark else Whose.OTHERS
