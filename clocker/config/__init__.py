"""``clocker.yaml`` and ``providers.yaml``: read, checked whole, and turned into the model.

The names are imported when first used: where things are (``places``) must cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clocker.config.fetch import fetched, logged_in
    from clocker.config.listing import ProviderListing, Reference, list_providers
    from clocker.config.load import LoadedCloud, load_cloud
    from clocker.config.places import find_cloud_file, runtime_folder, state_folder
    from clocker.config.starter import starter_document

_HOMES = {
    "fetched": "clocker.config.fetch",
    "logged_in": "clocker.config.fetch",
    "ProviderListing": "clocker.config.listing",
    "Reference": "clocker.config.listing",
    "list_providers": "clocker.config.listing",
    "LoadedCloud": "clocker.config.load",
    "load_cloud": "clocker.config.load",
    "find_cloud_file": "clocker.config.places",
    "runtime_folder": "clocker.config.places",
    "state_folder": "clocker.config.places",
    "starter_document": "clocker.config.starter",
}

__all__ = [
    "LoadedCloud",
    "ProviderListing",
    "Reference",
    "fetched",
    "find_cloud_file",
    "list_providers",
    "load_cloud",
    "logged_in",
    "runtime_folder",
    "starter_document",
    "state_folder",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'clocker.config' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
