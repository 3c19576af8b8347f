"""Which services can be made before what they need is there."""

from __future__ import annotations

from collections.abc import Mapping

from clocker.applications import Known, Resolved, Seen, Wanted, rendered

MOST_AHEAD = 48
"""Containers: each has a thread that waits."""


def made_ahead(resolved: Resolved, seen: Mapping[str, Seen], known: Known) -> list[str]:
    """Those of which nothing is there yet, and whose containers are known altogether; those first
    that come first. Jobs have ways of their own."""
    found: list[str] = []
    count = 0
    for wave in resolved.waves[1:]:
        for service in wave:
            wanted = resolved.wanted[service]
            if service in resolved.jobs or not wanted or not _is_new(wanted, seen, known):
                continue
            count += len(wanted)
            if count > MOST_AHEAD:
                return found
            found.append(service)
    return found


def _is_new(wanted: tuple[Wanted, ...], seen: Mapping[str, Seen], known: Known) -> bool:
    return all(
        each.name not in seen and not rendered(each.request, each.env, each.command, known)[1]
        for each in wanted
    )
