"""What a cloud has left at an account: its machines and their volumes, its key pair, its security
group."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from clocker.errors import ProviderError
from clocker.model import Remnant, RemnantKind, shared_mark
from clocker.providers.firewall import Group, GroupCalls
from clocker.providers.key_pairs import Kept, remove_pair
from clocker.providers.machines import Machines
from clocker.providers.refusals import Gone, InUse
from clocker.providers.retry import Patience
from clocker.providers.tagging import CLOUD, HOST, KEY, Machine
from clocker.providers.volumes import Volume, VolumeCalls

# A group is in use until the last machine in it has wholly gone, minutes after it was destroyed.
GROUP_S = 300.0


@dataclass(frozen=True, slots=True)
class Remnants:
    machines: Machines
    patience: Patience

    def all(self, cloud: str) -> Iterator[Remnant]:
        for machine in self.machines.tagged({CLOUD: cloud}):
            tags = self.machines.tags(machine)
            made_at = _created_at(machine)
            yield Remnant(RemnantKind.MACHINE, str(machine.id), str(machine.name), tags, made_at)
        for volume in self._volumes({CLOUD: cloud}):
            tags = dict(volume.tags)
            yield Remnant(RemnantKind.VOLUME, volume.id, volume.name, tags, volume.created_at)
        yield from self._shared(cloud, RemnantKind.KEY_PAIR, self._pair_names())
        groups = {group.id: group.name for group in self._groups()}
        yield from self._shared(cloud, RemnantKind.SECURITY_GROUP, groups)

    def remove(self, remnant: Remnant) -> None:
        """ProviderError where it does not carry what made it a remnant, or is in use."""
        if remnant.kind is RemnantKind.MACHINE:
            self.release(remnant.id)
        elif remnant.kind is RemnantKind.VOLUME:
            self._remove_volume(remnant)
        elif shared_mark(remnant.tags.get(CLOUD, ""), remnant.name) is None:
            raise ProviderError(f"the {remnant.kind} {remnant.name} is not Clocker's")
        elif remnant.kind is RemnantKind.KEY_PAIR:
            way = self.machines.dialect.key
            if isinstance(way, Kept):
                remove_pair(way, self.machines.driver, remnant.name)
        elif self.machines.dialect.groups is not None:
            self._remove_group(remnant, self.machines.dialect.groups)

    def release(self, node_id: str) -> None:
        machine = next((m for m in self.machines.tagged({}) if str(m.id) == node_id), None)
        if machine is None:
            return
        tags = self.machines.tags(machine)
        if CLOUD not in tags or HOST not in tags:
            raise ProviderError(
                f"machine {node_id} carries no tags of Clocker's and is left alone",
                remedy="remove it by the infrastructure's own means if it should go",
            )
        self.machines.destroy(machine)

    def _shared(self, cloud: str, kind: RemnantKind, names: dict[str, str]) -> Iterator[Remnant]:
        for identity, name in names.items():
            mark = shared_mark(cloud, name)
            if mark is not None:
                yield Remnant(kind, identity, name, {CLOUD: cloud, KEY: mark})

    def _pair_names(self) -> dict[str, str]:
        way = self.machines.dialect.key
        pairs = way.listed(self.machines.driver, None) if isinstance(way, Kept) else []
        return {pair.name: pair.name for pair in pairs}

    def _volumes(self, tags: dict[str, str]) -> list[Volume]:
        """Those of no machine that lives: the others are its own, and mostly go with it."""
        calls = self.machines.dialect.volumes
        found = calls.listed(self.machines.driver, tags) if calls else ()
        found = [volume for volume in found if {CLOUD, HOST} <= volume.tags.keys()]
        living = {str(machine.id) for machine in self.machines.tagged({})} if found else set()
        return [volume for volume in found if not volume.machines & living]

    def _remove_volume(self, remnant: Remnant) -> None:
        calls = self.machines.dialect.volumes
        if calls is None or CLOUD not in remnant.tags:
            raise ProviderError(f"the volume {remnant.name} is not Clocker's")
        until = self.patience.clock() + GROUP_S
        wanted = {key: remnant.tags[key] for key in (CLOUD, HOST) if key in remnant.tags}
        while volume := self._listed_volume(calls, remnant.id, wanted):
            failure: InUse | None = None
            with contextlib.suppress(Gone):
                try:
                    calls.delete(self.machines.driver, volume)
                except InUse as error:
                    failure = error
            if self._listed_volume(calls, remnant.id, wanted) is None:
                return
            used = not any(each.id == remnant.id for each in self._volumes(wanted))
            if used or self.patience.clock() >= until:
                raise failure or ProviderError(f"the volume {remnant.name} was not removed")
            self.patience.sleep(self.machines.dialect.poll_s)

    def _listed_volume(
        self, calls: VolumeCalls, identity: str, tags: dict[str, str]
    ) -> Volume | None:
        listed = calls.listed(self.machines.driver, tags)
        return next((volume for volume in listed if volume.id == identity), None)

    def _groups(self) -> list[Group]:
        calls = self.machines.dialect.groups
        return list(calls.listed(self.machines.driver, None)) if calls else []

    def _remove_group(self, remnant: Remnant, calls: GroupCalls) -> None:
        until = self.patience.clock() + GROUP_S
        while group := next((g for g in self._groups() if g.id == remnant.id), None):
            if group.name != remnant.name:
                raise ProviderError(f"{remnant.id} is not the group {remnant.name} any more")
            failure = self._delete(calls, group)
            if failure is None and not any(g.id == group.id for g in self._groups()):
                return
            if self.patience.clock() >= until or self._used(remnant):
                raise failure or ProviderError(f"the group {group.name} was not removed")
            self.patience.sleep(self.machines.dialect.poll_s)

    def _delete(self, calls: GroupCalls, group: Group) -> InUse | None:
        with contextlib.suppress(Gone):
            try:
                calls.delete(self.machines.driver, group)
            except InUse as error:
                return error
        return None

    def _used(self, remnant: Remnant) -> bool:
        """By machines that live; those on their way out are waited for."""
        return bool(self.machines.tagged(dict(remnant.tags)))


def _created_at(machine: Machine) -> float | None:
    """Seconds since the epoch; libcloud's times without a zone are UTC."""
    made = getattr(machine, "created_at", None)
    if not isinstance(made, datetime):
        return None
    return (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()
