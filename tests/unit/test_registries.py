"""Registries: as clocker.yaml has them, as hosts are told of them, and who asks there."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from registry import certificate
from test_bootstrap import HOST, SPEC

from clocker.assembly import open_cloud
from clocker.bootstrap.plan import plan
from clocker.bootstrap.registries import registries_step
from clocker.cloud.logins import Logins
from clocker.config import load_cloud, logged_in
from clocker.errors import ConfigError, ImageNotFound
from clocker.images import Images, Reference
from clocker.model import EngineOptions, ImageInfo, Registry, RegistryAuth
from clocker.templating import render
from clocker.testing import FakeEngine, fake_parts, fake_spec

PASSWORD = "planted-secret"
HOST_NAME = "registry.test:5000"


def loaded(folder: Path, *registries: dict[str, Any], environ: dict[str, str] | None = None) -> Any:
    (folder / "providers.yaml").write_text("p: {driver: local}\n")
    document = {"name": "demo", "hosts": {"provider": "p"}, "registries": list(registries)}
    (folder / "clocker.yaml").write_text(json.dumps(document))
    return load_cloud(folder / "clocker.yaml", environ or {})


def test_an_entry_has_all_that_it_says(tmp_path: Path) -> None:
    ca = certificate(tmp_path, "192.0.2.1", 1)["certificate"]
    found = loaded(
        tmp_path,
        {"name": f"{HOST_NAME}/team", "ca": ca.name, "push": True},
        {"name": "[2001:db8::1]:5000", "insecure": True, "mirror": True},
    ).spec.registries
    assert found == (
        Registry(f"{HOST_NAME}/team", ca=ca.read_text(), push=True),
        Registry("[2001:db8::1]:5000", insecure=True, mirror=True),
    )
    assert [registry.host for registry in found] == [HOST_NAME, "[2001:db8::1]:5000"]


@pytest.mark.parametrize(
    "password",
    ["${SECRET}", {"file": "secret.txt"}, {"command": ["cat", "secret.txt"]}],
)
def test_a_password_is_fetched_when_it_is_needed_and_is_in_no_text(
    tmp_path: Path, password: object
) -> None:
    (tmp_path / "secret.txt").write_text(f"{PASSWORD}\n")
    entry = {"name": HOST_NAME, "username": "ci", "password": password}
    found = loaded(tmp_path, entry, environ={"SECRET": PASSWORD})
    assert PASSWORD not in repr(found) + repr(found.logins)
    auth = logged_in(found.logins[HOST_NAME])
    assert auth == RegistryAuth("ci", PASSWORD) and PASSWORD not in repr(auth)
    environ = {"SECRET": PASSWORD, "XDG_STATE_HOME": str(tmp_path)}
    with open_cloud(str(tmp_path / "clocker.yaml"), environ=environ) as cloud:
        logins = Logins(cloud.parts)
        assert logins(Reference.parse(f"{HOST_NAME}/a/b")) == auth
        assert logins(Reference.parse("other.test/a/b")) is None


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"name": "https://registry.test"}, "without https://"),
        ({"name": "team/images"}, "must be HOST"),
        ({"name": HOST_NAME, "username": "ci", "password": PASSWORD}, "must be a reference"),
        ({"name": HOST_NAME, "username": "ci", "password": f"${{X}}{PASSWORD}"}, "must be a ref"),
        ({"name": HOST_NAME, "username": "ci", "password": "${NOT_SET}"}, "is not set"),
        ({"name": HOST_NAME, "username": "ci", "password": {"file": "none"}}, "no such file"),
        ({"name": HOST_NAME, "username": "ci", "password": {"x": PASSWORD}}, "must be a ref"),
        ({"name": HOST_NAME, "username": "ci"}, "must be a reference"),
        ({"name": HOST_NAME, "password": "${X}"}, "must have a username"),
        ({"name": HOST_NAME, "ca": "none.pem"}, "certificates in PEM"),
        ({"name": HOST_NAME, "ca": "clocker.yaml"}, "certificates in PEM"),
        ({"name": HOST_NAME, "insecur": True}, "did you mean insecure"),
    ],
)
def test_what_is_wrong_is_said_and_no_secret_with_it(
    tmp_path: Path, entry: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, entry, environ={"X": "x"})
    assert says in str(caught.value) and "registries" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_two_of_a_name_or_two_to_share_at_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="twice"):
        loaded(tmp_path, {"name": HOST_NAME}, {"name": HOST_NAME})
    with pytest.raises(ConfigError, match="one registry only"):
        loaded(tmp_path, {"name": HOST_NAME, "push": True}, {"name": "b.test", "push": True})


def test_the_longest_name_that_fits_says_who_asks() -> None:
    names = (HOST_NAME, f"{HOST_NAME}/team", f"{HOST_NAME}/team/inner")
    spec = replace(fake_spec(), registries=tuple(map(Registry, names)))
    users = {names[0]: "all", names[1]: "team"}
    auth = {name: RegistryAuth(user, PASSWORD) for name, user in users.items()}
    logins = Logins(fake_parts(spec, login=auth.get))

    def user(image: str) -> str | None:
        found = logins(Reference.parse(image))
        return found.username if found else None

    assert user(f"{HOST_NAME}/team/app:1") == "team"
    assert user(f"{HOST_NAME}/team/inner/app") == "team"  # which has none of its own
    assert user(f"{HOST_NAME}/teams/app") == "all"
    assert user("registry.test/team/app") is None
    assert user("debian") is None


def test_an_image_is_pulled_with_its_registrys_password() -> None:
    engine, made = FakeEngine(), ImageInfo("sha256:" + "a" * 64)
    engine.registry[f"{HOST_NAME}/app:1"] = made
    engine.registry.passwords[HOST_NAME] = RegistryAuth("ci", PASSWORD)
    images = Images(logins=lambda reference: RegistryAuth("ci", PASSWORD))
    assert images.ensure(engine, f"{HOST_NAME}/app:1", list).id == made.id
    wrong = Images(logins=lambda reference: RegistryAuth("ci", "other"))
    with pytest.raises(ImageNotFound, match="does not accept the user or the password"):
        wrong.ensure(engine, f"{HOST_NAME}/app:2", list)


def test_a_password_that_cannot_be_had_leaves_the_other_engines() -> None:
    def locked(reference: Reference) -> RegistryAuth:
        raise ConfigError("registries[0].password: the command pass exited with status 1")

    engine, other, images = FakeEngine("one"), FakeEngine("two"), Images(logins=locked)
    with pytest.raises(ImageNotFound, match="exited with status 1"):
        images.ensure(engine, f"{HOST_NAME}/app:1", lambda: [("two", other)])
    other.add_image(f"{HOST_NAME}/app:1")
    assert images.ensure(engine, f"{HOST_NAME}/app:1", lambda: [("two", other)])


def test_the_engine_is_told_behind_what_its_options_say() -> None:
    options = {"insecure-registries": ["10.0.0.0/8"], "debug": True}
    registries = (
        Registry("mirror.test", mirror=True),
        Registry("plain.test:5000/x", insecure=True, mirror=True),
        Registry("other.test", ca="PEM"),
    )
    spec = replace(SPEC, engine=EngineOptions(options=options), registries=registries)
    script = plan(spec, HOST, ()).script
    written = json.loads(script.partition("options='")[2].partition("'\n")[0])
    assert written["insecure-registries"] == ["10.0.0.0/8", "plain.test:5000"]
    assert written["registry-mirrors"] == ["https://mirror.test", "http://plain.test:5000"]
    assert written["debug"] is True and written["live-restore"] is True
    assert "registry" not in plan(SPEC, HOST, ()).script


def test_the_hosts_script_puts_and_takes_back_what_is_ours(tmp_path: Path) -> None:
    """Run here, on folders of the test's own in the place of /etc."""
    hosts = tmp_path / "etc/hosts"
    hosts.parent.mkdir()
    hosts.write_text("127.0.0.1 localhost\n")
    kept = tmp_path / "etc/docker/certs.d/theirs.test/ca.crt"
    kept.parent.mkdir(parents=True)
    kept.write_text("theirs")

    def run(verb: str, *registries: Registry) -> int:
        text = str(registries_step("demo", registries).values["text"])
        text = text.replace("/etc/", f"{tmp_path}/etc/").replace("PATH=", "PATH=$PATH:")
        script = tmp_path / "script"
        script.write_text(text)
        return subprocess.run(["sh", str(script), verb], check=False, env=os.environ).returncode

    one = Registry("one.demo.clocker:5000", ca="it's\n$(x)\n", address="10.210.0.9")
    two = Registry("two.test/team", ca="two\n")
    ca = tmp_path / "etc/docker/certs.d/one.demo.clocker:5000/ca.crt"
    assert run("check", one, two) != 0
    assert run("apply", one, two) == 0 == run("check", one, two)
    assert ca.read_text() == one.ca
    assert "10.210.0.9 one.demo.clocker # clocker demo registry\n" in hosts.read_text()
    assert run("apply", replace(one, address="10.210.0.10")) == 0
    assert not (tmp_path / "etc/docker/certs.d/two.test").exists()
    assert hosts.read_text().splitlines() == [
        "127.0.0.1 localhost",
        "10.210.0.10 one.demo.clocker # clocker demo registry",
    ]
    assert run("check", one) != 0
    assert run("remove") == 0
    assert hosts.read_text() == "127.0.0.1 localhost\n"
    assert not ca.exists() and kept.read_text() == "theirs"


def test_the_step_runs_its_script() -> None:
    step = registries_step("demo", ())
    text = render(step.template, step.values)
    assert subprocess.run(["sh", "-n"], input=text.encode(), check=False).returncode == 0
    assert "/usr/local/lib/clocker/demo/registries apply" in text
