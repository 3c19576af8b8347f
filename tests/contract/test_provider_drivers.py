"""The compute provider over libcloud's drivers, each held to the same: a machine is made with what
was asked, found by its tags alone, and destroyed. See ``vendor_accounts`` and docs/providers.md."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from vendor_accounts import Account, Vendor
from vendor_quotas import REFUSALS, over_quota
from vendors import KEY, USER_DATA, VENDORS

from clocker.errors import AuthenticationFailed, ProviderError, QuotaExceeded
from clocker.model import (
    FirewallWish,
    HostRequest,
    Opening,
    RemnantKind,
    Resources,
    Source,
    Verdict,
)
from clocker.providers import open_provider
from clocker.providers.compute import ComputeProvider
from clocker.providers.dialects import DIALECTS
from clocker.providers.key_pairs import Kept
from clocker.testing import RecordingProgress

# Drivers of the table that are shown by other means, or not.
ELSEWHERE = {
    "clocker-local": "on real hosts, and in test_providers",
    "ec2": "against moto, which has a state, in test_providers",
}
FIREWALL = FirewallWish(sources=("198.51.100.0/24",), published=True)
OPENINGS = (
    Opening("tcp", 22, 22, Source.CONTROLLER),
    Opening("udp", 51820, 51820, Source.HOSTS),
    Opening("tcp", 30000, 30999, Source.ANYONE),
)
MARK = "0123456789abcdef"


@dataclass
class Case:
    vendor: Vendor
    account: Account
    provider: ComputeProvider

    def request(self) -> HostRequest:
        takes = DIALECTS[self.vendor.driver].user_data is not None
        return HostRequest(
            id="5c1d2e3f4a5b6c7d",
            cloud="demo",
            name="demo-5c1d2e",
            resources=Resources(),
            provider="account",
            tags={
                "clocker-cloud": "demo",
                "clocker-host": "5c1d2e3f4a5b6c7d",
                "clocker-name": "demo-5c1d2e",
                "clocker-gateway": "10.210.0.1",
                "clocker-key": MARK,
            },
            user_data=USER_DATA if takes else None,
            public_key=KEY,
            timeout_s=5,
        )


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.driver)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    vendor: Vendor = request.param
    account = Account(vendor)
    account.patch(monkeypatch.setattr)
    provider = open_provider(vendor.entry, RecordingProgress())
    assert isinstance(provider, ComputeProvider)
    yield Case(vendor, account, replace(provider, sleep=lambda _: None))


def test_a_machine_is_made_listed_by_its_tags_and_destroyed(case: Case) -> None:
    node = case.provider.obtain(case.request())

    assert case.account.asked is not None
    for text in case.vendor.wire:
        assert text in case.account.asked.text
    assert node.access is not None
    wanted = case.request().tags
    assert {key: node.tags[key] for key in wanted} == wanted
    assert [found.id for found in case.provider.list("demo")] == [node.id]
    assert list(case.provider.list("other")) == []
    case.provider.release(node.id)
    case.provider.release(node.id)
    assert list(case.provider.list("demo")) == []


def test_the_key_and_the_user_data_are_handed_over(case: Case) -> None:
    dialect = DIALECTS[case.vendor.driver]

    case.provider.obtain(case.request())

    sent = [sent.text for sent in case.account.sent]
    assert any(KEY.split()[1] in text for text in sent)
    assert case.account.asked is not None
    forms = (json.dumps(USER_DATA)[1:-1], b64encode(USER_DATA.encode()).decode())
    handed = any(form in case.account.asked.text for form in forms)
    assert handed == (dialect.user_data is not None)


def test_what_is_left_is_looked_for(case: Case) -> None:
    case.provider.obtain(case.request())

    left = case.provider.remnants("demo")

    pair = [RemnantKind.KEY_PAIR] if case.vendor.pairs else []
    assert [remnant.kind for remnant in left] == [RemnantKind.MACHINE, *pair]
    for remnant in left:
        case.provider.remove(remnant)
    assert list(case.provider.remnants("demo")) == []


def test_a_key_pair_is_made_once(case: Case) -> None:
    kept = isinstance(DIALECTS[case.vendor.driver].key, Kept)
    case.provider.release(case.provider.obtain(case.request()).id)

    case.provider.obtain(case.request())

    assert len(case.account.pairs) == kept


@pytest.mark.parametrize(
    "case",
    [vendor for vendor in VENDORS if DIALECTS[vendor.driver].groups],
    ids=lambda vendor: vendor.driver,
    indirect=True,
)
def test_a_security_group_is_made_once_and_removed(case: Case) -> None:
    provider = replace(case.provider, entry=replace(case.vendor.entry, firewall=FIREWALL))
    request = replace(case.request(), openings=OPENINGS)
    provider.obtain(request)
    opened = list(case.account.groups)

    provider.release(provider.obtain(request).id)
    provider.obtain(request)

    assert case.account.groups == opened
    assert len(opened) == 1 + len(OPENINGS)
    assert any(FIREWALL.sources[0] in sent.text for sent in opened)
    assert case.account.asked is not None
    assert f"clocker-demo-{MARK}" in case.account.asked.text
    for left in provider.remnants("demo"):
        provider.remove(left)
    assert case.account.groups == []


def test_asked_again_it_is_the_same_machine(case: Case) -> None:
    first = case.provider.obtain(case.request())

    second = case.provider.obtain(case.request())

    assert second.id == first.id
    assert case.account.created() == 1


def test_image_size_and_price(case: Case) -> None:
    offer = case.provider.plan(case.request())

    assert (offer.image, offer.size) == (case.vendor.image, case.vendor.size)
    assert offer.price_hour == (case.vendor.price_hour and pytest.approx(case.vendor.price_hour))
    assert case.account.changes() == []


def test_nothing_is_found_wrong_and_nothing_is_made(case: Case) -> None:
    checks = list(case.provider.examine(case.request()))

    assert {check.subject for check in checks} >= {"credentials", "image", "size"}
    assert [check for check in checks if check.verdict is Verdict.WRONG] == []
    assert case.account.changes() == []


def test_somebody_elses_machine_is_left_alone(case: Case) -> None:
    case.account.foreign = True
    (theirs,) = case.provider._machines(0.0).tagged({})

    with pytest.raises(ProviderError, match="left alone"):
        case.provider.release(str(theirs.id))

    assert case.account.changes() == []


def test_who_asks_too_often_asks_again(case: Case) -> None:
    case.account.throttled = 2

    case.provider.obtain(case.request())

    assert case.account.throttled == 0
    assert case.account.created() == 1


@pytest.mark.parametrize(
    "case",
    [vendor for vendor in VENDORS if vendor.driver in REFUSALS],
    ids=lambda vendor: vendor.driver,
    indirect=True,
)
def test_where_a_quota_is_used_up_nothing_stays(case: Case) -> None:
    case.account.over_quota = over_quota(case.vendor.driver)

    with pytest.raises(QuotaExceeded):
        case.provider.obtain(case.request())

    assert list(case.provider.list("demo")) == []
    made = [line for line in case.account.lines() if re.match("PUT .*/networkInterfaces/", line)]
    for card in made:  # Azure's driver makes one before the machine
        assert card.replace("PUT", "DELETE") in case.account.lines()
    assert not any("theirs" in line for line in case.account.lines())


def test_wrong_credentials_are_told(case: Case) -> None:
    case.account.wrong_credentials = True

    with pytest.raises(AuthenticationFailed):
        case.provider.obtain(case.request())


def test_every_driver_of_the_table_is_here() -> None:
    assert {vendor.driver for vendor in VENDORS} | set(ELSEWHERE) == set(DIALECTS)
