"""What differs between libcloud's drivers, as data: a new driver is a line in ``DIALECTS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Dialect:
    """``*_argument``: of ``create_node``. ``filters``: arguments of ``list_nodes`` that make
    the provider select by tags; what it selects is checked again. ``tags_in``: keys of
    ``Node.extra``. ``cores_in``: keys of ``NodeSize.extra``. ``dead``: the provider's own words,
    in ``extra["status"]``, for a machine that is on its way out. ``lag_s``: how long a machine that
    has been made may be missing from the provider's list."""

    user_data_argument: str = "ex_userdata"
    tags_argument: str = "ex_metadata"
    token_argument: str | None = None
    filters: Callable[[Mapping[str, str]], dict[str, Any]] = lambda _: {}
    tags_in: tuple[str, ...] = ("tags", "metadata")
    cores_in: tuple[str, ...] = ("cores", "cpu", "cpus", "vcpus")
    dead: frozenset[str] = frozenset()
    image_by_id: str | None = None
    default_image: Callable[[Any], Any] | None = None
    default_size: str | None = None
    clean: Callable[[Any], None] = lambda _: None
    price: Callable[[Any], float | None] = lambda size: size.price or None
    poll_s: float = 2.0
    lag_s: float = 30.0


GENERIC = Dialect()

DIALECTS: Mapping[str, Dialect] = {
    "clocker-local": Dialect(
        filters=lambda tags: {"ex_filters": dict(tags)},
        default_image=lambda driver: driver.ex_default_image(),
        default_size="unlimited",
        clean=lambda driver: driver.ex_remove_unused_network(),
        price=lambda _: 0.0,
        poll_s=0.05,
        lag_s=0.0,
    ),
    "ec2": Dialect(
        token_argument="ex_clienttoken",  # noqa: S106 - an idempotency token, no secret
        filters=lambda tags: {"ex_filters": {f"tag:{key}": value for key, value in tags.items()}},
        dead=frozenset({"shutting-down", "terminated"}),
        image_by_id="get_image",
    ),
}


def dialect_of(driver: str) -> Dialect:
    """Of the driver with this name among libcloud's provider constants."""
    return DIALECTS.get(driver, GENERIC)
