"""The ports of a host on which those of containers are published."""

from __future__ import annotations

import random
from dataclasses import replace

from clocker.errors import NothingFits
from clocker.model import HostView, Port

CHOSEN_PORTS = range(20000, 30000)


def book_ports(view: HostView, wanted: tuple[Port, ...]) -> tuple[Port, ...]:
    """``wanted`` with a port of the host for each that leaves it open."""
    taken = {(p.host_port, p.protocol) for c in view.containers for p in c.ports}
    taken |= {(p.host_port, p.protocol) for p in wanted if p.host_port}
    booked = []
    for port in wanted:
        number = port.host_port or _choose_port(taken, port.protocol)
        taken.add((number, port.protocol))
        booked.append(replace(port, host_port=number))
    return tuple(booked)


def _choose_port(taken: set[tuple[int, str]], protocol: str) -> int:
    start = random.randrange(len(CHOSEN_PORTS))  # noqa: S311 - spreads ports, guards nothing
    for step in range(len(CHOSEN_PORTS)):
        number = CHOSEN_PORTS[(start + step) % len(CHOSEN_PORTS)]
        if (number, protocol) not in taken:
            return number
    raise NothingFits("every port that Clocker may choose is booked on the host")
