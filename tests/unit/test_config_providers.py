"""Entries of providers.yaml: what they extend, what they ask for, and where secrets come from."""

from __future__ import annotations

import inspect
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from clocker.config import fetch, fetched, list_providers, load_cloud
from clocker.config.catalogue import catalogue
from clocker.config.providers import find
from clocker.errors import ConfigError, NotFound
from clocker.model import FirewallWish, ImageWish, ProviderEntry, Resources, SizeWish
from clocker.providers.constructor import check_arguments, needed, parameters

ROOT = Path(__file__).parents[2]
BASE = """\
base:
  driver: ec2
  arguments: {key: "${KEY}", secret: "${SECRET}", region: one}
  image: {distribution: debian, version: 12}
  size: {cores: 2, ram: 4GiB}
  location: [a, b]
  tags: {team: blue, tier: web}
  ssh_user: admin
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clocker.yaml").write_text("name: demo\nhosts: {provider: mine}\n")
    return tmp_path


def entry(folder: Path, text: str, **environ: str) -> ProviderEntry:
    (folder / "providers.yaml").write_text(text)
    environ = {"XDG_CONFIG_HOME": str(folder / "config"), **environ}
    return load_cloud(folder / "clocker.yaml", environ).providers[0]


def test_every_key_of_an_entry_arrives(folder: Path) -> None:
    (folder / "init").write_text("#cloud-config\npackages: [${not-ours}]\n")
    made = entry(
        folder,
        """\
mine:
  driver: ec2
  arguments: {key: "${KEY}"}
  create: {ex_ebs_optimized: true}
  options: {wait: 5}
  image: {distribution: ubuntu, version: "24.10", architecture: aarch64}
  size: {cores: 2, ram: 4GiB, disk: 20GiB, price: 0.1}
  location: [a, b]
  network: net
  subnet: sub
  spot: true
  tags: {team: blue}
  firewall: {from: [203.0.113.0/24, "2001:db8::/32"], published: true}
  user_data: {file: init}
  ssh_user: ubuntu
  interface: private
""",
        KEY="k",
    )
    assert made == ProviderEntry(
        name="mine",
        driver="ec2",
        arguments={"key": "k"},
        create={"ex_ebs_optimized": True},
        options={"wait": 5},
        image=ImageWish(None, "ubuntu", "24.10", "arm64"),
        size=SizeWish((), Resources(2, 4096, 20480), 0.1),
        locations=("a", "b"),
        network="net",
        subnet="sub",
        spot=True,
        tags={"team": "blue"},
        firewall=FirewallWish((), ("203.0.113.0/24", "2001:db8::/32"), published=True),
        user_data="#cloud-config\npackages: [${not-ours}]\n",
        ssh_user="ubuntu",
        interface="private",
    )


def test_names_are_short_forms(folder: Path) -> None:
    made = entry(folder, "mine: {driver: x, image: debian-12, size: [s, m], location: a}\n")
    assert (made.image, made.size) == (ImageWish("debian-12"), SizeWish(("s", "m")))
    assert made.locations == ("a",)
    made = entry(folder, "mine: {driver: x, size: s, image: {name: ami-1}}\n")
    assert (made.image, made.size) == (ImageWish("ami-1"), SizeWish(("s",)))


def test_an_entry_adds_to_the_one_that_it_extends(folder: Path) -> None:
    text = """
mine:
  extends: base
  arguments: {region: two}
  image: {architecture: arm64}
  size: {price: 0.05, cores: 4}
  location: c
  tags: {tier: db}
"""
    made = entry(folder, BASE + text, KEY="k", SECRET="s")
    assert made.arguments == {"key": "k", "secret": "s", "region": "two"}
    assert made.image == ImageWish(None, "debian", "12", "arm64")
    assert made.size == SizeWish((), Resources(4, 4096), 0.05)
    assert (made.locations, made.tags) == (("c",), {"team": "blue", "tier": "db"})
    assert (made.driver, made.ssh_user) == ("ec2", "admin")


def test_names_and_references_replace_what_is_extended(folder: Path) -> None:
    (folder / "secret").write_text("from a file\n")
    text = """
mine:
  extends: between
  arguments: {secret: {file: secret}, key: 'k${KEY}'}
  image: {name: ami-1}
  size: t3.medium
  location: null
between:
  extends: base
  arguments: {secret: {command: "false"}}
"""
    made = fetched(entry(folder, BASE + text, KEY="k"))
    assert made.arguments == {"key": "kk", "secret": "from a file", "region": "one"}
    assert made.image == ImageWish("ami-1")
    assert made.size == SizeWish(("t3.medium",))
    assert made.locations == ()


def test_an_entry_may_extend_the_one_that_it_stands_before(folder: Path) -> None:
    (folder / "config" / "clocker").mkdir(parents=True)
    (folder / "config" / "clocker" / "providers.yaml").write_text(
        "mine: {extends: local, options: {internal: true}}\n"
    )
    made = entry(folder, "mine: {extends: mine, options: {network: other}}\n")
    assert made.driver == "local"
    assert made.options == {"network": "other", "internal": True}


def test_what_the_cloud_does_not_use_needs_nothing(folder: Path) -> None:
    made = entry(folder, BASE + "mine: {driver: local}\n")
    assert made == ProviderEntry("mine", "local")


def test_more_providers_can_be_looked_at(folder: Path) -> None:
    text = "mine: {driver: local}\nother: {driver: x, arguments: {key: '${KEY}'}, ssh_user: me}\n"
    entry(folder, text)
    path = folder / "clocker.yaml"
    loaded = load_cloud(path, {"KEY": "k"}, also=("other", "mine"))
    assert [made.name for made in loaded.providers] == ["mine", "other"]
    assert loaded.spec.hosts.providers == ("mine",)
    assert loaded.spec.hosts.ssh_users == {"other": "me"}
    with pytest.raises(ConfigError, match="KEY is not set"):
        load_cloud(path, {}, also=("other",))
    with pytest.raises(NotFound, match="no provider is called 'othr'") as caught:
        load_cloud(path, {}, also=("othr",))
    assert "did you mean other?" in str(caught.value.remedy)


SECRETS = """\
mine:
  driver: ec2
  arguments:
    key: {file: key}
    secret: {command: [PYTHON, tell.py]}
    deep: {list: [{command: "PYTHON tell.py"}]}
"""
# Says how often it was run.
TELL = "from pathlib import Path\nPath('runs').open('a').write('x')\nprint(' tell-nobody ')\n"


def with_command(folder: Path, program: str) -> ProviderEntry:
    (folder / "key").write_text("key-text\n\n")
    (folder / "tell.py").write_text(program)
    return entry(folder, SECRETS.replace("PYTHON", sys.executable))


def runs(folder: Path) -> int:
    path = folder / "runs"
    return len(path.read_text()) if path.exists() else 0


def test_files_and_commands_are_read_when_the_provider_is_used(folder: Path) -> None:
    made = with_command(folder, TELL)
    assert runs(folder) == 0
    with ThreadPoolExecutor() as pool:
        got = list(pool.map(fetched, [made] * 4))
    assert {str(one.arguments) for one in got} == {
        "{'key': 'key-text', 'secret': 'tell-nobody', 'deep': {'list': ['tell-nobody']}}"
    }
    assert runs(folder) == 1
    assert "tell-nobody" not in repr(got)


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("print('tell-nobody'); raise SystemExit(7)", "exited with status 7"),
        ("print('tell-nobody'); print(1 / 0)", "exited with status 1"),
        ("print()", "printed no text of at most 64 KiB"),
        ("print('tell-nobody' * 9999)", "printed no text of at most 64 KiB"),
        (r"print('tell-nobody\0')", "printed no text of at most 64 KiB"),
    ],
)
def test_a_command_that_fails_is_named_and_its_output_is_not(
    folder: Path, program: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    made = with_command(folder, program + "\nopen('runs', 'a').write('x')")
    for _ in range(2):  # it is not run again
        with pytest.raises(ConfigError) as caught:
            fetched(made)
        assert f"mine.arguments.secret.command: the command {sys.executable} {sentence}" in str(
            caught.value
        )
        assert caught.value.where == f"{folder}/providers.yaml:5"
        assert "tell-nobody" not in str(caught.value)
    assert runs(folder) <= 1
    assert "tell-nobody" not in "".join(capfd.readouterr())


def test_a_command_that_does_not_end_or_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "COMMAND_TIMEOUT_S", 0.2)
    made = with_command(folder, "import time; time.sleep(60)")
    with pytest.raises(ConfigError, match=r"did not end in 0\.2 s"):
        fetched(made)
    made = entry(folder, "mine: {driver: x, arguments: {key: {command: no-such-program -x}}}\n")
    with pytest.raises(ConfigError, match="no-such-program cannot be run: No such file"):
        fetched(made)


def test_a_file_that_went_away_or_is_empty(folder: Path) -> None:
    made = with_command(folder, TELL)
    (folder / "key").write_text("\n")
    with pytest.raises(ConfigError, match="holds no text"):
        fetched(made)
    (folder / "key").unlink()
    with pytest.raises(ConfigError, match="cannot be read: No such file") as caught:
        fetched(made)
    assert caught.value.where == f"{folder}/providers.yaml:4"


def test_files_among_the_options_are_meant_from_the_documents_folder(folder: Path) -> None:
    made = entry(folder, "mine: {driver: static, options: {inventory: hosts, claims: /c}}\n")
    assert made.options == {"inventory": f"{folder}/hosts", "claims": "/c"}
    made = entry(folder, "mine: {driver: local, options: {network: hosts}}\n")
    assert made.options == {"network": "hosts"}


def test_a_file_of_nobodys_home_is_not_there(folder: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        entry(folder, "mine: {driver: x, arguments: {key: {file: ~no-such-user/key}}}\n")


def test_names_that_only_look_like_secrets_may_be_written(folder: Path) -> None:
    made = entry(folder, "mine: {driver: x, arguments: {proxy_url: 'http://me:${P}@p'}}\n", P="p")
    assert made.arguments == {"proxy_url": "http://me:p@p"}
    for driver in ("openstack", "azure_arm", "gce", "local"):
        made = entry(folder, f"mine: {{driver: {driver}, arguments: {{key: me}}}}\n")
        assert made.arguments == {"key": "me"}


def test_the_list_tells_names_and_never_values(folder: Path) -> None:
    (folder / "key").write_text("tell-nobody\n")
    (folder / "providers.yaml").write_text(
        """\
mine:
  extends: above
  arguments: {key: {file: key}, secret: {command: [pass, show, x]}, token: tell-nobody}
  user_data: tell-nobody
  location: [a, b]
above:
  driver: ec2
  arguments: {region: "${REGION:-one}", other: "${A}/${B}", gone: {file: gone}}
lost: {extends: nowhere}
worse: 5
"""
    )
    environ = {"A": "tell-nobody", "XDG_CONFIG_HOME": str(folder)}
    found = {item.name: item for item in list_providers(folder / "clocker.yaml", environ)}
    mine = found["mine"]
    assert {(r.argument, r.kind, r.name, r.is_set) for r in mine.references} == {
        ("key", "file", str(folder / "key"), True),
        ("secret", "command", "pass", None),
        ("region", "variable", "REGION", True),
        ("other", "variable", "A", True),
        ("other", "variable", "B", False),
        ("gone", "file", str(folder / "gone"), False),
    }
    assert (mine.driver, mine.region, mine.locations) == ("ec2", "${REGION:-one}", ("a", "b"))
    assert (mine.file, mine.extends) == (str(folder / "providers.yaml"), ("above",))
    assert len(mine.problems) == 1
    assert "mine.arguments.token: must be a reference" in mine.problems[0].what
    assert "no provider is called 'nowhere'" in found["lost"].problems[0].what
    assert "must be a mapping" in found["worse"].problems[0].what
    assert found["above"].problems == ()
    assert "file: key" in mine.text
    assert "tell-nobody" not in repr(found)
    with pytest.raises(NotFound):
        list_providers(folder / "clocker.yaml", environ, ["nobody"])


def test_a_secret_in_the_environment_is_shown_nowhere(folder: Path) -> None:
    text = BASE + "mine: {extends: base, spot: '${KEY}', interface: '${KEY}', tags: ['${KEY}']}\n"
    with pytest.raises(ConfigError) as caught:
        entry(folder, text, KEY="tell-nobody", SECRET="s")
    assert "3 problems" in str(caught.value)
    assert "tell-nobody" not in str(caught.value)


class Anything(dict[str, str]):
    """An environment in which every variable is set."""

    def __contains__(self, _key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        return "set"

    def get(self, _key: str, _default: object = None) -> str:  # type: ignore[override]
        return "set"


SHIPPED = catalogue(Path("/nonexistent/clocker.yaml"), {"XDG_CONFIG_HOME": os.devnull})


@pytest.mark.parametrize("name", SHIPPED.names())
def test_every_shipped_entry_is_valid(name: str) -> None:
    found = find(SHIPPED, name, Anything())
    assert (found.unset, found.problems) == ([], [])
    assert found.entry is not None
    assert found.entry.name == name


EXPECTED = {
    "azure", "cloudstack", "digitalocean", "ec2", "exoscale", "gce", "kamatera", "linode", "local",
    "localhost", "openstack", "ovh", "scaleway", "static", "upcloud", "vultr",
}  # fmt: skip


def test_the_catalogue_has_what_it_promises() -> None:
    assert set(SHIPPED.names()) == EXPECTED


LIBCLOUD = sorted(EXPECTED - {"local", "localhost", "static"})


@pytest.mark.parametrize("name", LIBCLOUD)
def test_the_arguments_are_those_that_the_driver_takes(name: str) -> None:
    from libcloud.compute.providers import get_driver

    entry = find(SHIPPED, name, Anything()).entry
    assert entry is not None
    driver = get_driver(entry.driver)
    check_arguments(entry, driver)
    for without in needed(driver):
        rest = {key: value for key, value in entry.arguments.items() if key != without}
        with pytest.raises(ConfigError, match=f"needs the argument '{without}'"):
            check_arguments(replace(entry, arguments=rest), driver)
    slip = {**entry.arguments, "regoin": "x"}
    with pytest.raises(ConfigError, match="takes no argument 'regoin'"):
        check_arguments(replace(entry, arguments=slip), driver)
    assert needed(driver) <= set(entry.arguments) <= parameters(driver)
    if entry.create:
        assert set(entry.create) <= set(inspect.signature(driver.create_node).parameters)
    assert entry.image.distribution or entry.image.name
    assert entry.size.least.ram_mb or entry.size.names


@pytest.mark.parametrize("name", LIBCLOUD)
def test_every_secret_of_the_catalogue_is_a_variable(name: str) -> None:
    (item,) = list_providers(Path("/nonexistent/clocker.yaml"), {}, [name])
    unset = [r for r in item.references if not r.is_set]
    assert unset
    assert all(r.kind == "variable" and r.remedy for r in item.references if not r.is_set)
    assert item.problems == ()


def blocks(page: str, section: str) -> list[dict[str, str]]:
    """The YAML of a section: per block the files that it shows, by their ``# NAME.yaml`` line."""
    text = (ROOT / page).read_text()
    text = re.split(r"\n## ", text[text.index(f"\n## {section}") + 4 :])[0]
    found = []
    for block in re.findall(r"```yaml\n(.*?)```", text, re.S):
        parts = re.split(r"^# (\S+\.yaml)\n", block, flags=re.MULTILINE)
        files = dict(zip(parts[1::2], parts[2::2], strict=True))
        found.append(files or {"providers.yaml": block})
    return found


@pytest.mark.parametrize(
    ("page", "section", "names"),
    [
        ("README.md", "On a real provider", [["ec2"], ["frankfurt", "droplets"]]),
        ("docs/config.md", "providers.yaml", [["frankfurt", "ec2", "london"]]),
    ],
)
def test_what_the_pages_show_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, section: str, names: list[list[str]]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "digitalocean-token").write_text("x")
    shown = blocks(page, section)
    assert len(shown) == len(names)
    for files, expected in zip(shown, names, strict=True):
        (tmp_path / "providers.yaml").write_text(files.get("providers.yaml", ""))
        own = {"clocker.yaml": f"name: demo\nhosts: {{provider: [{', '.join(expected)}]}}\n"}
        (tmp_path / "clocker.yaml").write_text({**own, **files}["clocker.yaml"])
        loaded = load_cloud(tmp_path / "clocker.yaml", Anything())
        assert [made.name for made in loaded.providers] == expected
        assert all(made.driver in {"ec2", "digitalocean"} for made in loaded.providers)


@pytest.mark.parametrize("name", LIBCLOUD)
def test_no_entry_asks_for_what_its_driver_cannot_do(name: str) -> None:
    from clocker.providers.arguments import Asking
    from clocker.providers.dialects import DIALECTS

    entry = find(SHIPPED, name, Anything()).entry
    assert entry is not None
    dialect = DIALECTS[entry.driver]
    Asking(None, dialect, entry).refuse_what_is_lost()
    assert dialect.user_data or dialect.key, "somebody must be let in"
    nowhere = SimpleNamespace(zone=None, default_location=None)
    assert entry.locations or not dialect.place_needed(nowhere)
