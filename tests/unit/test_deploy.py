"""Applications on machines in memory: deployed, changed, killed half-way, undone and removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from applications import DB, SHOP, with_service
from moving import World

from clocker.cloud import ledger
from clocker.deploy import Applications, Preview
from clocker.errors import BadInput, DeployFailed, NameTaken, NotFound
from clocker.model import (
    Application,
    Condition,
    Container,
    ContainerRequest,
    DeploymentState,
    Healing,
    HealthCheck,
    Need,
    NodePool,
    Resources,
    Restart,
    Service,
    ServiceValue,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.cloud().up()
    for machine in world.machines.all():
        for image in ("postgres:16", "postgres:17", "web:1", "haproxy:2"):
            machine.engine.add_image(image)
    return world


FAILS = ("sh", "-c", "echo cannot find the database >&2; exit 3")


def apps(world: World) -> Applications:
    return Applications(world.cloud())


def containers(world: World) -> dict[str, Container]:
    return {container.name: container for container in world.cloud().list()}


def verbs(found: Preview) -> dict[str, str]:
    return {change.name: change.verb.value for change in found.plan.changes}


def test_what_is_deployed_runs_with_the_values_of_what_it_needs(world: World) -> None:
    apps(world).deploy(SHOP)
    there = containers(world)
    assert set(there) == {"shop-db", "shop-web", "shop-web-2", "shop-proxy"}
    db = there["shop-db"]
    assert db.network == "shop" and db.request.volumes[0].source == "shop-data"
    assert there["shop-web"].request.env["DB"] == f"postgres://{db.address}/shop"
    backends = f"{there['shop-web'].address},{there['shop-web-2'].address}"
    assert there["shop-proxy"].request.env["BACKENDS"] == backends
    assert db.created_at <= there["shop-web"].created_at <= there["shop-proxy"].created_at
    view = apps(world).status("shop")
    assert view.is_well and view.deployment.state is DeploymentState.DEPLOYED
    assert [service.running for service in view.services] == [1, 2, 1]
    world.assert_agrees()


def test_the_same_again_changes_nothing(world: World) -> None:
    apps(world).deploy(SHOP)
    before = containers(world)
    assert apps(world).preview(SHOP).plan.is_empty
    assert set(verbs(apps(world).deploy(SHOP)).values()) == {"keep"}
    assert containers(world) == before


def test_a_changed_one_changes_only_what_differs_and_keeps_names_addresses_and_hosts(
    world: World,
) -> None:
    apps(world).deploy(SHOP)
    before, home = containers(world), world.place("shop-db")
    changed = with_service("db", request={"image": "postgres:17"})
    changed = with_service("proxy", changed, request={"restart": Restart("always")})
    assert (
        verbs(apps(world).preview(changed))
        == verbs(apps(world).deploy(changed))
        == {
            "shop-db": "replace",
            "shop-web": "change",
            "shop-web-2": "change",
            "shop-proxy": "change",
        }
    )
    after = containers(world)
    assert after["shop-db"].id != before["shop-db"].id
    assert {n: c.address for n, c in after.items()} == {n: c.address for n, c in before.items()}
    assert (world.place("shop-db"), after["shop-db"].request.image) == (home, "postgres:17")
    assert after["shop-web"].id == before["shop-web"].id
    assert after["shop-proxy"].request.restart == Restart("always")
    (engine,) = (e for _, e in world.found("shop-proxy").items())
    assert engine.spec.restart == Restart("always")
    assert apps(world).preview(changed).plan.is_empty
    world.assert_agrees()


def test_volumes_bring_a_container_back_to_where_they_are(world: World) -> None:
    apps(world).deploy(SHOP)
    home = world.place("shop-db")
    apps(world).remove("shop")
    assert containers(world) == {}
    for number in range(3):  # the other hosts would be rather taken now
        world.cloud().obtain(ContainerRequest("debian:12", name=f"x{number}"))
    apps(world).deploy(SHOP)
    assert world.place("shop-db") == home
    apps(world).remove("shop", volumes=True)
    assert world.cloud().volumes() == ()


def test_applications_have_networks_of_their_own(world: World) -> None:
    apps(world).deploy(SHOP)
    other = replace(SHOP, name="other", networks=("back",))
    other = with_service("db", other, request={"networks": ("back", "shop")})
    other = with_service("proxy", other, request={"ports": ()})
    apps(world).deploy(other)
    assert {net.net.name for net in world.cloud().networks()} == {
        "default",
        "shop",
        "other",
        "other-back",
    }
    db = containers(world)["other-db"]
    assert [place.network for place in db.endpoints] == ["other-back", "shop"]
    changed = with_service("db", other, request={"networks": ("back", "default")})
    assert verbs(apps(world).deploy(changed))["other-db"] == "change"
    assert [p.network for p in containers(world)["other-db"].endpoints] == ["other-back", "default"]
    apps(world).remove("other")
    assert {net.net.name for net in world.cloud().networks()} == {"default", "shop"}
    world.assert_agrees()


def test_what_somebody_else_has_is_not_taken(world: World) -> None:
    world.cloud().create_network("shop")
    with pytest.raises(NameTaken, match="network 'shop'"):
        apps(world).preview(SHOP)
    with pytest.raises(NameTaken, match="network 'shop'"):
        apps(world).deploy(SHOP)
    world.cloud().remove_network("shop")
    world.cloud().obtain(
        ContainerRequest("debian:12", name="shop-web-2", labels={"application": "shop"})
    )
    with pytest.raises(NameTaken, match="shop-web-2"):
        apps(world).deploy(SHOP)
    assert set(containers(world)) == {"shop-web-2"}
    assert apps(world).list() == ()  # nothing is kept of what was refused
    assert len(world.cloud().networks()) == 1


def test_a_failure_says_which_service_and_why_and_the_same_again_goes_on(world: World) -> None:
    broken = with_service("web", request={"command": FAILS})
    with pytest.raises(DeployFailed) as failed:
        apps(world).deploy(broken)
    assert set(failed.value.failures) == {"web"}
    said = str(failed.value)
    assert "service web" in said and "cannot find the database" in said and "--undo" in said
    assert set(containers(world)) == {"shop-db"}
    view = apps(world).status("shop")
    assert view.deployment.state is DeploymentState.FAILED and not view.is_well
    assert "cannot find" not in view.deployment.error  # it may be anything, also a secret
    kept = containers(world)["shop-db"].id
    apps(world).deploy(SHOP)
    assert apps(world).status("shop").is_well
    assert containers(world)["shop-db"].id == kept


def test_undoing_a_first_deploy_leaves_nothing_and_a_later_one_what_was_before(
    world: World,
) -> None:
    broken = with_service("web", request={"command": FAILS})
    broken = with_service("db", broken, request={"image": "postgres:17"})
    with pytest.raises(DeployFailed):
        apps(world).deploy(broken)
    assert apps(world).undo("shop") is None
    assert containers(world) == {} and len(world.cloud().networks()) == 1
    apps(world).deploy(SHOP)
    with pytest.raises(BadInput, match="nothing to undo"):
        apps(world).undo("shop")
    with pytest.raises(DeployFailed):
        apps(world).deploy(broken)
    assert containers(world)["shop-db"].request.image == "postgres:17"
    apps(world).undo("shop")
    assert apps(world).preview(SHOP).plan.is_empty
    assert apps(world).status("shop").deployment.state is DeploymentState.DEPLOYED
    assert containers(world)["shop-db"].request.image == "postgres:16"


def test_others_are_brought_to_their_end_when_one_fails_and_what_needs_it_is_not_begun(
    world: World,
) -> None:
    alone = Service("alone", ContainerRequest("debian:12"))
    bad = Service("bad", ContainerRequest("debian:12", command=FAILS))
    needs = Service("needs", ContainerRequest("debian:12"), needs=(Need("bad"),))
    with pytest.raises(DeployFailed) as failed:
        apps(world).deploy(Application("a", (needs, bad, alone)))
    assert set(failed.value.failures) == {"bad"} and failed.value.exit_code == 4
    assert set(containers(world)) == {"a-alone"}


def test_a_service_waits_until_others_are_healthy_or_have_ended(world: World) -> None:
    check = HealthCheck(("test", "-e", "/ready"), interval_s=1)
    db = Service("db", ContainerRequest("debian:12", health=check, timeout_s=0.3))
    migrate = Service("migrate", ContainerRequest("debian:12", command=("echo", "done")))
    web = Service(
        "web",
        ContainerRequest("debian:12"),
        needs=(Need("db", Condition.HEALTHY), Need("migrate", Condition.COMPLETED)),
    )
    application = Application("a", (web, db, migrate))
    with pytest.raises(DeployFailed) as failed:
        apps(world).deploy(application)
    assert set(failed.value.failures) == {"db"} and "not healthy within" in str(failed.value)
    assert set(containers(world)) == {"a-db", "a-migrate"}
    (engine,) = world.found("a-db").values()
    engine.files.write("/ready", b"")
    apps(world).deploy(application)
    assert set(containers(world)) == {"a-db", "a-migrate", "a-web"}
    assert apps(world).status("a").is_well
    assert apps(world).preview(application).plan.is_empty


def test_a_job_that_fails_is_told_with_its_last_lines_and_tried_again(world: World) -> None:
    migrate = Service("migrate", ContainerRequest("debian:12", command=FAILS))
    web = Service(
        "web", ContainerRequest("debian:12"), needs=(Need("migrate", Condition.COMPLETED),)
    )
    with pytest.raises(DeployFailed, match="(?s)status 3.*cannot find the database"):
        apps(world).deploy(Application("a", (web, migrate)))
    before = containers(world)["a-migrate"]
    with pytest.raises(DeployFailed):
        apps(world).deploy(Application("a", (web, migrate)))
    assert containers(world)["a-migrate"].id == before.id
    mended = replace(migrate, request=replace(migrate.request, command=("true",)))
    apps(world).deploy(Application("a", (web, mended)))
    assert set(containers(world)) == {"a-migrate", "a-web"}


def test_what_was_stopped_or_lost_is_brought_back(world: World) -> None:
    apps(world).deploy(SHOP)
    before = containers(world)
    world.cloud().stop("shop-proxy")
    (engine,) = [m.engine for m in world.machines.all() if m.name == world.place("shop-web")]
    engine.remove("test.shop-web")
    assert [s.is_well for s in apps(world).status("shop").services] == [False, False, True]
    assert verbs(apps(world).deploy(SHOP)) == {
        "shop-db": "keep",
        "shop-web": "replace",
        "shop-web-2": "keep",
        "shop-proxy": "change",
    }
    assert apps(world).status("shop").is_well
    after = containers(world)
    assert {n: c.address for n, c in after.items()} == {n: c.address for n, c in before.items()}


def test_it_is_scaled_within_its_bounds(world: World) -> None:
    apps(world).deploy(SHOP)
    first = containers(world)["shop-web"]
    apps(world).scale("shop", {"web": 3})
    there = containers(world)
    assert {"shop-web", "shop-web-2", "shop-web-3"} < set(there)
    assert there["shop-web"] == first
    assert there["shop-web-3"].address in str(there["shop-proxy"].request.env["BACKENDS"])
    with pytest.raises(BadInput, match="above the maximum, 4"):
        apps(world).scale("shop", {"web": 5})
    with pytest.raises(BadInput, match="no service 'wbe'"):
        apps(world).scale("shop", {"wbe": 2})
    apps(world).scale("shop", {"web": 1})
    assert {n for n in containers(world) if "web" in n} == {"shop-web"}
    assert apps(world).status("shop").is_well


def test_it_is_restarted_in_order_and_who_asked_with_what_it_needs(world: World) -> None:
    apps(world).deploy(SHOP)
    names = ("shop-db", "shop-web", "shop-web-2", "shop-proxy")
    assert apps(world).restart("shop") == names
    assert apps(world).restart("shop", ["db"]) == names[:3]
    assert apps(world).restart("shop", ["proxy"]) == names[3:]
    assert apps(world).containers("shop", ["web"]) == names[1:3]
    assert apps(world).containers("shop") == ("shop-proxy", "shop-web", "shop-web-2", "shop-db")


def test_it_is_removed_in_reverse_and_only_what_is_its_own(world: World) -> None:
    mine = ContainerRequest("debian:12", name="mine", labels={"application": "shop"})
    world.cloud().obtain(mine)
    apps(world).deploy(SHOP)
    apps(world).remove("shop")
    told = [
        e.subject for e in world.cloud().events() if (e.verb, e.outcome) == ("release", "removed")
    ]
    assert told.index("shop-proxy") < told.index("shop-web") < told.index("shop-db")
    assert set(containers(world)) == {"mine"}
    assert [v.name for v in world.cloud().volumes()] == ["shop-data"]
    with pytest.raises(NotFound):
        apps(world).remove("shop")
    world.assert_agrees()


def test_nobody_else_works_on_it_meanwhile(world: World) -> None:
    apps(world).deploy(SHOP)
    parts = world.process()
    with parts.store.transaction() as tx:
        found = tx.application("shop")
        assert found
        tx.put_application(replace(found, work=ledger.new_work(parts, tx)))
    with pytest.raises(NameTaken, match="is at it already"):
        apps(world).deploy(SHOP)
    world.dead.add(parts.owner)
    apps(world).deploy(SHOP)


CHANGED = with_service("db", with_service("web", replicas=1), request={"user": "postgres"})


@pytest.mark.parametrize("verb", ["deploy", "change", "remove"])
def test_killed_anywhere_the_same_command_converges(tmp_path: Path, verb: str) -> None:
    actions: dict[str, Callable[[Applications], Any]] = {
        "deploy": lambda found: found.deploy(SHOP),
        "change": lambda found: found.deploy(CHANGED),
        "remove": lambda found: found.remove("shop"),
    }
    number, step = 1, 3
    while True:
        world = World(tmp_path / str(number))
        world.cloud().up()
        for machine in world.machines.all():
            for image in ("postgres:16", "web:1", "haproxy:2"):
                machine.engine.add_image(image)
        if verb != "deploy":
            apps(world).deploy(SHOP)
        fuse = world.killed(lambda cloud: actions[verb](Applications(cloud)), number)
        try:
            actions[verb](apps(world))
        except NotFound:
            assert verb == "remove" and not fuse.dead or not containers(world)
        if verb == "remove":
            assert containers(world) == {} and len(world.cloud().networks()) == 1
        else:
            wanted = CHANGED if verb == "change" else SHOP
            assert apps(world).status("shop").is_well
            assert apps(world).preview(wanted).plan.is_empty
        world.assert_agrees()
        if not fuse.dead:
            return
        number += step


def test_a_healing_policy_is_the_services_own(world: World) -> None:
    quiet = Healing(attempts=0, replace=False)
    apps(world).deploy(with_service("web", request={"healing": quiet}))
    found = containers(world)["shop-web"].request.healing
    assert found == replace(quiet, restart_with=("shop-db",))


def test_a_port_of_a_host_is_a_value(world: World) -> None:
    api = Service("api", replace(DB.request, image="debian:12", volumes=()), replicas=1)
    api = replace(api, request=replace(api.request, ports=SHOP.services[0].request.ports))
    seen = Service(
        "seen",
        ContainerRequest("debian:12"),
        env={"AT": (ServiceValue("api", "host_address"), ":", ServiceValue("api", "port/80"))},
    )
    apps(world).deploy(Application("a", (seen, api)))
    host = world.cloud().machine("a-api").host
    assert containers(world)["a-seen"].request.env["AT"] == f"{host.address}:8080"


def test_there_is_room_for_more_of_a_service_that_asks_for_it(tmp_path: Path) -> None:
    pool = NodePool(("fake",), count=1, maximum=4, shape=Resources(4.0, 8192, 100_000), timeout_s=5)
    world = World(tmp_path, spec_changes={"hosts": pool})
    world.cloud().up()
    with pytest.raises(BadInput, match="does not say what room"):
        world.cloud().scale()
    big = ContainerRequest("debian:12", Resources(2, 512))
    apps(world).deploy(Application("a", (Service("big", big, headroom=3),)))
    report = world.cloud().scale()
    assert (report.wanted, report.room, len(report.added)) == (3, 1, 1)
    assert "nothing to do" in world.cloud().scale().why
    apps(world).deploy(Application("a", (Service("big", big, headroom=1),)))
    assert world.cloud().scale(dry_run=True).wanted == 1


def test_what_needs_no_value_is_made_ahead_and_goes_away_when_its_turn_does_not_come(
    world: World,
) -> None:
    first = Service("first", ContainerRequest("debian:12"))
    later = Service("later", ContainerRequest("debian:12"), needs=(Need("first"),))
    last = Service("last", ContainerRequest("debian:12"), needs=(Need("later"),), replicas=2)
    application = Application("a", (last, later, first))
    apps(world).deploy(application)
    told = [(e.subject, e.outcome) for e in world.cloud().events() if e.verb == "obtain"]
    assert told.index(("a-last-2", "booked")) < told.index(("a-later", "running"))
    assert told.index(("a-first", "running")) < told.index(("a-later", "running"))
    assert told.index(("a-later", "running")) < told.index(("a-last", "running"))
    started = [
        next(iter(world.found(name).values())).started_at
        for name in ("a-first", "a-later", "a-last", "a-last-2")
    ]
    assert None not in started
    assert apps(world).preview(application).plan.is_empty
    apps(world).remove("a")

    failing = replace(first, request=replace(first.request, command=FAILS))
    with pytest.raises(DeployFailed) as failed:
        apps(world).deploy(Application("a", (last, later, failing)))
    assert set(failed.value.failures) == {"first"}
    assert containers(world) == {} and world.found("a-last") == {}
    world.assert_agrees()
