from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clocker.cloud.cloud_images import CloudImages
from clocker.cloud.cloud_networks import CloudNetworks
from clocker.cloud.cloud_registries import CloudRegistries
from clocker.cloud.defaults import GRACE_S
from clocker.deferred import deferred, modules

if TYPE_CHECKING:
    from clocker.cloud import (
        add_hosts,
        adopt,
        down,
        explain,
        gc,
        heal,
        host_machine,
        key_pairs,
        look_after,
        move,
        obtain,
        plan,
        recover,
        release,
        rotate,
        run_state,
        scale,
        ssh,
        up,
        views,
        watch,
    )
    from clocker.cloud.host_machine import HostMachine
    from clocker.cloud.look_after import Care
    from clocker.cloud.machine import ContainerMachine
    from clocker.cloud.remnants import Finding
    from clocker.cloud.reports import (
        AdoptReport,
        DownReport,
        Explanation,
        GcReport,
        HealReport,
        MoveReport,
        PlannedContainer,
        RemnantsReport,
        RotationReport,
        ScaleReport,
        Status,
        UpPlan,
        UpReport,
    )
    from clocker.cloud.sharing import Sharing
    from clocker.cloud.watch import Watch
    from clocker.images import Images
    from clocker.interfaces import Parts
    from clocker.model import Check, CloudSpec, Container, ContainerRequest, Event, HostView
else:
    globals().update(
        modules(
            "clocker.cloud",
            "add_hosts adopt down explain gc heal host_machine key_pairs look_after move obtain"
            " plan recover release rotate run_state scale ssh up views watch",
        )
    )


class Cloud(CloudImages, CloudNetworks, CloudRegistries):
    """A Docker cloud: hosts that Clocker makes, and a location of containers on them.

    Every method may be interrupted, or its process killed, and called again. Thread-safe. Use
    it as a context manager, or ``close`` it.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._images = deferred(lambda: _images(parts))
        self._sharing = deferred(lambda: _sharing(parts, self._images), idle=("finish", "give_up"))

    @property
    def spec(self) -> CloudSpec:
        return self._parts.spec

    @property
    def parts(self) -> Parts:
        """What it is made of, for who builds upon it."""
        return self._parts

    @property
    def imaging(self) -> Images:
        """Brings images to its hosts; for who builds upon it."""
        return self._images

    @property
    def sharing(self) -> Sharing:
        """To be begun by who builds upon it, after something was made."""
        return self._sharing

    def plan_up(self) -> UpPlan:
        """The hosts that ``up`` would make: where, of which size, and at what price."""
        return plan.plan_up(self._parts)

    def examine(self, provider: str) -> Iterator[Check]:
        """Whether ``up`` could make a host at ``provider``; nothing is made."""
        return plan.examine(self._parts, provider)

    def up(self) -> UpReport:
        """Make the hosts that the document asks for, and mend those that differ."""
        return up.up(self._parts)

    def down(self) -> DownReport:
        """Remove every container and host of this cloud, and its state."""
        return down.down(self._parts)

    def adopt(self) -> AdoptReport:
        """Rebuild a lost store from tags and labels."""
        return adopt.adopt(self._parts)

    def remnants(self, grace_s: float = GRACE_S) -> RemnantsReport:
        """What carries this cloud's name at its providers and is not in use."""
        return gc.remnants(self._parts, grace_s)

    def gc(self, found: Sequence[Finding]) -> GcReport:
        """Remove those of ``found`` that may go; every failure is in the report."""
        return gc.remove(self._parts, found)

    def rotate_certs(self) -> RotationReport:
        """New keys and certificates for engines that listen with TLS; containers run on."""
        return rotate.rotate(self._parts)

    def obtain(self, request: ContainerRequest) -> ContainerMachine:
        """A container; NothingFits with the reasons, NameTaken, ImageNotFound, TimedOut."""
        return self.obtain_many([request])[0]

    def obtain_many(
        self, requests: Sequence[ContainerRequest], *, new_hosts: int | None = None
    ) -> list[ContainerMachine]:
        """All or none, side by side; MoreHostsNeeded if it takes more than ``new_hosts``."""
        recover.recover(self._parts)
        containers = obtain.obtain_many(self._parts, self._images, requests, new_hosts)
        self._sharing.begin()
        return [self.machine(container.name) for container in containers]

    def explain(self, request: ContainerRequest) -> Explanation:
        """Which rule refuses the request on which host, or where the host ranks, and why."""
        return explain.explain(self._parts, request)

    def plan_obtain(self, requests: Sequence[ContainerRequest]) -> tuple[PlannedContainer, ...]:
        """Where ``obtain_many`` would place them; NothingFits, NameTaken."""
        return explain.plan_obtain(self._parts, obtain.named(self._images, requests))

    def release(self, name: str) -> None:
        """Remove the container; its address and name become free."""
        release.release(self._parts, name)

    def list(self) -> tuple[Container, ...]:
        """The containers on record, by name."""
        with self._parts.store.read() as tx:
            return tuple(tx.containers())

    def machine(self, name: str) -> ContainerMachine:
        return views.machine(self._parts, name)

    def hosts(self) -> tuple[HostView, ...]:
        return views.hosts(self._parts)

    def host(self, name: str) -> HostMachine:
        """To cordon, drain, label, repair or remove it."""
        return host_machine.HostMachine(self._parts, self._images, name)

    def plan_add_hosts(self, count: int = 1) -> UpPlan:
        """The hosts that ``add_hosts`` would make, and at what price."""
        return plan.plan_add(self._parts, count)

    def add_hosts(self, count: int = 1) -> tuple[str, ...]:
        """Make more hosts, up to the cloud's maximum; their names."""
        recover.recover(self._parts)
        return add_hosts.add(self._parts, count)

    def scale(self, *, dry_run: bool = False) -> ScaleReport:
        """Make or remove hosts so that there is the room that ``headroom`` says; once."""
        if dry_run:
            return scale.plan_scale(self._parts)
        self._sharing.begin()
        return scale.scale(self._parts, self._images)

    def heal(self, *, dry_run: bool = False, fenced: Sequence[str] = ()) -> HealReport:
        """Restart what failed, replace hosts that died, clean those that came back; once.
        ``fenced``: hosts that are off for certain."""
        if dry_run:
            return heal.plan_heal(self._parts, fenced=fenced)
        report = heal.heal(self._parts, self._images, fenced=fenced)
        self._sharing.begin()
        return report

    def status(self) -> Status:
        return views.status(self._parts)

    def inspect(self, name: str) -> dict[str, Any]:
        """A container or host, with what its engine says of it now."""
        return views.inspect(self._parts, name)

    def start(self, name: str) -> None:
        run_state.start(self._parts, name)

    def stop(self, name: str, grace_s: float | None = None) -> None:
        run_state.stop(self._parts, name, grace_s)

    def restart(self, name: str, grace_s: float | None = None) -> None:
        run_state.restart(self._parts, name, grace_s)

    def move(
        self,
        name: str,
        host: str | None = None,
        *,
        volumes: bool = False,
        force: bool = False,
        grace_s: float | None = None,
    ) -> MoveReport:
        """Take the container to another host with its name, address and configuration, and its
        ``volumes``; not with other files. ``force``: also one that uses folders of its host."""
        recover.recover(self._parts)
        report = move.move(
            self._parts, self._images, name, host, volumes=volumes, force=force, grace_s=grace_s
        )
        self._sharing.begin()
        return report

    def key_pairs(self) -> Mapping[str, str]:
        """Public keys by name."""
        return key_pairs.key_pairs(self._parts)

    def add_key_pair(self, name: str, public: str) -> str:
        return key_pairs.add(self._parts, name, public)

    def remove_key_pair(self, name: str) -> None:
        key_pairs.remove(self._parts, name)

    def logs(self, name: str, follow: bool = False, tail: int | None = None) -> Iterator[bytes]:
        found = self.machine(name)
        return found.engine.logs(found.engine_name, follow=follow, tail=tail)

    def events(self, after: int = 0, limit: int = 100) -> tuple[Event, ...]:
        """The newest events whose ``seq`` is above ``after``, oldest first."""
        with self._parts.store.read() as tx:
            return tuple(tx.events(after=after, limit=limit))

    def watch(self, interval_s: float = 30.0, *, scale: bool = False) -> Watch[Care]:
        """Iterate over it to ``heal``, and with ``scale`` to scale, whenever something happens and
        every ``interval_s``, until it is stopped."""
        look = look_after.look_after(
            self._parts, self._images, scaling=scale, sharing=self._sharing
        )
        return watch.Watch(self._parts, look, interval_s=interval_s)

    def ssh_config(self) -> str:
        """A config by which plain ssh, scp and rsync reach hosts and containers by name."""
        ssh.write_config(self._parts)
        return ssh.config(self._parts)

    def host_ssh_command(self, name: str, args: Sequence[str] = ()) -> Sequence[str]:
        """An argv that logs in to a host."""
        return ssh.host_command(self._parts, views.host(self._parts, name), args)

    def close(self) -> None:
        """Returns once what is being shared is; Ctrl-C leaves it to the next command."""
        try:
            self._sharing.finish()
        except BaseException:
            self._sharing.give_up()
            raise
        finally:
            self._parts.connections.close()
            self._parts.store.close()

    def __enter__(self) -> Cloud:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self._sharing.give_up()
        self.close()


def _images(parts: Parts) -> Images:
    from clocker.cloud.logins import Logins
    from clocker.images import Images

    return Images(parts.contexts, logins=Logins(parts))


def _sharing(parts: Parts, images: Images) -> Sharing:
    from clocker.cloud.sharing import Sharing

    return Sharing(parts, images)
