"""What is to be done so that a cloud is well again: one decision from one look.

``clocker heal`` takes it once, ``clocker watch`` whenever something happens. It changes nothing:
who carries it out looks again at each container and host under a lease, because between the look
and the act the world goes on.
"""

from __future__ import annotations

from clocker.policies.heal_actions import Plan
from clocker.policies.heal_containers import due_restarts, judge_containers
from clocker.policies.heal_history import History
from clocker.policies.heal_hosts import judge_hosts
from clocker.policies.heal_look import Look
from clocker.policies.heal_strays import judge_strays


def decide(look: Look) -> Plan:
    hosts = judge_hosts(look)
    containers = judge_containers(look, hosts.well, hosts.back)
    dependent = tuple(due_restarts(look, containers, hosts.well))
    on_record = {container.id for _, container in look.containers}
    due = dict.fromkeys((*look.history.due, *(action.id for action in dependent)))
    return Plan(
        actions=(
            *containers.actions,
            *dependent,
            *judge_strays(look, hosts.well),
            *hosts.actions,
        ),
        pending=(*hosts.pending, *containers.pending),
        troubles=(*hosts.troubles, *containers.troubles),
        breaker=hosts.breaker,
        history=History(
            hosts=hosts.silent,
            tries=containers.tries,
            ended=tuple(containers.ended),
            due=tuple(item for item in due if item in on_record),
        ),
    )
