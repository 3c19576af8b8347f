"""Secrets that are written out where a reference belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from clocker.config.document import Document, Loc
from clocker.config.environment import references
from clocker.config.problems import Problem
from clocker.config.references import REFERENCES

_SECRET_NAME = re.compile(
    r"(^|_)(key|secret|pass|password|passwd|passphrase|token|credentials?)$", re.IGNORECASE
)
_REMEDIES = {
    "arguments": "write ${NAME}, {file: PATH} or {command: [pass, show, NAME]}",
    "create": "write ${NAME}",
    "options": "write ${NAME}",
}
# Where a key is the name of one, or its file.
_NAMES = {("create", "key"), ("options", "key")}
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
        values = entry.get(section)
        for key, value in values.items() if isinstance(values, dict) else ():
            if _is_secret(driver, str(key), value) and (section, key) not in _NAMES:
                yield document.problem((*loc, section, key), sentence, remedy)


def masked(driver: str, value: Any, key: str = "") -> Any:
    """``value`` as it may be shown: what could be a secret is left out, references are not."""
    if isinstance(value, dict) and not REFERENCES & set(value):
        return {name: masked(driver, item, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(driver, item, key) for item in value]
    return "(not shown)" if _is_secret(driver, key, value) else value


def _is_secret(driver: str, key: str, value: object) -> bool:
    """Whether a text is written out where a secret belongs: one without any reference, or with
    one that falls back on a text."""
    if isinstance(value, str) and "-----BEGIN" in value:
        return True
    if not _SECRET_NAME.search(key) or key in _PLAIN.get(driver, ()):
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True
    if not isinstance(value, str) or not value:
        return False
    found = references(value)
    return not found or any(default for _, default in found)
