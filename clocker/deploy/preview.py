"""What a deploy would do, and which hosts would be made for it. Changes nothing."""

from __future__ import annotations

from clocker.applications import Plan, Resolved, Verb, plan
from clocker.cloud import secrets
from clocker.cloud.explain import plan_obtain
from clocker.cloud.request_check import check
from clocker.deploy.record import owned_networks
from clocker.deploy.reports import Preview
from clocker.deploy.world import look
from clocker.errors import NothingFits
from clocker.interfaces import Parts


def preview(parts: Parts, resolved: Resolved) -> Preview:
    name = resolved.application.name
    world = look(parts, name)
    with parts.store.read() as tx:
        owned = owned_networks(tx.application(name), tx, name, resolved.networks)
    found = plan(
        resolved,
        world.seen,
        world.known(resolved, parts.spec.name),
        taken={c.name: f"a container that is {c.state}" for c in world.others.values()},
        networks=world.networks,
        owned=frozenset(owned),
    )
    refuse_bad(found)
    fresh = [
        change.request
        for change in found.changes
        if change.verb is Verb.CREATE and change.request and change.name not in world.seen
    ]
    try:
        placed = plan_obtain(parts, fresh)
    except NothingFits as error:
        return Preview(found, doubt=str(error))
    return Preview(found, tuple(each.new for each in placed if each.new))


def refuse_bad(found: Plan) -> None:
    """BadInput for what could not be made, before anything is; its secrets must be at hand."""
    made = (Verb.CREATE, Verb.REPLACE)
    requests = [each.request for each in found.changes if each.request and each.verb in made]
    for request in requests:
        check(request)
    secrets.check(requests)
