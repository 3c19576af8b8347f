"""An application of a cloud, as the store keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clocker.model.application import Application
from clocker.model.container import Work


class DeploymentState(StrEnum):
    DEPLOYING = "deploying"
    DEPLOYED = "deployed"
    FAILED = "failed"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class Deployment:
    """``application``: as it is to be. ``former``: as it was when it was deployed last, until the
    new one is; to go back to. ``networks``: the cloud's networks that are its own, by name, also
    those that it is about to make. ``error``: of the last deploy, one that has failed."""

    name: str
    application: Application
    state: DeploymentState
    former: Application | None = None
    networks: tuple[str, ...] = ()
    error: str = ""
    changed_at: float = 0.0
    work: Work | None = None
