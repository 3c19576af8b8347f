"""A service joined with the one that it extends, as the Compose specification has it: mappings by
their keys, lists one after the other, and what can only be one thing is the extending service's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from clocker.config.tree import Node

_PAIRS = frozenset(
    {"environment", "labels", "annotations", "sysctls", "extra_hosts", "storage_opt", "args"}
)
"""Lists of ``NAME=VALUE`` that are mappings as well."""
_WHOLE = frozenset({"command", "entrypoint", "test", "profiles"})
"""Lists that are one thing."""
_TEXT_OR_LIST = frozenset({"tmpfs", "dns", "dns_search", "env_file", "label_file"})


def canonical(service: Node) -> Node:
    """With mappings where a list or a text may stand for one."""
    made: dict[str, Node] = {key: _canonical(key, node) for key, node in service.items()}
    return replace(service, value=made)


def merged(below: Node, above: Node, key: str = "") -> Node:
    """Both canonical; ``above`` extends ``below``."""
    if isinstance(below.value, dict) and isinstance(above.value, dict):
        value = dict(below.value)
        for name, node in above.value.items():
            value[name] = merged(value[name], node, name) if name in value else node
        return replace(above, value=value)
    if isinstance(below.value, list) and isinstance(above.value, list) and key not in _WHOLE:
        return replace(above, value=_joined(below.value, above.value, _IDENTITIES.get(key, _self)))
    return above


def _canonical(key: str, node: Node) -> Node:
    if key in _PAIRS:
        return pairs(node, ":" if key == "extra_hosts" else "=")
    if key in _TEXT_OR_LIST and isinstance(node.value, str):
        return replace(node, value=[node])
    forms: dict[str, Callable[[Node], Node]] = {
        "networks": lambda n: _named(n, lambda item: None),
        "depends_on": lambda n: _named(n, _started),
        "build": _build,
    }
    if key == "extends" and isinstance(node.value, str):
        return replace(node, value={"service": node})
    return forms[key](node) if key in forms else node


def _started(item: Node) -> object:
    return {"condition": replace(item, value="service_started")}


def pairs(node: Node, separator: str = "=") -> Node:
    """``[NAME=VALUE, NAME]`` as the mapping that it stands for."""
    if not isinstance(node.value, list):
        return node
    made = {}
    for item in node.value:
        name, found, value = str(item.value).partition(separator)
        if separator == ":" and "=" in str(item.value):  # the other way to write extra hosts
            name, found, value = str(item.value).partition("=")
        reference = None if item.reference else _reference_after(item)
        made[name.strip() if separator == ":" else name] = replace(
            item, value=value if found else None, reference=reference
        )
    return replace(node, value=made)


def _reference_after(item: Node) -> str | None:
    """``NAME=${VARIABLE}`` refers as ``NAME: ${VARIABLE}`` does."""
    raw = item.document.raw(item.loc)
    match = re.fullmatch(r"[^=$]+=\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", str(raw), re.ASCII)
    return (match[1] or match[2]) if match else None


def _named(node: Node, value: Callable[[Node], object]) -> Node:
    if not isinstance(node.value, list):
        return node
    return replace(node, value={str(n.value): replace(n, value=value(n)) for n in node.value})


def _build(node: Node) -> Node:
    if isinstance(node.value, str):
        return replace(node, value={"context": node})
    made = {k: pairs(v) if k == "args" else v for k, v in node.items()}
    return replace(node, value=made)


def _joined(below: list[Node], above: list[Node], identity: Callable[[Node], object]) -> list[Node]:
    """An item of ``above`` takes the place of the one with the same identity."""
    made = {identity(node): node for node in below}
    made.update({identity(node): node for node in above})
    return list(made.values())


def _self(node: Node) -> object:
    return str(node.plain())


def _target(node: Node) -> object:
    """A volume's place in the container."""
    if isinstance(node.value, dict):
        target = node.get("target")
        return target.value if target else _self(node)
    parts = str(node.value).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _source(node: Node) -> object:
    found = node.get("target") or node.get("source")
    return found.value if found else node.value


_IDENTITIES: Mapping[str, Callable[[Node], object]] = {
    "volumes": _target,
    "secrets": _source,
    "configs": _source,
}
