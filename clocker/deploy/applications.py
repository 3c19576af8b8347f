"""The applications of a cloud: deployed, looked at, changed and removed as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from clocker.applications import Change, Plan, Resolved, Verb, plan, resolve
from clocker.cloud import Cloud
from clocker.cloud.recover import recover
from clocker.cloud.release import release
from clocker.cloud.steps import side_by_side
from clocker.deploy import networks, record, removal, restart
from clocker.deploy import views as looking
from clocker.deploy.preview import preview, refuse_bad
from clocker.deploy.reports import ApplicationView, Preview
from clocker.deploy.rollout import Rollout
from clocker.deploy.world import World, look
from clocker.errors import BadInput, ClockerError
from clocker.interfaces import Parts, Transaction
from clocker.model import Application, Deployment, DeploymentState


class Applications:
    """Every method may be interrupted, or its process killed, and called again."""

    def __init__(self, cloud: Cloud) -> None:
        self._parts = cloud.parts
        self._images, self._sharing = cloud.imaging, cloud.sharing

    def preview(self, application: Application) -> Preview:
        """What ``deploy`` would do now; nothing is changed. BadInput, NameTaken."""
        return preview(self._parts, resolve(self._named(application)))

    def deploy(self, application: Application) -> Preview:
        """Make what runs what ``application`` says: create, change, replace, remove. The same
        again goes on where it ended. BadInput, NameTaken; DeployFailed names the services."""
        application = self._named(application)
        parts, resolved = self._parts, resolve(application)
        recover(parts)

        before: Deployment | None = None

        def begin(now: Deployment | None, tx: Transaction) -> Deployment:
            nonlocal before
            before = now
            return record.begun(now, tx, application, resolved.networks)

        with record.claimed(parts, application.name, begin) as deployment:
            world = look(parts, deployment.name)
            try:
                found = self._planned(resolved, deployment, world)
            except ClockerError:  # nothing has been done
                record.restore(parts, deployment, before)
                raise
            cut_off = before is not None and before.state is DeploymentState.DEPLOYING
            self._deploy(resolved, deployment, world, found, cut_off=cut_off)
            return Preview(found)

    def undo(self, name: str) -> Preview | None:
        """Put back what was deployed before the deploy that has not succeeded; None when there
        was nothing before: then nothing is left. BadInput when there is nothing to undo."""
        found = record.deployment(self._parts, name)
        if found.state in (DeploymentState.DEPLOYED, DeploymentState.REMOVING):
            raise BadInput(
                f"it is {found.state}: there is nothing to undo", where=f"application {name}"
            )
        if found.former is not None:
            return self.deploy(found.former)
        self.remove(name)
        return None

    def list(self) -> tuple[ApplicationView, ...]:
        return looking.views(self._parts)

    def status(self, name: str) -> ApplicationView:
        """NotFound."""
        return looking.view(self._parts, record.deployment(self._parts, name))

    def scale(self, name: str, replicas: Mapping[str, int]) -> Preview:
        """Deploy it with other numbers of replicas; BadInput beyond a service's bounds."""
        return self.deploy(self.scaled(name, replicas))

    def scaled(self, name: str, replicas: Mapping[str, int]) -> Application:
        application = record.deployment(self._parts, name).application
        _refuse_strange(application, replicas)
        services = (
            replace(service, replicas=replicas.get(service.name, service.replicas))
            for service in application.services
        )
        return replace(application, services=tuple(services))

    def restart(self, name: str, services: Sequence[str] = ()) -> tuple[str, ...]:
        """Restart them, or these and who asked to be restarted with them, those first that others
        need; names of containers."""
        found = record.deployment(self._parts, name)
        _refuse_strange(found.application, services)
        with record.claimed(self._parts, name, lambda now, _: now or found):
            return restart.restart(self._parts, resolve(found.application), services)

    def containers(self, name: str, services: Sequence[str] = ()) -> tuple[str, ...]:
        """Names of those that there are, by service."""
        application = record.deployment(self._parts, name).application
        _refuse_strange(application, services)
        return looking.containers(self._parts, application, services)

    def remove(self, name: str, *, volumes: bool = False) -> tuple[str, ...]:
        """Remove its containers, those first that others do not need, and its networks; its
        volumes stay unless they are to go. Returns the names of the containers."""
        return removal.remove(self._parts, name, volumes=volumes)

    def _named(self, application: Application) -> Application:
        """With the names of the images that are built for it, by which it is known again."""
        services = (
            replace(service, request=self._images.resolved(service.request))
            for service in application.services
        )
        return replace(application, services=tuple(services))

    def _planned(self, resolved: Resolved, deployment: Deployment, world: World) -> Plan:
        found = plan(
            resolved,
            world.seen,
            world.known(resolved, self._parts.spec.name),
            taken={c.name: f"a container that is {c.state}" for c in world.others.values()},
            networks=world.networks,
            owned=frozenset(deployment.networks),
        )
        refuse_bad(found)
        return found

    def _deploy(
        self,
        resolved: Resolved,
        deployment: Deployment,
        world: World,
        found: Plan,
        *,
        cut_off: bool,
    ) -> None:
        """``cut_off``: an earlier deploy was, and may have told some hosts only of a network."""
        parts = self._parts
        try:
            networks.make(parts, resolved, resolved.networks if cut_off else found.networks)
            if not found.is_empty:
                self._carry_out(resolved, world, found.changes)
            networks.remove(parts, found.leaving)
        except ClockerError as error:
            why = error.what.partition("\n")[0]
            record.put(parts, deployment, "failed", state=DeploymentState.FAILED, error=why)
            raise
        record.put(
            parts,
            deployment,
            "deployed",
            state=DeploymentState.DEPLOYED,
            former=None,
            error="",
            networks=resolved.networks,
        )

    def _carry_out(self, resolved: Resolved, world: World, changes: tuple[Change, ...]) -> None:
        """What is to go goes first: it may have what others are to have, a port say."""
        gone = [change.name for change in changes if change.verb is Verb.REMOVE]
        _release_all(self._parts, gone)
        Rollout(self._parts, self._images, resolved, world).run()
        self._sharing.begin()


def _release_all(parts: Parts, names: Sequence[str]) -> None:
    with side_by_side(min(8, len(names))) as pool:
        jobs = [pool.submit(release, parts, name) for name in names]
    for job in jobs:
        job.result()


def _refuse_strange(application: Application, services: Mapping[str, int] | Sequence[str]) -> None:
    known = [service.name for service in application.services]
    for name in services:
        if name not in known:
            raise BadInput(
                f"it has no service {name!r}",
                where=f"application {application.name}",
                remedy=f"its services: {', '.join(known)}",
            )
