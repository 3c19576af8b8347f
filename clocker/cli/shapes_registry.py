"""Registries, and what goes to and comes from them, as docs/json.md has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clocker.cloud.image_transfers import Pulled, Pushed
    from clocker.cloud.registry import RegistryCheck, RegistryView


def registry(view: RegistryView) -> dict[str, Any]:
    found = view.registry
    return {
        "name": found.name,
        "container": view.container,
        "host": view.host,
        "state": str(view.state) if view.state else None,
        "address": found.address,
        "shared": view.shared,
        "mirror": found.mirror,
        "insecure": found.insecure,
        "ca": bool(found.ca),
    }


def check(item: RegistryCheck) -> dict[str, Any]:
    return {
        "host": item.host,
        "ok": item.error is None,
        "error": item.error.what if item.error else None,
        "remedy": item.error.remedy if item.error else None,
    }


def pulled(found: Pulled) -> dict[str, Any]:
    return {"name": found.name, "id": found.image.id, "hosts": list(found.hosts)}


def pushed(found: Pushed) -> dict[str, Any]:
    return {
        "name": found.name,
        "target": found.target,
        "digest": found.digest,
        "host": found.host,
    }
