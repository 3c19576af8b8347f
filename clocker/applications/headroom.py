"""The room that applications ask for."""

from __future__ import annotations

from collections.abc import Iterable

from clocker.applications.names import SERVICE
from clocker.model import ContainerRequest, Deployment, DeploymentState


def asked_room(deployments: Iterable[Deployment]) -> tuple[ContainerRequest, ...]:
    """So many more of each service as it says, as far as their places are concerned."""
    return tuple(
        ContainerRequest(
            service.request.image,
            service.request.resources,
            labels={
                **service.request.labels,
                "application": deployment.name,
                SERVICE: service.name,
            },
            rules=service.request.rules,
        )
        for deployment in deployments
        if deployment.state is not DeploymentState.REMOVING
        for service in deployment.application.services
        for _ in range(service.headroom)
    )
