"""Which host takes a container. Pure: values in, a Placement out."""

from clocker.placement.place import Rules, place, rules_for
from clocker.placement.rules import (
    Accepting,
    BreadthFirst,
    DepthFirst,
    Fits,
    MaxContainers,
    PortsFree,
)

__all__ = [
    "Accepting",
    "BreadthFirst",
    "DepthFirst",
    "Fits",
    "MaxContainers",
    "PortsFree",
    "Rules",
    "place",
    "rules_for",
]
