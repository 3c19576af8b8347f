"""What an application's description means: names, order, requests, and what there is to do.
Pure."""

from clocker.applications.flaws import Flaw, flaws
from clocker.applications.names import belongs, container_name, network_name, volume_name
from clocker.applications.order import implied_needs, waves
from clocker.applications.plan import Change, Plan, Planner, Seen, Verb, network_taken, plan
from clocker.applications.resolve import Resolved, Wanted, jobs_of, resolve
from clocker.applications.values import Facts, Known, rendered

__all__ = [
    "Change",
    "Facts",
    "Flaw",
    "Known",
    "Plan",
    "Planner",
    "Resolved",
    "Seen",
    "Verb",
    "Wanted",
    "belongs",
    "container_name",
    "flaws",
    "implied_needs",
    "jobs_of",
    "network_name",
    "network_taken",
    "plan",
    "rendered",
    "resolve",
    "volume_name",
    "waves",
]
