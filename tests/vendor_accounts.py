"""Accounts at infrastructures, played with the answers that libcloud ships to test its drivers.

The drivers are the real ones: they build requests and read answers. Here is only what a fixture
cannot do, as it never changes: after a machine was asked for, the list has one, with the tags that
were *sent*, put where that API has them; before and after, it has none. So it is with key pairs
and security groups."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlparse

import libcloud.test

from clocker.model import ProviderEntry

Answer = tuple[int, str, dict[str, str], str]
Document = Any

THROTTLED: Answer = (
    429,
    '{"message": "rate limit exceeded", "error": {"code": 429, "message": "rate limit exceeded", '
    '"error_code": "TOO_MANY", "error_message": "rate limit exceeded"}, '
    '"errors": [{"reason": "rate limit exceeded"}]}',
    {},
    "Too Many Requests",
)
NOT_FOUND: Answer = (404, '{"error": {"code": 404, "message": "not found"}}', {}, "Not Found")


@dataclass(frozen=True)
class Sent:
    method: str
    url: str
    body: str

    @property
    def line(self) -> str:
        """``POST /v2/droplets``, with the command of those whose path does not say it."""
        path = urlparse(self.url).path
        command = self.json["action"] if path.endswith("/action") else self.query.get("command")
        return f"{self.method} {path}{f' {command}' if command else ''}"

    @property
    def text(self) -> str:
        """What was said, whichever way."""
        return unquote_plus(urlparse(self.url).query) + self.body

    @property
    def query(self) -> dict[str, str]:
        return {key: values[-1] for key, values in parse_qs(urlparse(self.url).query).items()}

    @property
    def json(self) -> Document:
        return json.loads(self.body)


@dataclass(frozen=True)
class Shelf:
    """What an account keeps for a cloud: its key pair, or its security group. ``making``: makes
    it, or opens a port, ``removing``: removes it. ``listed``: puts what was made into a list's
    document, besides or instead of what is there."""

    making: str
    removing: str
    listing: str
    listed: Callable[[Document, Sequence[Sent]], None]


@dataclass(frozen=True)
class Vendor:
    """``mock``: libcloud's class of answers, and ``connections``: those that get it, as
    ``module:class`` below ``libcloud``. ``create``, ``listing``, ``destroy``: patterns of
    ``Sent.line``. ``machines``: the list within a list's document, to be changed in place.
    ``tagged``: puts into a machine of that list what was sent with the create, and with a second
    call that a machine shows (``tagging``). ``single``: has one machine as its answer. ``none``:
    instead of an empty list. ``harmless``: makes nothing, although its method would. ``besides``:
    connections that get another class. ``also``: what is set besides, as ``module:name``.
    ``answers``: for a pattern, the ``type`` that the mock is to answer with, one of its files (that
    it uses for another question, or not at all), or an answer that libcloud has not got;
    ``refused``: with wrong credentials. ``groups``, ``pairs``: security groups and key pairs.
    ``image``, ``size``, ``price_hour``: what is chosen. ``wire``: what the create says."""

    driver: str
    entry: ProviderEntry
    mock: str
    connections: tuple[str, ...]
    create: str
    listing: str
    destroy: str
    machines: Callable[[Document], list[Document]]
    tagged: Callable[[Document, Sent, Sent | None], None]
    image: str
    size: str
    wire: tuple[str, ...]
    price_hour: float | None = None
    tagging: str = "never"
    single: str = "never"
    besides: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)
    none: Answer | None = None
    groups: Shelf | None = None
    pairs: Shelf | None = None
    harmless: str = "never"
    answers: Mapping[str, Answer | str] = field(default_factory=dict)
    refused: Mapping[str, Answer | str] = field(default_factory=dict)


@dataclass
class Account:
    """``foreign``: there is somebody else's machine. ``throttled``: how many more times the list is
    refused for being asked too often. ``over_quota``: to whoever wants a machine."""

    vendor: Vendor
    sent: list[Sent] = field(default_factory=list)
    groups: list[Sent] = field(default_factory=list)
    pairs: list[Sent] = field(default_factory=list)
    asked: Sent | None = None
    written: Sent | None = None
    foreign: bool = False
    throttled: int = 0
    over_quota: Answer | None = None
    wrong_credentials: bool = False

    def patch(self, replace: Callable[[Any, str, Any], None]) -> None:
        """``replace``: as ``MonkeyPatch.setattr``."""
        mocks = dict.fromkeys(self.vendor.connections, self.vendor.mock)
        for name, mock in {**mocks, **self.vendor.besides}.items():
            playing = type("Playing", (_Playing, _named(mock)), {"account": self})
            replace(_named(name), "conn_class", playing)
        for place, value in self.vendor.also.items():
            module, _, path = place.partition(":")
            *owner, name = path.split(".")
            replace(_named(f"{module}:{'.'.join(owner)}"), name, value)

    def lines(self) -> list[str]:
        return [sent.line for sent in self.sent]

    def created(self) -> int:
        return sum(_is(sent, self.vendor.create) for sent in self.sent)

    def changes(self) -> list[str]:
        """What was sent to make or remove something."""
        return [
            sent.line
            for sent in self.sent
            if not _is(sent, self.vendor.harmless)
            and (
                sent.method in ("POST", "PUT", "PATCH", "DELETE")
                or any(_is(sent, p) for p in (self.vendor.create, self.vendor.destroy))
            )
        ]

    def answer(self, sent: Sent, mock: Any) -> Answer:
        """``mock``: answers as libcloud's does."""
        self.sent.append(sent)
        known = self._own(sent)
        status, text, headers, reason = known if isinstance(known, tuple) else mock(known)
        if not 200 <= status < 300:
            return status, text, headers, reason
        if _is(sent, self.vendor.create):
            self.asked = sent
        elif _is(sent, self.vendor.destroy):
            self.asked = self.written = None
        elif _is(sent, self.vendor.tagging):
            self.written = sent
        elif _is(sent, self.vendor.listing):
            if self.vendor.none and not (self.asked or self.foreign):
                return self.vendor.none
            text = self._listed(json.loads(text))
        text = self._kept(sent, text, self.vendor.groups, self.groups)
        text = self._kept(sent, text, self.vendor.pairs, self.pairs)
        if _is(sent, self.vendor.single) and not self.foreign:
            if self.asked is None:
                return NOT_FOUND
            text = self._one(json.loads(text))
        return status, text, headers, reason

    def _own(self, sent: Sent) -> Answer | str | None:
        if self.throttled and _is(sent, self.vendor.listing):
            self.throttled -= 1
            return THROTTLED
        if self.over_quota and _is(sent, self.vendor.create):
            return self.over_quota
        tables = [self.vendor.refused] if self.wrong_credentials else []
        for table in (*tables, self.vendor.answers):
            for pattern, answer in table.items():
                if _is(sent, pattern):
                    return answer
        return None

    def _listed(self, document: Document) -> str:
        machines = self.vendor.machines(document)
        del machines[1:]
        if self.asked is not None:
            self.vendor.tagged(machines[0], self.asked, self.written)
        elif not self.foreign:
            machines.clear()
        return json.dumps(document)

    def _kept(self, sent: Sent, text: str, shelf: Shelf | None, made: list[Sent]) -> str:
        if shelf is None:
            return text
        if _is(sent, shelf.making):
            made.append(sent)
        elif _is(sent, shelf.removing):
            made.clear()
        elif _is(sent, shelf.listing):
            document = json.loads(text)
            shelf.listed(document, made)
            return json.dumps(document)
        return text

    def _one(self, document: Document) -> str:
        assert self.asked is not None
        self.vendor.tagged(document, self.asked, self.written)
        return json.dumps(document)


class _Playing:
    account: Account
    fixtures: Any

    def _get_request(self, method: str, url: str, body: Any = None, headers: Any = None) -> Answer:
        text = body.decode() if isinstance(body, bytes) else body or ""
        real = super()._get_request  # type: ignore[misc]

        def mock(kind: str | None) -> Answer:
            if kind and kind.endswith(".json"):
                return 200, self.fixtures.load(kind), {}, "OK"
            self.type = kind
            found: Answer = real(method, url, body, headers)
            return found

        return self.account.answer(Sent(method, url, text), mock)


def _is(sent: Sent, pattern: str) -> bool:
    return re.fullmatch(pattern, sent.line) is not None


def _named(name: str) -> Any:
    _have_secrets()
    module, _, attributes = name.partition(":")
    found = import_module(f"libcloud.{module}")
    return attrgetter(attributes)(found) if attributes else found


def _have_secrets() -> None:
    """libcloud's test modules import one that a user is to make of its pattern."""
    name = "libcloud.test.secrets"
    if name not in sys.modules:
        secrets = ModuleType(name)
        pattern = Path(libcloud.test.__file__).with_name("secrets.py-dist")
        exec(pattern.read_text(), vars(secrets))  # noqa: S102 - libcloud's own file
        sys.modules[name] = secrets
