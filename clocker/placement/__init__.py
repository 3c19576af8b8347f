"""Which host takes a container. Pure: values in, a Placement out.

A rule is a frozen dataclass, a Filter or a Preference (``clocker.interfaces``); the table in
``clocker.plugins`` gives it its name. docs/placement.md lists them all.
"""

from clocker.placement.fleet import Fleet
from clocker.placement.place import Rules, allows, judge, place, rules_for

__all__ = ["Fleet", "Rules", "allows", "judge", "place", "rules_for"]
