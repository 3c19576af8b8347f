from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from clocker.errors import BadInput, ConfigError
from clocker.remote.host_keys import KnownHosts
from clocker.remote.keys import CloudKeys

KEY_1, KEY_2 = (f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{letter * 42}=" for letter in "ab")
_MAKE = "import sys; from pathlib import Path; from clocker.remote.keys import CloudKeys; "
_MAKE += "print(CloudKeys(Path(sys.argv[1])).public)"


def test_the_pair_is_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    public = CloudKeys(tmp_path / "state").public
    assert CloudKeys(tmp_path / "state").public == public
    (path,) = (tmp_path / "state").iterdir()
    assert str(path) == CloudKeys(tmp_path / "state").private_path
    assert path.stat().st_mode & 0o777 == 0o600
    assert _by_ssh_keygen(path) == public


def test_processes_that_begin_at_once_have_one_pair(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", _MAKE, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    assert len({process.communicate()[0] for process in processes}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["id_ed25519"]


def test_derived_pairs_are_the_same_each_time_and_differ(tmp_path: Path) -> None:
    keys = CloudKeys(tmp_path)
    pair = keys.derive("host", "1")
    assert CloudKeys(tmp_path).derive("host", "1") == pair
    others = [keys.derive("host", "2"), keys.derive("container", "1")]
    others.append(CloudKeys(tmp_path / "other").derive("host", "1"))
    assert len({pair.public, *(other.public for other in others), keys.public}) == 5
    assert pair.private not in repr(pair)


def test_a_derived_pair_is_one_that_openssh_takes(tmp_path: Path) -> None:
    pair = CloudKeys(tmp_path).derive("container", "web")
    path = tmp_path / "derived"
    path.write_text(pair.private)
    path.chmod(0o600)
    assert _by_ssh_keygen(path) == pair.public
    assert serialization.load_ssh_private_key(pair.private.encode(), password=None)


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa", "pem"])
def test_a_user_s_own_key(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "own key"
    _ssh_keygen(path, *(("-t", "rsa", "-m", "PEM") if kind == "pem" else ("-t", kind)))
    keys = CloudKeys(tmp_path / "state", str(path))
    assert keys.public == _by_ssh_keygen(path)
    assert keys.private_path == str(path)
    assert keys.derive("host", "1") == CloudKeys(tmp_path, path).derive("host", "1")
    assert keys.derive("host", "1").public != keys.public
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("form", ["RFC4716", "PEM"])
def test_an_encrypted_key_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / "key"
    _ssh_keygen(path, "-t", "rsa", "-m", form, passphrase="secret")
    with pytest.raises(ConfigError, match="encrypted"):
        _ = CloudKeys(tmp_path, path).public


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(ConfigError, match="no such SSH key"):
        _ = CloudKeys(tmp_path, path).private_path
    path.write_text("ssh-ed25519 AAAA")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="no private key"):
        _ = CloudKeys(tmp_path, path).public
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read"):
        _ = CloudKeys(tmp_path, path).public


def test_known_hosts_are_pinned_replaced_and_forgotten(tmp_path: Path) -> None:
    hosts = KnownHosts(tmp_path / "state" / "known_hosts")
    hosts.pin("a", [f"{KEY_1} a comment", KEY_2])
    hosts.pin("ab", [KEY_1])
    hosts.pin("a", [KEY_2], port=2222)
    assert (hosts.keys("a"), hosts.keys("a", port=2222)) == ((KEY_1, KEY_2), (KEY_2,))
    assert hosts.path.stat().st_mode & 0o777 == 0o600
    hosts.pin("a", [KEY_2])
    assert hosts.keys("a") == (KEY_2,)
    hosts.forget("a")
    hosts.forget("a")
    assert (hosts.keys("a"), hosts.keys("ab")) == ((), (KEY_1,))
    assert hosts.path.read_text() == f"ab {KEY_1}\n[a]:2222 {KEY_2}\n"


def test_pinning_what_is_pinned_writes_nothing(tmp_path: Path) -> None:
    hosts = KnownHosts(tmp_path / "known_hosts")
    hosts.pin("a", [KEY_1])
    before = hosts.path.stat()
    hosts.pin("a", [KEY_1])
    assert hosts.path.stat() == before


@pytest.mark.parametrize("name", ["*", "a,b", "a b", "!a", "", "a\nb", "|1|x"])
def test_a_name_that_known_hosts_would_read_otherwise_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="not fit to name"):
        KnownHosts(tmp_path / "known_hosts").pin(name, [KEY_1])


@pytest.mark.parametrize("key", ["", "ssh-ed25519", "@cert-authority AAAA", "a\nb c"])
def test_what_is_no_public_key_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(BadInput, match="no SSH public key"):
        KnownHosts(tmp_path / "known_hosts").pin("a", [key])


def _ssh_keygen(path: Path, *arguments: str, passphrase: str = "") -> None:
    command = ["ssh-keygen", "-q", "-N", passphrase, "-C", "me", "-f", str(path), *arguments]
    subprocess.run(command, check=True)


def _by_ssh_keygen(path: Path) -> str:
    done = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(path)], capture_output=True, text=True, check=True
    )
    return " ".join(done.stdout.split()[:2])
