"""What is found about an account before anything is spent: each thing that ``obtain`` will need."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from clocker.errors import ClockerError
from clocker.model import Check, HostRequest, ProviderEntry, Verdict
from clocker.providers.arguments import Asking, machine_name, tags_of
from clocker.providers.choice import choices
from clocker.providers.dialect import Dialect
from clocker.providers.firewall import GroupCalls, own_address, rules_for
from clocker.providers.key_pairs import Handed
from clocker.providers.machines import Machines
from clocker.providers.translation import translated


def examine(
    entry: ProviderEntry,
    dialect: Dialect,
    request: HostRequest,
    open_machines: Callable[[], Machines],
) -> Iterator[Check]:
    """The first that fails for want of credentials is the last: nothing else could be asked."""
    try:
        with translated(f"provider {entry.name}"):
            machines = open_machines()
            count = len(machines.tagged({}))
    except ClockerError as error:
        yield _wrong("credentials", error)
        return
    yield _fine("credentials", f"the account answers; it has {_machines(count)}")
    yield _quota(entry, dialect, machines)
    yield from _asked(entry, dialect, request, machines)
    yield _key(dialect)
    yield _firewall(entry, dialect, request, machines)
    yield _user_data(dialect)
    yield _tags(dialect, entry, request)


def _quota(entry: ProviderEntry, dialect: Dialect, machines: Machines) -> Check:
    if dialect.quotas is None:
        return Check("quota", Verdict.UNKNOWN, "libcloud has no way to ask for it here")
    try:
        with translated(f"provider {entry.name}"):
            found = dialect.quotas(machines.driver)
    except ClockerError as error:
        return Check("quota", Verdict.UNKNOWN, error.what)
    if not found:
        return Check("quota", Verdict.UNKNOWN, "the account says nothing of it")
    if used_up := [str(quota) for quota in found if quota.is_used_up]:
        text, remedy = "; ".join(used_up), "ask the infrastructure for more, or free some"
        return Check("quota", Verdict.WRONG, text, remedy)
    return _fine("quota", "; ".join(map(str, found)))


def _asked(
    entry: ProviderEntry, dialect: Dialect, request: HostRequest, machines: Machines
) -> Iterator[Check]:
    try:
        with translated(f"provider {entry.name}"):
            choice = next(choices(machines.driver, dialect, entry, request, planning=True))
            yield _fine("image", str(choice.image.name))
            price = dialect.price(choice.size)
            cost = "at an unknown price" if price is None else f"{price:g} {dialect.currency}/h"
            yield _fine("size", f"{choice} ({cost})")
            Asking(machines.driver, dialect, entry).refuse_what_is_lost()
    except ClockerError as error:
        yield _wrong("image and size", error)


def _key(dialect: Dialect) -> Check:
    if isinstance(dialect.key, Handed):
        return _fine("key", "handed over with each machine")
    if dialect.key is not None:
        return _fine("key", "a key pair is made for the cloud, and removed with it")
    if dialect.user_data is not None:
        return _fine("key", "in the user data")
    return Check("key", Verdict.WRONG, "this driver has no way to let a key in")


def _firewall(
    entry: ProviderEntry, dialect: Dialect, request: HostRequest, machines: Machines
) -> Check:
    wish = entry.firewall
    if wish.groups and dialect.groups is not None:
        return _given_groups(entry, dialect.groups, machines)
    if wish.groups:
        return _fine("firewall", f"the groups {', '.join(wish.groups)}, as they are")
    if dialect.group_arguments & set(entry.create):
        return _fine("firewall", "what the entry's `create` names, as it is")
    if dialect.groups is None:
        ports = ", ".join(f"{o.protocol} {o.first} from {o.source}" for o in request.openings)
        return Check(
            "firewall",
            Verdict.UNKNOWN,
            "this driver makes no security groups",
            f"see to it that these are open: {ports}" if ports else None,
        )
    try:
        rules = rules_for(request.openings, wish, entry.interface, own_address())
    except ClockerError as error:
        return _wrong("firewall", error)
    return _fine("firewall", f"a security group is made for the cloud, with {len(rules)} rules")


def _given_groups(entry: ProviderEntry, calls: GroupCalls, machines: Machines) -> Check:
    wanted = entry.firewall.groups
    try:
        with translated(f"provider {entry.name}"):
            known = {key for g in calls.listed(machines.driver, None) for key in (g.id, g.name)}
    except ClockerError as error:
        return _wrong("firewall", error)
    if missing := [name for name in wanted if name not in known]:
        text = f"there is no security group {', '.join(missing)}"
        return Check("firewall", Verdict.WRONG, text, "make it, or change firewall.groups")
    return _fine("firewall", f"the groups {', '.join(wanted)}, as they are")


def _user_data(dialect: Dialect) -> Check:
    if dialect.user_data is None:
        text = "this driver takes none: a host's key is pinned at the first connection"
        return Check("user data", Verdict.UNKNOWN, text)
    return _fine("user data", "taken: a host's key is known before the first connection")


def _tags(dialect: Dialect, entry: ProviderEntry, request: HostRequest) -> Check:
    try:
        name = machine_name(request, unique=dialect.unique_names)
        dialect.tags.arguments(name, tags_of(entry, request))
    except ClockerError as error:
        return _wrong("tags", error)
    return _fine("tags", "a machine says whose it is")


def _machines(count: int) -> str:
    return f"{count or 'no'} machine{'' if count == 1 else 's'}"


def _fine(subject: str, text: str) -> Check:
    return Check(subject, Verdict.FINE, text)


def _wrong(subject: str, error: ClockerError) -> Check:
    return Check(subject, Verdict.WRONG, error.what, error.remedy)
