"""Registries of the cloud's own, and what is shared by registries."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from typing import Any

import bcrypt
import pytest
from cli_cloud import FakeCloud, Terminal
from cryptography import x509

from clocker.bootstrap import expected_stamp
from clocker.bootstrap.own_registries import own_registries, read_own
from clocker.bootstrap.registries import registries_step
from clocker.cloud import Cloud
from clocker.cloud.logins import own_password
from clocker.cloud.registry import RegistryWishes
from clocker.errors import BadInput, ImageNotFound, NameTaken, NotFound, TransferInterrupted
from clocker.interfaces import Parts
from clocker.model import ContainerRequest, ImageInfo, Registry, RegistryAuth, Result
from clocker.testing import (
    fake_parts,
    fake_spec,
)

IMAGE = "registry:2"
NAME = "registry.test.clocker:5000"
PASSWORD = "planted-secret"
DAY_S = 24 * 3600.0


def made(**overrides: Any) -> tuple[Cloud, Parts]:
    parts = fake_parts(**overrides)
    cloud = Cloud(parts)
    cloud.up()
    for engine in engines(parts):
        engine.add_image(IMAGE)
    return cloud, parts


def engines(parts: Parts) -> list[Any]:
    """Of the hosts by name; all of them reach the same registries."""
    with parts.store.read() as tx:
        hosts = sorted(tx.hosts(), key=lambda host: host.name)
    found: list[Any] = [parts.connections.engine(host) for host in hosts]
    for engine in found[1:]:
        engine.registry = found[0].registry
    return found


def plan_text(parts: Parts) -> str:
    with parts.store.read() as tx:
        own = own_registries(tx, "test.clocker")
    return str(registries_step("test", own).values["text"])


def files(parts: Parts, container: str) -> dict[str, str]:
    """What has been put into the registry's folder."""
    name = f"test.{container}"
    (holder,) = [
        engine
        for engine in engines(parts)
        if any(found.spec.name == name for found in engine.containers())
    ]
    packed = holder.get_archive(name, "/etc/docker/registry")
    found: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for item in tar:
            if stream := tar.extractfile(item):
                found[item.name.rpartition("/")[2]] = stream.read().decode()
    return found


def test_a_registry_is_a_container_that_all_hosts_know() -> None:
    cloud, parts = made()
    view = cloud.run_registry("registry", RegistryWishes(IMAGE))
    assert (view.registry.name, view.container, view.shared) == (NAME, "registry", True)
    container = cloud.machine("registry").record
    assert view.registry.address == container.address
    assert container.request.volumes[0].source == "registry-data"
    cloud.add_hosts(1)
    with parts.store.read() as tx:
        (own,) = own_registries(tx, "test.clocker")
        hosts = tx.hosts()
    assert len(hosts) == 3
    for host in hosts:
        assert host.stamp == expected_stamp(parts, host)
    told = plan_text(parts)
    assert f"{own.address} registry.test.clocker #" in told and own.ca in told
    assert cloud.run_registry("registry").registry == view.registry
    assert len(cloud.list()) == 1


def test_its_files_are_its_own_and_its_password_is_nowhere_else() -> None:
    cloud, parts = made()
    cloud.run_registry("registry", RegistryWishes(IMAGE))
    found = files(parts, "registry")
    password = own_password(parts.keys, "test", "registry")
    user, _, hashed = found["htpasswd"].strip().partition(":")
    assert user == "clocker" and bcrypt.checkpw(password.encode(), hashed.encode())
    assert json.loads(found["config.yml"])["auth"]["htpasswd"]["path"].endswith("/htpasswd")
    certificate = x509.load_pem_x509_certificate(found["tls.pem"].encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    address = cloud.machine("registry").record.address
    assert names.get_values_for_type(x509.DNSName) == ["registry.test.clocker", "registry"]
    assert [str(found) for found in names.get_values_for_type(x509.IPAddress)] == [address]
    with parts.store.read() as tx:
        record = read_own(tx)
        told = repr((tx.containers(), tx.events(after=0, limit=1000), tx.setting("registries")))
    assert record is not None
    certificate.verify_directly_issued_by(
        x509.load_pem_x509_certificate(record.authority.certificate.encode())
    )
    for text in (told, repr(cloud.inspect("registry")), *(v for k, v in found.items())):
        assert password not in text
    assert "PRIVATE" not in told


def test_its_certificate_is_renewed_when_it_is_due_and_not_before() -> None:
    cloud, parts = made()
    cloud.run_registry("registry", RegistryWishes(IMAGE))
    first = files(parts, "registry")["tls.pem"]
    cloud.up()
    assert files(parts, "registry")["tls.pem"] == first
    parts.clock.advance(250 * DAY_S)  # type: ignore[attr-defined]
    cloud.up()
    assert files(parts, "registry")["tls.pem"] != first


def test_a_moved_registry_is_the_same_one() -> None:
    cloud, parts = made()
    view = cloud.run_registry("registry", RegistryWishes(IMAGE))
    cloud.move("registry", volumes=True)
    (after,) = cloud.registries()
    assert after.registry == view.registry and after.host != view.host
    password = own_password(parts.keys, "test", "registry")
    hashed = files(parts, "registry")["htpasswd"].strip().partition(":")[2]
    assert bcrypt.checkpw(password.encode(), hashed.encode())


def test_one_that_is_removed_is_a_registry_no_more() -> None:
    cloud, parts = made()
    cloud.run_registry("registry", RegistryWishes(IMAGE))
    cloud.remove_registry("registry", data=True)
    assert cloud.registries() == () == cloud.list() == cloud.volumes()
    cloud.obtain(ContainerRequest(IMAGE, name="registry"))
    assert cloud.registries() == ()
    with pytest.raises(NameTaken):
        cloud.run_registry("registry", RegistryWishes(IMAGE))
    with pytest.raises(NotFound):
        cloud.remove_registry("registry")


def test_without_an_image_the_distributions_is_installed() -> None:
    cloud, parts = made()
    for engine in engines(parts):
        engine.add_image("debian:12")
        engine.handler = lambda execution: Result(0)
    cloud.run_registry()
    request = cloud.machine("registry").record.request
    assert request.install is not None and request.install.packages == ("docker-registry",)
    assert request.entrypoint == ("docker-registry",)


def test_who_is_not_let_in_is_told_why() -> None:
    entry = Registry("registry.example.org/team")
    cloud, parts = made(
        spec=replace(fake_spec(), registries=(entry,)),
        login=lambda name: RegistryAuth("ci", PASSWORD),
    )
    registries = engines(parts)[0].registry
    checks = cloud.check_registry(entry.name)
    assert [item.error for item in checks] == [None, None]
    registries.passwords[entry.host] = RegistryAuth("ci", "another")
    for item in cloud.check_registry(entry.name):
        assert item.error is not None and "does not accept" in item.error.what
        assert PASSWORD not in str(item.error)
    with pytest.raises(NotFound, match="no registry"):
        cloud.check_registry("other")


def test_an_image_goes_from_one_host_by_the_registry_to_the_other() -> None:
    cloud, parts = made()
    cloud.run_registry("registry", RegistryWishes(IMAGE))
    one, two = engines(parts)[:2]
    auth = RegistryAuth("clocker", own_password(parts.keys, "test", "registry"))
    one.registry.passwords[NAME] = auth
    image = one.add_image("shop:1", ImageInfo("sha256:" + "c" * 64))
    pushed = cloud.push_image("shop:1")
    assert pushed.target == f"{NAME}/shop:1" and f"{NAME}/shop:1" in one.registry
    assert one.image(pushed.target) is None
    second = sorted(view.host.name for view in cloud.hosts())[1]
    pulled = cloud.pull_image(pushed.target, [second])
    assert pulled.image.id == image.id == two.image(pushed.target).id
    with pytest.raises(ImageNotFound):
        cloud.push_image("none:1")
    with pytest.raises(BadInput, match="digest"):
        cloud.push_image("shop:1", f"{NAME}/shop@{image.id}")


def test_an_image_needs_a_registry_to_be_pushed_to() -> None:
    cloud, parts = made()
    engines(parts)[0].add_image("shop:1")
    with pytest.raises(BadInput, match="names no registry"):
        cloud.push_image("shop:1")


@pytest.mark.parametrize("error", [None, TransferInterrupted("it went away", remedy="wait")])
def test_the_check_ends_with_what_it_found(
    error: TransferInterrupted | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal(FakeCloud(registry_error=error), capsys, monkeypatch)
    seen = terminal("registry", "login-check", "registry")
    assert seen.status == (4 if error else 0)
    assert ("it went away\n  remedy: wait" if error else "is let in") in seen.out
