"""How new hosts are shaped, and that what was wished is what the provider is asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moving import WEB, World

from clocker.config import load_cloud
from clocker.config.rules import rule_spec, shaper_spec
from clocker.errors import NothingFits, Unavailable
from clocker.model import (
    ContainerRequest,
    Headroom,
    Keep,
    NodePool,
    Resources,
    Wishes,
)
from clocker.placement.shapers import wishes_for
from clocker.plugins import SHAPERS

SHAPE = Resources(2, 4096, 0)
POOL = NodePool(("fake",), count=1, maximum=4, shape=SHAPE, timeout_s=5.0)
BIG = ContainerRequest("x", Resources(3, 1024, 2048))
CLASSES = {"size_classes": [{"cores": 2, "ram": "4GiB"}, {"cores": 8, "ram": "32GiB"}]}


def shaped(*written: object, request: ContainerRequest = BIG, shape: Resources = SHAPE) -> Wishes:
    shapers = tuple(shaper_spec(each) for each in written)
    return wishes_for(replace(POOL, shape=shape, shapers=shapers), request)


@pytest.mark.parametrize(
    ("written", "resources"),
    [
        ([], SHAPE),
        (["fits_request"], Resources(3, 4096, 2048)),
        ([{"fits_request": 4}], Resources(12, 4096, 8192)),
        ([{"fits_request": {"times": 5}}], Resources(15, 5120, 10240)),
        ([{"at_least": {"disk": "100GiB", "cores": 1}}], Resources(2, 4096, 102_400)),
        ([{"at_least": 16}], Resources(16, 4096, 0)),
        ([CLASSES], Resources(2, 4096, 0)),
        ([{"at_least": 3}, CLASSES], Resources(8, 32_768, 0)),
        ([{"at_least": 30}, CLASSES], Resources(8, 32_768, 0)),
        ([CLASSES, {"at_least": {"disk": "1GiB"}}], Resources(2, 4096, 1024)),
    ],
)
def test_sizes(written: list[object], resources: Resources) -> None:
    assert shaped(*written).resources == resources


@pytest.mark.parametrize(
    ("places", "zone"),
    [
        ("in eu-1b", "eu-1b"),
        ("in eu-1b or eu-1c", "eu-1b"),
        (["eu-1c"], "eu-1c"),
        ("in eu-* or eu-1a", "eu-1a"),
        ("in eu-*", None),
        ("not in eu-1b", None),
    ],
)
def test_the_requested_zone(places: Any, zone: str | None) -> None:
    request = replace(BIG, rules=(rule_spec({"zone": {"places": places}}),))
    assert shaped("requested_zone", request=request).zone == zone
    assert shaped(request=request).zone is None
    assert shaped("requested_zone").zone is None


def test_labels_and_tags_add_up() -> None:
    wishes = shaped(
        {"labels": {"disk": "ssd", "a": "1"}}, {"labels": {"a": "2"}}, {"tags": {"t": "x"}}
    )
    assert (wishes.labels, wishes.tags) == ({"disk": "ssd", "a": "2"}, {"t": "x"})


def world(folder: Path, *written: object, **changes: Any) -> World:
    shapers = tuple(shaper_spec(each) for each in written)
    return World(folder, spec_changes={"hosts": replace(POOL, shapers=shapers), **changes})


def test_a_host_is_made_as_large_as_its_request_and_no_larger_is_promised(tmp_path: Path) -> None:
    big = replace(WEB, name="big", resources=Resources(6, 1024))
    plain = world(tmp_path / "plain")
    with pytest.raises(NothingFits):
        plain.cloud().obtain(big)
    assert plain.machines.all() == ()

    here = world(tmp_path / "shaped", "fits_request", {"labels": {"size": "own"}})
    here.cloud().up()
    host = here.cloud().obtain(big).host
    assert (host.capacity.cores, host.labels) == (6, {"size": "own"})
    assert sorted(view.host.capacity.cores for view in here.cloud().hosts()) == [2, 6]
    picky = replace(WEB, name="p", rules=(rule_spec({"host_labels": "size=own"}),))
    here.cloud().obtain(picky)
    here.assert_agrees()


def test_a_new_host_is_tried_with_its_labels_and_size_before_it_is_made(tmp_path: Path) -> None:
    here = world(
        tmp_path, {"labels": {"disk": "ssd"}}, {"size_classes": [{"cores": 4, "ram": 4096}]}
    )
    wants_gpu = replace(WEB, rules=(rule_spec({"host_labels": "gpu"}),))
    with pytest.raises(NothingFits, match="no host can take"):
        here.cloud().obtain(wants_gpu)
    with pytest.raises(NothingFits) as refused:
        here.cloud().obtain(replace(WEB, resources=Resources(5, 64)))
    assert "5 wanted, 4 free" in str(refused.value)
    assert here.machines.all() == ()
    wants_ssd = replace(WEB, rules=(rule_spec({"host_labels": "disk=ssd"}),))
    assert here.cloud().obtain(wants_ssd).host.capacity.cores == 4


def test_the_provider_is_asked_for_what_was_stored(tmp_path: Path) -> None:
    """Also by another process, after the document has changed."""
    here = world(tmp_path, "fits_request", "requested_zone", {"tags": {"team": "shop"}})
    request = replace(WEB, resources=Resources(7, 64), rules=(rule_spec({"zone": "in z1"}),))
    parts = here.process()
    from clocker.cloud import Cloud
    from clocker.cloud.nodes import request_for
    from clocker.cloud.reserve import reserve

    here.dead.add(parts.owner)
    (booked,) = reserve(parts, [request])
    asked = request_for(here.process(), booked.host)
    assert (asked.resources.cores, asked.zone, asked.tags["team"]) == (7, "z1", "shop")
    here.spec_changes["hosts"] = POOL
    Cloud(here.process()).up()
    (machine,) = here.machines.all()
    assert machine.node.tags["team"] == "shop"
    assert next(iter(here.cloud().hosts())).host.capacity.cores == 7


def test_a_zone_is_not_asked_for_at_another_provider(tmp_path: Path) -> None:
    pool = replace(POOL, providers=("fake", "other"), shapers=(shaper_spec("requested_zone"),))
    here = World(tmp_path, spec_changes={"hosts": pool})
    parts = here.process()
    parts.providers["fake"].fail_next("obtain", Unavailable("sold out"))  # type: ignore[attr-defined]
    from clocker.cloud.hosts import ensure_ready
    from clocker.cloud.reserve import reserve

    soft = rule_spec({"zone": {"places": "in z1", "soft": True}})
    (booked,) = reserve(parts, [replace(WEB, rules=(soft,))])
    assert booked.host.wishes and booked.host.wishes.zone == "z1"
    host = ensure_ready(parts, booked.host.id)
    assert host.provider == "other" and host.wishes and host.wishes.zone is None


def test_scale_makes_hosts_for_the_largest_of_its_shapes(tmp_path: Path) -> None:
    shapes = (ContainerRequest("", Resources(1, 64)), ContainerRequest("", Resources(6, 64)))
    headroom = Headroom(Keep(2), shapes, maximum=4, up_s=0.0, budget_hour=1.0)
    here = world(tmp_path, {"fits_request": 2}, headroom=headroom)
    report = here.cloud().scale()
    assert len(report.added) == 1, report.why
    (view,) = here.cloud().hosts()
    assert (view.host.capacity.cores, view.host.price_hour) == (12, 0.01)
    assert here.cloud().scale().added == ()


def test_the_page_has_every_shaper_and_its_example_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "shapers.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == set(SHAPERS)
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    path = tmp_path / "clocker.yaml"
    path.write_text("name: demo\n" + example.replace("ec2", "local"))
    assert len(load_cloud(path, {"HOME": str(tmp_path)}).spec.hosts.shapers) == 5
