"""Secrets that are written out where a reference belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from clocker.config.document import Document, Loc
from clocker.config.environment import references
from clocker.config.problems import Problem
from clocker.config.references import REFERENCES

Place: TypeAlias = tuple[int | str, ...]

_SECRET_NAME = re.compile(
    r"(^|_)(key|secret|pass|password|passwd|passphrase|token|credentials?)$", re.IGNORECASE
)
# A private key, or an address with a password in it, unless that is a reference.
_SECRET_TEXT = re.compile(r"-----BEGIN|://[^/@:]*:[^/@$]+@")
_REMEDIES = {
    "arguments": "write ${NAME}, {file: PATH} or {command: [pass, show, NAME]}",
    "create": "write ${NAME}",
    "options": "write ${NAME}",
}
# Anywhere but among the arguments this is the name of a key, a label or a file.
_NAME = "key"
# Arguments that look like secrets and are none, by driver: a path, a socket, a name.
_PLAIN = {
    "azure_arm": {"key"},
    "gce": {"key"},
    "local": {"key"},
    "openstack": {"key"},
    "rackspace": {"key"},
}


def literals(document: Document, entry: Mapping[str, Any], loc: Loc) -> Iterator[Problem]:
    """Secrets that are written out in an ``entry``, which stands at ``loc``."""
    driver = str(entry.get("driver"))
    sentence = "must be a reference: a secret is not kept in this file"
    for section, remedy in _REMEDIES.items():
        for place in _secrets(driver, entry.get(section), (section,)):
            if section == "arguments" or _key(place) != _NAME:
                yield document.problem((*loc, *place), sentence, remedy)


def masked(driver: str, value: Any, key: str = "") -> Any:
    """``value`` as it may be shown: what could be a secret is left out, references are not."""
    if isinstance(value, dict) and not _is_reference(value):
        return {name: masked(driver, item, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(driver, item, key) for item in value]
    return "(not shown)" if _is_secret(driver, key, value) else value


def _secrets(driver: str, value: Any, place: Place) -> Iterator[Place]:
    if isinstance(value, dict) and not _is_reference(value):
        for key, item in value.items():
            yield from _secrets(driver, item, (*place, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets(driver, item, (*place, index))
    elif _is_secret(driver, _key(place), value):
        yield place


def _key(place: Place) -> str:
    """The innermost name: that of a list is its items'."""
    return next(str(part) for part in reversed(place) if isinstance(part, str))


def _is_reference(value: dict[str, Any]) -> bool:
    return bool(value) and set(value) <= REFERENCES


def _is_secret(driver: str, key: str, value: object) -> bool:
    """Whether a text is written out where a secret belongs: one without any reference, or with
    one that falls back on a text."""
    if isinstance(value, str) and _SECRET_TEXT.search(value):
        return True
    if not _SECRET_NAME.search(key) or key in _PLAIN.get(driver, ()):
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True
    if not isinstance(value, str) or not value:
        return False
    found = references(value)
    return not found or any(default for _, default in found)
