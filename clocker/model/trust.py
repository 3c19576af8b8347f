"""Whose certificates the hosts of a cloud and its controllers accept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Authority:
    """``generation``: counts from 1; the authority's key follows from it and the cloud's key, and
    is kept nowhere. ``certificate``: PEM."""

    generation: int
    certificate: str


@dataclass(frozen=True, slots=True)
class Trust:
    """``authorities``: one, or for as long as it takes to tell every host, the old and the new.
    ``settled``: no rotation is under way."""

    authorities: tuple[Authority, ...]
    settled: bool = True

    @property
    def of_hosts(self) -> Authority:
        """Who signs for hosts: controllers accept both."""
        return self.authorities[-1]

    @property
    def of_controllers(self) -> Authority:
        """Who signs for controllers: the one that even a host accepts that is yet to be told."""
        return self.authorities[0]

    @property
    def bundle(self) -> str:
        return "".join(authority.certificate for authority in self.authorities)
