"""What ``create_node`` is called with: the request, the entry and the choice, in the words of the
driver. What it has no words for is refused here, before anything is made."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clocker.errors import ConfigError, ProviderError
from clocker.model import HostRequest, ProviderEntry, shared_name
from clocker.providers.choice import Choice
from clocker.providers.dialect import Dialect
from clocker.providers.firewall import Group, GroupCalls, ensure_group, own_address, rules_for
from clocker.providers.key_pairs import key_arguments
from clocker.providers.tagging import CLOUD, HOST, KEY, NAME, Arguments, Driver
from clocker.providers.user_data import merged_documents


@dataclass(frozen=True, slots=True)
class Asking:
    """How one entry asks one driver."""

    driver: Driver
    dialect: Dialect
    entry: ProviderEntry

    def arguments(self, request: HostRequest, choice: Choice) -> Arguments:
        """For ``create_node``. What is shared by the cloud's machines is there when this returns:
        the key pair, the security group."""
        self.refuse_what_is_lost()
        dialect, entry, driver = self.dialect, self.entry, self.driver
        name = machine_name(request, unique=dialect.unique_names)
        network, where = self._network(choice.place)
        found = merged(
            dict(entry.create),
            {"size": choice.size, "image": choice.image},
            dialect.place(choice.place) if choice.place is not None else {},
            dialect.besides(driver, entry, name),
            network,
            self._spot(),
            self._groups(request, where),
            key_arguments(
                dialect.key,
                driver,
                shared_by(request),
                request.public_key,
                user=entry.ssh_user,
                place=choice.place,
            ),
            self._user_data(request),
            self._token(request, choice),
            dialect.tags.arguments(name, tags_of(entry, request)),
        )
        self._refuse_unknown(found)
        return found

    def refuse_what_is_lost(self) -> None:
        """ConfigError for what the entry asks and this driver has no way to do."""
        dialect, entry = self.dialect, self.entry
        lost = {
            "interface": entry.interface not in dialect.interfaces,
            "spot": entry.spot and dialect.spot is None,
            "network": entry.network is not None and dialect.network is None,
            "subnet": entry.subnet is not None and dialect.network is None,
            "user_data": entry.user_data is not None and dialect.user_data is None,
            "firewall.groups": bool(entry.firewall.groups) and not self._takes_groups(),
            "firewall.from": bool(entry.firewall.sources) and dialect.groups is None,
            "firewall.published": entry.firewall.published and dialect.groups is None,
        }
        for key, is_lost in lost.items():
            if is_lost:
                raise ConfigError(
                    f"libcloud's driver {entry.driver} has no way to do this",
                    where=f"provider {entry.name}: {key}",
                    remedy=f"change or remove `{key}` in the entry, and see to it by the "
                    "infrastructure's own means; docs/providers.md says what each driver can do",
                )

    def _takes_groups(self) -> bool:
        return self.dialect.groups is not None or self.dialect.given_groups is not None

    def _network(self, place: Any) -> tuple[Arguments, str | None]:
        if self.dialect.network is None:
            return {}, None
        return self.dialect.network(self.driver, self.entry, place)

    def _spot(self) -> Arguments:
        return dict(self.dialect.spot or {}) if self.entry.spot else {}

    def _groups(self, request: HostRequest, network: str | None) -> Arguments:
        dialect, wish = self.dialect, self.entry.firewall
        if wish.groups and dialect.given_groups:
            return dialect.given_groups(wish.groups)
        if dialect.groups is None or dialect.group_arguments & set(self.entry.create):
            return {}
        if wish.groups:
            found = [_given(dialect.groups, self.driver, name, network) for name in wish.groups]
            return dialect.groups.arguments(found, network)
        if not request.openings:
            return {}
        rules = rules_for(request.openings, wish, self.entry.interface, own_address())
        name = shared_by(request)
        group = ensure_group(dialect.groups, self.driver, name, network, rules)
        return dialect.groups.arguments([group], network)

    def _user_data(self, request: HostRequest) -> Arguments:
        if self.dialect.user_data is None:
            return {}
        text = merged_documents(request.user_data, self.entry.user_data)
        return self.dialect.user_data(text) if text else {}

    def _token(self, request: HostRequest, choice: Choice) -> Arguments:
        if self.dialect.token is None:
            return {}
        return {self.dialect.token: token_of(request, choice)}

    def _refuse_unknown(self, found: Mapping[str, Any]) -> None:
        """A driver that was not looked at may have no word for what matters most."""
        parameters = inspect.signature(self.driver.create_node).parameters
        if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
            return
        missing = [
            name
            for name, each in parameters.items()
            if each.default is each.empty and name not in found
        ]
        if missing:
            raise ConfigError(
                f"create_node of the driver {self.entry.driver} must be told {missing[0]}",
                where=f"provider {self.entry.name}: create",
                remedy=f"set it, as `create: {{{missing[0]}: ...}}`",
            )
        unknown = sorted(set(found) - set(parameters))
        if not unknown:
            return
        if set(unknown) & set(self.entry.create):
            raise ConfigError(
                f"create_node of the driver {self.entry.driver} does not know {unknown[0]!r}",
                where=f"provider {self.entry.name}: create",
                remedy=f"known: {', '.join(sorted(parameters))}",
            )
        raise ProviderError(
            f"the driver {self.entry.driver} cannot tag machines when it makes them, "
            "and Clocker destroys only what carries its tags",
            remedy="use another provider",
        )


def machine_name(request: HostRequest, *, unique: bool) -> str:
    """``unique``: told from the machines of other clouds of this name, where names must be."""
    name = f"{request.cloud}-{request.name}"
    return f"{name}-{_digest(request.id)[:8]}" if unique else name


def shared_by(request: HostRequest) -> str:
    """The name of what all machines of the cloud share."""
    return shared_name(request.cloud, request.tags.get(KEY) or _digest(request.public_key)[:16])


def tags_of(entry: ProviderEntry, request: HostRequest) -> dict[str, str]:
    ours = {CLOUD: request.cloud, HOST: request.id, NAME: request.name}
    return {**entry.tags, **request.tags, **ours}


def token_of(request: HostRequest, choice: Choice, spent: int = 0) -> str:
    """Another size or place is another question: a provider refuses the token of one for the
    other. ``spent``: how many are of no use any more. At most 64 characters, as EC2 has it."""
    base = request.token or request.id
    question = _digest(f"{base} {choice.size.id} {choice.zone}{f' {spent}' if spent else ''}")
    return f"{base}-{question[:12]}" if len(base) <= 50 else question


def merged(*parts: Mapping[str, Any]) -> Arguments:
    """Later ones win, but mappings are merged and lists follow each other."""
    found: Arguments = {}
    for part in parts:
        for key, value in part.items():
            there = found.get(key)
            if isinstance(there, Mapping) and isinstance(value, Mapping):
                found[key] = merged(there, value)
            elif isinstance(there, list) and isinstance(value, list):
                found[key] = there + [each for each in value if each not in there]
            else:
                found[key] = value
    return found


def _given(calls: GroupCalls, driver: Driver, name: str, network: str | None) -> Group:
    for group in calls.listed(driver, network):
        if name in (group.id, group.name):
            return group
    raise ProviderError(
        f"there is no security group {name!r}" + (f" in {network}" if network else ""),
        where="firewall.groups",
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
