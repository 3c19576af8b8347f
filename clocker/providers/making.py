"""Obtains the machine of one request, and leaves nothing behind where that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from clocker.errors import (
    ClockerError,
    InfrastructureError,
    NoCapacity,
    ProviderError,
    QuotaExceeded,
    Throttled,
    TimedOut,
    Unavailable,
)
from clocker.model import HostRequest, Node
from clocker.providers.arguments import Asking, machine_name, tags_of, token_of
from clocker.providers.choice import Choice, choices
from clocker.providers.machines import Machines
from clocker.providers.refusals import TokenSpent, is_definite, refusal_in
from clocker.providers.retry import Patience
from clocker.providers.tagging import Arguments, Machine
from clocker.providers.translation import translated
from clocker.providers.volumes import mark_volumes

Say = Callable[[str, str], None]
MOST_TOKENS = 4


@dataclass(frozen=True, slots=True)
class Making:
    """``until``: of the patience's clock. ``say``: told a host's name and why another size or
    place is tried. ``_made``: what this has made, listed or not."""

    machines: Machines
    request: HostRequest
    patience: Patience
    until: float
    say: Say
    _made: list[Machine] = field(default_factory=list)

    def node(self) -> Node:
        machine = self._found()
        try:
            if machine is None:
                return self._made_somewhere()
            return self._ready(machine, complete=False)
        except Exception as error:
            # One that was there before is no use when time is up; the one on record is spared.
            if machine is None or isinstance(error, TimedOut):
                self._undo(error)
            raise

    def _found(self) -> Machine | None:
        """What an earlier, interrupted obtain has made; a failed one makes way."""
        chosen = self._only(self.machines.of(self.request))
        if chosen is not None and chosen.state == "stopped":
            self.machines.driver.start_node(chosen)
        return chosen

    def _made_somewhere(self) -> Node:
        """Where capacity is short, the next size or place; where a quota is used up, a smaller
        size alone can help."""
        driver, dialect, entry = self.machines.driver, self.machines.dialect, self.machines.entry
        refused: list[tuple[Choice, Unavailable]] = []
        for choice in choices(driver, dialect, entry, self.request):
            if not _may_help(choice, refused, dialect.cores):
                continue
            try:
                node = self._ready(self._create(choice), complete=True)
                return replace(node, refusals=tuple(map(_in_words, refused)))
            except (NoCapacity, QuotaExceeded) as error:
                self._remove_all()
                refused.append((choice, error))
                self.say(self.request.name, f"{entry.name}: {_in_words(refused[-1])}")
        raise _all_refused(refused)

    def _create(self, choice: Choice) -> Machine:
        """With the next token, where the last one has made a machine that was then undone."""
        asking = Asking(self.machines.driver, self.machines.dialect, self.machines.entry)
        arguments = asking.arguments(self.request, choice)
        for spent in range(1, MOST_TOKENS):
            try:
                return self._create_with(arguments)
            except TokenSpent:
                token = token_of(self.request, choice, spent)
                arguments = {**arguments, str(self.machines.dialect.token): token}
        return self._create_with(arguments)

    def _create_with(self, arguments: Arguments) -> Machine:
        asked = 0

        def create() -> Machine:
            nonlocal asked
            asked += 1
            # It may have been made before the answer that said "too often".
            found = self._only(self.machines.of(self.request)) if asked > 1 else None
            return found or self._create_once(arguments)

        try:
            machine = self.patience(create, self.until)
        except ClockerError as error:
            if is_definite(error):
                raise
            machine = self._despite(error, arguments)
        self._made.append(machine)
        return machine

    def _create_once(self, arguments: Arguments) -> Machine:
        with translated(f"provider {self.machines.entry.name}"):
            return self.machines.driver.raw.create_node(**arguments)

    def _despite(self, error: ClockerError, arguments: Arguments) -> Machine:
        """The machine that was made although the answer was lost: asked for again where a token
        makes that safe, and otherwise looked for until it would be listed."""
        dialect = self.machines.dialect
        until = min(self.until, self.patience.clock() + dialect.lag_s)
        while True:
            if (found := self._listed_if_any()) is not None:
                return found
            if dialect.token is not None:
                try:
                    return self._create_once(arguments)
                except ClockerError as again:
                    if is_definite(again) and not isinstance(again, Throttled):
                        raise
            if self.patience.clock() >= until:
                raise error
            self.patience.sleep(dialect.poll_s)

    def _listed_if_any(self, *, rather: Machine | None = None) -> Machine | None:
        """None as well where nobody can tell now: there is time to ask again."""
        try:
            return self._only(self.machines.of(self.request), rather=rather)
        except InfrastructureError as error:
            if is_definite(error) or self.patience.clock() >= self.until:
                raise
            return None

    def _ready(self, machine: Machine, *, complete: bool) -> Node:
        """Once it runs, has its address, and is seen in a list with its tags."""
        wanted = tags_of(self.machines.entry, self.request)
        while True:
            listed = self._listed_if_any(rather=machine)
            machine = listed or machine
            if machine.state == "error":
                raise self._failed(machine)
            if listed is not None:
                self.machines.dialect.tags.complete(self.machines.driver, listed, wanted)
                tagged = not complete or wanted.items() <= self.machines.tags(listed).items()
                if tagged and listed.state == "running" and self.machines.address(listed):
                    self._mark_volumes(listed, wanted)
                    keys = (self.request.host_key,) if self._knows_its_key() else ()
                    return self.machines.node(listed, keys)
            if self.patience.clock() >= self.until:
                raise self._too_late(machine, listed, wanted)
            self.patience.sleep(self.machines.dialect.poll_s)

    def _mark_volumes(self, machine: Machine, tags: dict[str, str]) -> None:
        if not self._is_on_record(machine):
            mark_volumes(self.machines.dialect.volumes, self.machines.driver, machine, tags)

    def _knows_its_key(self) -> bool:
        request = self.request
        taken = self.machines.dialect.user_data is not None and request.user_data is not None
        return taken and bool(request.host_key)

    def _only(self, found: Sequence[Machine], *, rather: Machine | None = None) -> Machine | None:
        """Of several machines for one request, which a lost answer may have left, one stays: that
        on record, or else the one just made; another one that failed is none."""
        own = None if rather is None else str(rather.id)

        def rank(machine: Machine) -> tuple[bool, bool, bool, str]:
            identity = str(machine.id)
            rest = (identity != own, machine.state != "running", identity)
            return (not self._is_on_record(machine), *rest)

        usable = [
            m for m in found if m.state != "error" or str(m.id) == own or self._is_on_record(m)
        ]
        chosen = min(usable, key=rank, default=None)
        for machine in found:
            if machine is not chosen:
                self.machines.destroy(machine)
        return chosen

    def _is_on_record(self, machine: Machine) -> bool:
        """Whether it holds data is not known here: only who keeps the record gives it back."""
        return str(machine.id) == self.request.node_id

    def _failed(self, machine: Machine) -> ProviderError:
        why = self.machines.dialect.failure(machine)
        kind = refusal_in(why) or ProviderError
        return kind(f"machine {machine.id} failed{f': {why}' if why else ''}")

    def _too_late(
        self, machine: Machine, listed: Machine | None, wanted: dict[str, str]
    ) -> TimedOut:
        request, interface = self.request, self.machines.entry.interface
        subject = f"machine {machine.id} for host {request.name}"
        after = f"after {request.timeout_s:g} s"
        if listed is None:
            return TimedOut(f"{subject} is not listed with its tags {after}")
        if not self.machines.address(listed):
            return TimedOut(
                f"{subject} has no {interface} address {after}",
                remedy="raise the timeout, or set `interface` to the kind of address it gets",
            )
        lost = sorted(set(wanted.items()) - set(self.machines.tags(listed).items()))
        if lost and listed.state == "running":
            return TimedOut(f"{subject} does not carry the tag {lost[0][0]} {after}")
        return TimedOut(f"{subject} is {listed.state} {after}")

    def _undo(self, error: Exception) -> None:
        try:
            self._remove_all()
        except ClockerError as left:
            error.add_note(f"and what was made could not be removed: {left}")

    def _remove_all(self) -> None:
        """But for the machine on record. Also what was made and is not listed yet, and that
        first: a list may fail."""
        while self._made:
            self.machines.destroy(self._made[-1])
            self._made.pop()
        found = self.machines.of(self.request)
        for machine in found:
            if not self._is_on_record(machine):
                self.machines.destroy(machine)
        if any(map(self._is_on_record, found)):
            return
        dialect, entry = self.machines.dialect, self.machines.entry
        name = machine_name(self.request, unique=dialect.unique_names)
        dialect.discard(self.machines.driver, entry, name)


def _may_help(
    choice: Choice,
    refused: Sequence[tuple[Choice, Unavailable]],
    cores: Callable[[object], float],
) -> bool:
    quotas = [cores(c.size) for c, error in refused if isinstance(error, QuotaExceeded)]
    return not quotas or cores(choice.size) < min(quotas)


def _all_refused(refused: Sequence[tuple[Choice, Unavailable]]) -> Unavailable:
    if len(refused) == 1:
        return refused[0][1]
    short = any(isinstance(error, NoCapacity) for _, error in refused)
    kind = NoCapacity if short else QuotaExceeded
    return kind("; ".join(map(_in_words, refused)))


def _in_words(refused: tuple[Choice, Unavailable]) -> str:
    choice, error = refused
    return f"{choice}: {error.what}"
