"""Good documents, the environment, the catalogue, and where things are."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from clocker.config import (
    find_cloud_file,
    load_cloud,
    runtime_folder,
    starter_document,
    state_folder,
)
from clocker.config.check import keys
from clocker.config.load import known_providers
from clocker.config.quantities import duration_s, size_mb
from clocker.errors import BadInput, ConfigError
from clocker.model import CloudSpec, HealingSpec, NodePool, Resources, RuleSpec

ROOT = Path(__file__).parents[2]
CATALOGUE = "local: {driver: local}\ncloudy: {driver: ec2, arguments: {secret: '${CLOUD_KEY}'}}\n"
FULL = """\
name: demo
hosts: {provider: local, count: 2, maximum: 4, cores: 1, ram: 1GiB, disk: 10GiB,
        concurrency: 8, timeout: 10m}
engine: {version: "20.10.24", options: {live-restore: true}, access: tls, port: 2400,
         sources: [192.0.2.0/24, "2001:db8::/32"]}
network: {driver: vxlan, pool: 10.9.0.0/16, subnet: 10.9.16.0/20,
          port: 4791, encryption: none, name_servers: 1, upstream: [9.9.9.9], quarantine: 0,
          reserved: [10.9.16.1-10.9.16.9, 10.9.17.0/28]}
rules: [fits, {max_containers: 20}, {fits: {overcommit: 2.0}}, breadth_first]
ssh: {key: id_test, authorized_keys: [id_test.pub, ssh-ed25519 AAAAinline me]}
store: postgresql://user:${PGPASSWORD}@${PGHOST:-db}/clocker
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "providers.yaml").write_text(CATALOGUE)
    (tmp_path / "id_test").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    (tmp_path / "id_test.pub").write_text("# mine\nssh-ed25519 AAAAfile me\n")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "clocker.yaml"
    path.write_text(text)
    return path


def test_every_key_arrives(folder: Path) -> None:
    loaded = load_cloud(write(folder, FULL), {"PGPASSWORD": "0123"})
    spec = loaded.spec
    assert spec.hosts == NodePool(("local",), 2, 4, Resources(1, 1024, 10240), 8, 600.0)
    assert (spec.engine.version, spec.engine.options) == ("20.10.24", {"live-restore": True})
    assert (spec.engine.access, spec.engine.port) == ("tls", 2400)
    assert spec.engine.sources == ("192.0.2.0/24", "2001:db8::/32")
    assert (spec.network.subnet, spec.network.port) == ("10.9.16.0/20", 4791)
    assert spec.network.encryption == "none"
    assert (spec.network.name_servers, spec.network.upstream) == (1, ("9.9.9.9",))
    assert spec.network.reserved == ("10.9.16.1-10.9.16.9", "10.9.17.0-10.9.17.15")
    assert spec.network.quarantine_s == 0
    assert spec.rules == (
        RuleSpec("fits"),
        RuleSpec("max_containers", {"limit": 20}),
        RuleSpec("fits", {"overcommit": 2.0}),
        RuleSpec("breadth_first"),
    )
    assert spec.ssh_public_keys == ("ssh-ed25519 AAAAfile me", "ssh-ed25519 AAAAinline me")
    assert loaded.ssh_key == str(folder / "id_test")
    assert loaded.store_url == "postgresql://user:0123@db/clocker"
    assert "0123" not in repr(loaded)


def test_what_is_left_out_has_the_defaults_of_the_model(folder: Path) -> None:
    loaded = load_cloud(write(folder, "name: demo\nhosts: {provider: local}\n"), {})
    assert loaded.spec == CloudSpec("demo", NodePool(("local",)))
    assert (loaded.store_url, loaded.ssh_key) == (None, None)


def test_the_maximum_is_the_count_unless_said(folder: Path) -> None:
    loaded = load_cloud(write(folder, "name: demo\nhosts: {provider: local, count: 3}\n"), {})
    assert loaded.spec.hosts.maximum == 3


def test_the_subnet_is_carved_from_the_pool_unless_said(folder: Path) -> None:
    text = "name: demo\nhosts: {provider: local}\nnetwork: {pool: 192.168.64.0/22}\n"
    assert load_cloud(write(folder, text), {}).spec.network.subnet == "192.168.64.0/22"


@pytest.mark.parametrize(
    ("driver", "encryption"), [("vxlan", "wireguard"), ("bridge", "none"), ("weave", "password")]
)
def test_encryption_is_what_the_driver_does_unless_said(
    folder: Path, driver: str, encryption: str
) -> None:
    text = f"name: demo\nhosts: {{provider: local}}\nnetwork: {{driver: {driver}}}\n"
    assert load_cloud(write(folder, text), {}).spec.network.encryption == encryption


def test_merge_keys_and_aliases_work(folder: Path) -> None:
    text = "name: demo\nhosts: {<<: {count: 2, provider: other}, provider: local}\n"
    hosts = load_cloud(write(folder, text), {}).spec.hosts
    assert (hosts.providers, hosts.count) == (("local",), 2)


def test_only_the_used_entry_needs_its_variables(folder: Path) -> None:
    load_cloud(write(folder, "name: demo\nhosts: {provider: local}\n"), {})
    path = write(folder, "name: demo\nhosts: {provider: cloudy}\n")
    with pytest.raises(ConfigError, match="CLOUD_KEY"):
        load_cloud(path, {})
    entry = load_cloud(path, {"CLOUD_KEY": "12"}).providers[0]
    assert (entry.driver, entry.arguments) == ("ec2", {"secret": "12"})
    assert "12" not in repr(entry)


def test_an_entry_beside_the_cloud_wins_over_the_users(folder: Path) -> None:
    own = folder / "config" / "clocker"
    own.mkdir(parents=True)
    (own / "providers.yaml").write_text("local: {driver: other}\nmine: {driver: static}\n")
    environ = {"XDG_CONFIG_HOME": str(folder / "config")}
    path = write(folder, "name: demo\nhosts: {provider: local}\n")
    assert load_cloud(path, environ).providers[0].driver == "local"
    assert {"local", "cloudy", "mine"} <= set(known_providers(path, environ))


def test_dollar_escape(folder: Path) -> None:
    text = "name: demo\nhosts: {provider: local}\nengine: {options: {x: '$${HOME} $5'}}\n"
    assert load_cloud(write(folder, text), {}).spec.engine.options == {"x": "${HOME} $5"}


@pytest.mark.parametrize("provider", ["local", "localhost", "cloudy"])
def test_the_starter_document_loads(folder: Path, provider: str) -> None:
    (folder / "providers.yaml").write_text(CATALOGUE + "localhost: {driver: localhost}\n")
    loaded = load_cloud(write(folder, starter_document("web-1", provider)), {"CLOUD_KEY": "k"})
    assert (loaded.spec.name, loaded.spec.hosts.providers[0]) == ("web-1", provider)


def test_the_example_loads_and_names_every_key(folder: Path) -> None:
    text = (ROOT / "examples" / "clocker.yaml").read_text()
    loaded = load_cloud(write(folder, text), {"PGPASSWORD": "x", "REGISTRY_PASSWORD": "y"})
    assert loaded.spec.hosts.providers == ("local",)


def test_the_reference_explains_every_key() -> None:
    from clocker.config.documents import (
        CloudDocument,
        EngineDocument,
        HostsDocument,
        NetworkDocument,
        SshDocument,
    )
    from clocker.config.headroom import CooldownDocument, HeadroomDocument
    from clocker.config.healing import HealingDocument
    from clocker.config.provider_document import (
        FirewallDocument,
        ImageDocument,
        ProviderDocument,
        SizeDocument,
    )
    from clocker.config.registries import RegistryDocument

    text = (ROOT / "docs" / "config.md").read_text()
    sections = {
        "": CloudDocument,
        "hosts.": HostsDocument,
        "engine.": EngineDocument,
        "network.": NetworkDocument,
        "headroom.": HeadroomDocument,
        "headroom.cooldown.": CooldownDocument,
        "healing.": HealingDocument,
        "ssh.": SshDocument,
        "registries.": RegistryDocument,
    }
    provider_sections = {
        "": ProviderDocument,
        "image.": ImageDocument,
        "size.": SizeDocument,
        "firewall.": FirewallDocument,
    }
    both = [*sections.items(), *provider_sections.items()]
    written = {f"{prefix}{key}" for prefix, made in both for key in keys(made)}
    assert sorted(key for key in written if f"`{key}`" not in text) == []


@pytest.mark.parametrize(
    ("text", "mb"),
    [(512, 512), ("512MiB", 512), ("1GiB", 1024), ("1.5G", 1536), ("2 tib", 2097152)],
)
def test_sizes(text: object, mb: int) -> None:
    assert size_mb(text) == mb


@pytest.mark.parametrize("text", ["", "x", "-1", "1KiB", "1.5", True, None, [1]])
def test_sizes_refused(text: object) -> None:
    with pytest.raises(ValueError, match="must"):
        size_mb(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [(90, 90), ("90s", 90), ("10m", 600), ("1h", 3600), ("500ms", 0.5)]
)
def test_durations(text: object, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "1d", True, None])
def test_durations_refused(text: object) -> None:
    with pytest.raises(ValueError, match="must"):
        duration_s(text)


def test_the_cloud_file_is_found_upward(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    path = write(tmp_path, "")
    assert find_cloud_file(None, {}, deep) == path
    assert find_cloud_file(None, {"CLOCKER_FILE": "x.yaml"}, deep) == Path("x.yaml")
    assert find_cloud_file("y.yaml", {"CLOCKER_FILE": "x.yaml"}, deep) == Path("y.yaml")
    path.unlink()
    with pytest.raises(ConfigError) as caught:
        find_cloud_file(None, {}, deep)
    assert "clocker init" in str(caught.value)


def test_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    (tmp_path / "clocker").mkdir(mode=0o755)
    for folder in (
        state_folder("demo", {"XDG_STATE_HOME": str(tmp_path)}),
        state_folder("demo", {"HOME": str(tmp_path), "XDG_STATE_HOME": "relative"}),
        runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)}),
    ):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert tmp_path in folder.parents


def test_a_link_in_the_place_of_our_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "clocker").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="not a link"):
        runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)})


def test_healing_as_the_model(tmp_path: Path) -> None:
    path = tmp_path / "clocker.yaml"
    healing = "{looks: 2, silence: 0, breaker: 60, strays: remove, attempts: 0, window: 10m}"
    path.write_text(f"name: demo\nhosts: {{provider: local}}\nhealing: {healing}\n")
    spec = load_cloud(path, {"HOME": str(tmp_path)}).spec.healing
    assert spec == HealingSpec(
        looks=2, silence_s=0.0, breaker_share=0.6, strays="remove", attempts=0, window_s=600.0
    )
