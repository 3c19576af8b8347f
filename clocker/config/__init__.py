"""``clocker.yaml`` and ``providers.yaml``: read, checked whole, and turned into the model.

The names are imported when first used: where things are (``places``) must cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clocker.deferred import exports

if TYPE_CHECKING:
    from clocker.config.fetch import fetched, logged_in
    from clocker.config.listing import ProviderListing, Reference, list_providers
    from clocker.config.load import LoadedCloud, load_cloud
    from clocker.config.places import find_cloud_file, runtime_folder, state_folder
    from clocker.config.starter import starter_document

_HOMES = {
    "fetch": ("fetched", "logged_in"),
    "listing": ("ProviderListing", "Reference", "list_providers"),
    "load": ("LoadedCloud", "load_cloud"),
    "places": ("find_cloud_file", "runtime_folder", "state_folder"),
    "starter": ("starter_document",),
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

__getattr__ = exports(__name__, _HOMES)
