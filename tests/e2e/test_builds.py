"""Images built on two real hosts from every kind of context, by the command line; and what happens
to those that cannot be built."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from archives import PACKERS, bomb, member, tar, tar_of, zip_of
from local_mirror import mirrored
from local_packages import served
from real_cloud import RealCloud, until

pytestmark = pytest.mark.hosts

RUN = ("sh", "-c", "cat /word; exec sleep 1000000")


@pytest.fixture
def scratch(pair: RealCloud) -> Iterator[Path]:
    """Where clocker puts what is temporary: nothing of it stays."""
    folder = pair.folder / "scratch"
    folder.mkdir()
    pair.env["TMPDIR"] = str(folder)
    yield folder
    del pair.env["TMPDIR"]
    assert list(folder.iterdir()) == []
    folder.rmdir()


def on_hosts(cloud: RealCloud, command: str) -> dict[str, str]:
    with cloud.opened() as opened:
        shells = {
            view.host.name: opened._parts.connections.shell(view.host) for view in opened.hosts()
        }
        return {name: shell.run(command).text for name, shell in shells.items()}


def held(cloud: RealCloud) -> dict[str, str]:
    return on_hosts(cloud, "docker ps -aq --no-trunc | sort; docker images -aq --no-trunc | sort")


def said_by(cloud: RealCloud, names: Iterable[str]) -> dict[str, str]:
    with cloud.opened() as opened:
        return {name: opened.machine(name).run(["cat", "/word"]).text.strip() for name in names}


def files(base: str, word: str) -> dict[str, bytes]:
    dockerfile = f"FROM {base}\nCOPY word /word\nCMD {json.dumps(RUN)}\n"
    return {"Dockerfile": dockerfile.encode(), "word": word.encode()}


def filled(folder: Path, contents: Mapping[str, bytes]) -> Path:
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    (tmp_path / "site").mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_every_kind_of_context_is_built_and_runs(
    pair: RealCloud, small_image: str, tmp_path: Path, site: str, scratch: Path
) -> None:
    contexts: dict[str, tuple[str, ...]] = {}
    folder = filled(tmp_path / "folder", files(small_image, "folder"))
    filled(folder, {".dockerignore": b"*\n!word\n", "secret": b"x"})
    contexts["folder"] = (str(folder),)
    alone = f"FROM {small_image}\nRUN echo alone > /word\nCMD {json.dumps(RUN)}\n"
    contexts["alone"] = (str(filled(tmp_path, {"Any": alone.encode()}) / "Any"),)
    tgz = PACKERS["gz"](tar_of(files(small_image, "tar")))
    contexts["tar"] = (str(filled(tmp_path, {"a.tgz": tgz}) / "a.tgz"),)
    wrapped = {f"app-1/{name}": data for name, data in files(small_image, "zip").items()}
    contexts["zip"] = (str(filled(tmp_path, {"a.zip": zip_of(wrapped)}) / "a.zip"),)
    served = PACKERS["xz"](tar_of(files(small_image, "url")))
    filled(tmp_path / "site", {"a.txz": served})
    checksum = f"sha256:{hashlib.sha256(served).hexdigest()}"
    contexts["url"] = (f"{site}/a.txz", "--checksum", checksum)
    repository = filled(tmp_path / "repository" / "sub", files(small_image, "git")).parent
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "one")
    commit = git(repository, "rev-parse", "HEAD")
    filled(repository / "sub", {"word": b"later"})
    git(repository, "commit", "-qam", "two")
    contexts["git"] = (f"git+file://{repository}#{commit}:sub",)
    begun = [
        pair.begin("run", "--name", kind, "--build", context, *options)
        for kind, (context, *options) in contexts.items()
    ]
    for process in begun:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    words = said_by(pair, contexts)
    assert words == {kind: kind for kind in contexts}
    built = [image for image in pair.json("image", "ls")["images"] if image["kind"] == "built"]
    assert len(built) == len(contexts) and all(len(image["used_by"]) == 1 for image in built)
    shutil.rmtree(folder)
    here = pair.containers()["folder"]["host"]
    (there,) = {host["name"] for host in pair.json("hosts")["hosts"]} - {here}
    pair.clocker("move", "folder", there)
    assert said_by(pair, ["folder"]) == {"folder": "folder"}
    pair.clocker("rm", "--all", "--yes")


def test_by_name_and_like_the_library(
    pair: RealCloud, small_image: str, tmp_path: Path, scratch: Path
) -> None:
    first, second = sorted(host["name"] for host in pair.json("hosts")["hosts"])
    library = tmp_path / "library"
    filled(library / "3" / "slim", {"Dockerfile": b"FROM lang:3\nRUN echo slim > /word\n"})
    filled(library / "3", files(small_image, "three"))
    ran = pair.clocker("build", "--library", "-t", "lang", "--host", first, str(library))
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["lang:3", "lang:3-slim"]
    assert "RUN echo slim" in ran.stderr, "told as it goes"
    for name, word in (("lang:3", "three"), ("lang:3-slim", "slim")):
        pair.clocker("run", "--name", word, "--rule", f"hostname={second}", name, *RUN)
    assert said_by(pair, ["three", "slim"]) == {"three": "three", "slim": "slim"}
    template = (
        f"FROM {{{{ base }}}} AS first\nARG WORD\nRUN echo $WORD > /word\nFROM {small_image}\n"
    )
    filled(tmp_path, {"T": template.encode()})
    said = ["--set", f"base={small_image}", "--build-arg", "WORD=hello", "--target", "first"]
    report = pair.json("build", "-t", "lang:3", "--host", second, *said, str(tmp_path / "T"))
    assert report["images"][0]["updated"] == [first], "no host has an older one of that name"
    pair.clocker("run", "--name", "one", "--rule", f"hostname={first}", "lang:3", *RUN)
    assert said_by(pair, ["one"]) == {"one": "hello"}
    pair.clocker("rm", "--all", "--yes")


def test_what_cannot_be_built_says_why_and_leaves_nothing(
    pair: RealCloud, small_image: str, tmp_path: Path, scratch: Path
) -> None:
    for host in pair.json("hosts")["hosts"]:  # what is to be built on is there already
        pair.clocker("build", "--host", host["name"], _plain(small_image, tmp_path))
    fine = [member(name, data) for name, data in files(small_image, "x").items()]
    corrupt = bytearray(PACKERS["gz"](tar(*fine)))
    corrupt[len(corrupt) // 2] ^= 0xFF
    link = member("out", type=b"2", linkname="../../etc/passwd")
    steps = {
        "failing": b"RUN echo one > /one\nRUN echo the reason; echo in words >&2; exit 3\n",
        "missing": b"COPY nowhere /\n",
        "slow": b"RUN echo one > /two\nRUN sleep 1000\n",
    }
    contexts: dict[str, bytes] = {
        "corrupt.tgz": bytes(corrupt),
        "above.tar": tar(*fine, member("../evil", b"x")),
        "link.tar": tar(*fine, link),
        "bomb.zip": bomb("zip", 256 * 2**20),
        **{name: f"FROM {small_image}\n".encode() + step for name, step in steps.items()},
    }
    filled(tmp_path, contexts)
    said = {
        "corrupt.tgz": (2, "the archive is corrupt"),
        "above.tar": (2, "'../evil' leads out of the archive"),
        "link.tar": (2, "'out' is a link that leads out"),
        "bomb.zip": (2, "like a bomb"),
        "nowhere": (2, "there is no such file or folder"),
        "failing": (4, "the reason"),
        "missing": (4, "nowhere"),
        "slow": (4, "took more than 3 s"),
    }
    before = held(pair)
    for name, (status, words) in said.items():
        timeout = "3s" if name == "slow" else "60s"
        command = ("run", "--build-timeout", timeout, "--name", "bad", "--build")
        ran = pair.clocker(*command, str(tmp_path / name), status=status)
        assert words in ran.stderr, (name, ran.stderr)
    assert held(pair) == before
    assert pair.containers() == {}
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_ends_with_the_command(
    pair: RealCloud, small_image: str, tmp_path: Path, number: int
) -> None:
    dockerfile = f"FROM {small_image}\nRUN echo begun; sleep {1000 + number}\n"
    filled(tmp_path, {"Dockerfile": dockerfile.encode()})
    before = held(pair)
    process = pair.begin("build", "--host", _first(pair), str(tmp_path))
    assert process.stderr
    _read_until(process.stderr.readline, "begun")
    process.send_signal(number)
    process.communicate(timeout=60)
    until(lambda: held(pair) == before)


def test_a_base_that_is_made_here_runs_there_with_ssh(
    pair: RealCloud, base_image: str, scratch: Path
) -> None:
    """Its sshd is installed where there is no way to any mirror."""
    first, second = sorted(host["name"] for host in pair.json("hosts")["hosts"])
    name = "clocker-test/base:1"
    with served(mirrored(base_image), "127.0.0.1") as url:
        made = pair.json("image", "base", "--mirror", url, "--tag", name, "--host", first, "--ssh")
    assert [(i["name"], i["host"]) for i in made["images"]] == [
        (name, first),
        (f"{name}-ssh", first),
    ]
    for host in (first, second):  # the other copies it, and what has the sshd as well
        where = ("--rule", f"hostname={host}")
        ran = pair.clocker("-v", "run", "--ssh", "--name", f"on-{host}", *where, name)
        assert "Setting up openssh-server" not in ran.stderr
        said = pair.clocker("ssh", f"on-{host}", "--", "cat", "/etc/os-release", "/proc/1/comm")
        assert "VERSION_CODENAME=" in said.stdout and pair.containers()[f"on-{host}"]["ssh"]
    pair.clocker("run", "--name", "cached", "--install", "openssh-server", name, "sleep", "600")
    pair.exec("cached", "test", "-x", "/usr/sbin/sshd")
    pair.clocker("rm", "--all", "--yes")


def _read_until(readline: Callable[[], str], word: str) -> None:
    while (line := readline()).strip() != word:
        assert line, "it ended before"


def _first(cloud: RealCloud) -> str:
    return str(min(host["name"] for host in cloud.json("hosts")["hosts"]))


def _plain(base: str, folder: Path) -> str:
    return str(filled(folder, {"Plain": f"FROM {base}\n".encode()}) / "Plain")
