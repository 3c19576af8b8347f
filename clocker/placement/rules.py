"""The rules that one may name, by their classes; docs/placement.md says what they do."""

from clocker.placement.affinity import Affinity, DifferentHost, Exclusive, SameHost
from clocker.placement.capacity import Fits, MaxContainers
from clocker.placement.hosts import HostLabels, Hostname
from clocker.placement.images import ImageThere
from clocker.placement.location import Country, Provider, Region, Zone
from clocker.placement.order import BreadthFirst, Cheapest, DepthFirst, LeastContainers, Random
from clocker.placement.soft import Soft
from clocker.placement.spread import Spread
from clocker.placement.usage import LowestCpuUsage, MaxCpuUsage, MaxRamUsage

__all__ = [
    "Affinity",
    "BreadthFirst",
    "Cheapest",
    "Country",
    "DepthFirst",
    "DifferentHost",
    "Exclusive",
    "Fits",
    "HostLabels",
    "Hostname",
    "ImageThere",
    "LeastContainers",
    "LowestCpuUsage",
    "MaxContainers",
    "MaxCpuUsage",
    "MaxRamUsage",
    "Provider",
    "Random",
    "Region",
    "SameHost",
    "Soft",
    "Spread",
    "Zone",
]
