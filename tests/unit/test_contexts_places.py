"""Contexts by where they are: a folder, a Dockerfile, a URL, a repository, a library."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from archives import FINE, tar_of
from test_contexts_archives import contents, listed

from clocker.contexts import FileContexts, check_build
from clocker.contexts.dockerfile import images_of
from clocker.contexts.limits import Limits
from clocker.contexts.template import substituted
from clocker.errors import BadInput, CommandFailed, InfrastructureError, TimedOut, Unreachable
from clocker.model import Build

SUM = "sha256:" + "a" * 64


def fill(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        path.chmod(0o644)
    return folder


def test_a_folder_with_what_is_left_out(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {
            **FINE,
            ".dockerignore": "*\n!a\n!d/keep\nsocket\n",
            "secret": "x",
            "d/keep": "y",
            "d/other": "z",
            "empty/none": "",
        },
    )
    (tmp_path / "locked").mkdir(mode=0o000)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        assert set(contents(tmp_path)) == {"Dockerfile", ".dockerignore", "a", "d", "d/keep"}


def test_an_ignored_folder_is_not_even_looked_into(tmp_path: Path) -> None:
    fill(tmp_path, {**FINE, ".dockerignore": "big\n", "big/x": ""})
    os.mkfifo(tmp_path / "big" / "pipe")
    assert set(contents(tmp_path)) == {*FINE, ".dockerignore"}
    with pytest.raises(BadInput, match="'big/pipe' is no file, folder or link"):
        contents(fill(tmp_path, {".dockerignore": ""}))


def test_what_is_said_for_one_dockerfile_goes_first(tmp_path: Path) -> None:
    fill(tmp_path, {**FINE, "p/Prod": "FROM a", ".dockerignore": "a", "p/Prod.dockerignore": "b"})
    found = contents(tmp_path, build=Build(str(tmp_path), "p/Prod"))
    assert "a" in found and found["p/Prod"] == b"FROM a"


def test_links_of_a_folder_are_kept_and_never_followed(tmp_path: Path) -> None:
    fill(tmp_path, FINE)
    (tmp_path / "out").symlink_to("/etc/passwd")
    (tmp_path / "up").symlink_to("..")
    found = contents(tmp_path)
    assert (found["out"], found["up"]) == (b"/etc/passwd", b"..")


def test_a_dockerfile_alone(tmp_path: Path) -> None:
    path = fill(tmp_path, {"Any.name": "FROM scratch\n"}) / "Any.name"
    assert contents(path) == {"Dockerfile": b"FROM scratch\n"}


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (Build("nowhere"), "no such file or folder"),
        (Build("/dev/null"), "is no folder or file"),
        (Build("."), "there is no Dockerfile in it"),
        (Build("folder", "sub/File"), "there is no sub/File in it"),
        (Build("folder", "d"), "there is no d in it"),
        (Build("folder", "../Dockerfile"), "does not lie within"),
        (Build("folder", "/etc/passwd"), "does not lie within"),
        (Build("folder", "out"), "a link that leads out"),
        (Build("binary"), "is no text"),
        (Build("huge"), "larger than 1 MiB"),
    ],
)
def test_what_cannot_be_built_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: Build, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path, {"folder/Dockerfile": "", "folder/d/x": "", "binary": b"\xff\0"})
    fill(tmp_path, {"huge": b"#" * (2**20 + 1)})
    (tmp_path / "folder" / "out").symlink_to("/etc/passwd")
    with pytest.raises(BadInput, match=said), FileContexts().open(build):
        raise AssertionError("it was taken")


def test_a_file_that_shrinks_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, {**FINE, "log": "x" * 100})
    from clocker.contexts import contexts

    def late(tree: Any, file: Any) -> str:
        (tmp_path / "log").write_text("short")
        return pack(tree, file)

    pack = contexts.pack
    monkeypatch.setattr(contexts, "pack", late)
    with pytest.raises(BadInput, match="has become shorter"):
        contents(tmp_path)


@pytest.mark.parametrize(
    ("place", "checksum", "said"),
    [
        ("", None, "a context is the path"),
        ("a\nb", None, "a context is the path"),
        ("https://host/a.tar", None, "known by its checksum"),
        ("https://host/a.tar", "md5:1", "not sha256:"),
        ("https://user:hush@host/a.tar", SUM, "must not hold a name or password"),
        ("https://hush@host/a.tar", SUM, "must not hold a name or password"),
        ("ftp://host/a.tar", SUM, "cannot be had by ftp"),
        ("file:///etc/passwd", SUM, "cannot be had by file"),
        ("https:///a.tar", SUM, "no URL of a host"),
        ("https://host:99999/a", SUM, "no URL of a host"),
        ("git+ext::sh -c id", None, "cannot be had by ext"),
        ("git+ext://sh", None, "cannot be had by ext"),
        ("git+https://hush@host/r", None, "must not hold a name or password"),
        ("git+ssh://git:hush@host/r", None, "must not hold a name or password"),
        ("git+ssh://-oProxyCommand=id/r", None, "no URL of a host"),
        ("git+ssh://-x@host/r", None, "must not hold a name or password"),
        ("git+file://host/r", None, "git\\+file:///PATH"),
        ("git+https://host/r#--upload-pack=id", None, "no commit, tag or branch"),
        ("git+https://host/r#a:../b", None, "does not lie within the repository"),
        ("git+https://host/r#a..b", None, "no commit, tag or branch"),
        ("git+https://host/r#+a", None, "no commit, tag or branch"),
    ],
)
def test_what_names_nothing(place: str, checksum: str | None, said: str) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        check_build(Build(place, checksum=checksum))
    assert "hush" not in str(refused.value)


class Site(ThreadingHTTPServer):
    answers: Mapping[str, Any]


@dataclass(slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0.0


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            answer = server.answers[self.path]
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for at in range(0, len(answer.body), 1024):
                time.sleep(answer.pause_s)
                self.wfile.write(answer.body[at : at + 1024])

        def log_message(self, *_: object) -> None:
            pass

    server = Site(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def at(site: Site, path: str, data: bytes) -> Build:
    url = f"http://127.0.0.1:{site.server_address[1]}{path}"
    return Build(url, checksum=f"sha256:{hashlib.sha256(data).hexdigest()}")


def test_an_archive_by_its_url(site: Site) -> None:
    data = tar_of(FINE)
    site.answers = {
        "/moved?token=hush": Answer(302, headers={"Location": "/a.tar"}),
        "/a.tar": Answer(body=data),
    }
    assert contents(Path(), build=at(site, "/moved?token=hush", data)) == FINE


def test_what_a_server_may_do_instead(site: Site) -> None:
    data = tar_of(FINE)
    site.answers = {
        "/other": Answer(body=data + b"x"),
        "/gone?token=hush": Answer(404),
        "/loop": Answer(302, headers={"Location": "/loop"}),
        "/file": Answer(302, headers={"Location": "file:///etc/passwd"}),
        "/short": Answer(body=data, headers={"Content-Length": str(len(data) + 5)}),
        "/slow": Answer(body=data, pause_s=0.2),
        "/silent": Answer(body=data, pause_s=30),
        "/large": Answer(body=b"x" * 3000),
    }
    limits = Limits(download_s=1, silence_s=3, archive_bytes=len(data))
    for path, error, said in (
        ("/other", BadInput, "larger than|another checksum"),
        ("/gone?token=hush", InfrastructureError, "answers 404"),
        ("/loop", InfrastructureError, "answers 302|redirect"),
        ("/file", (InfrastructureError, Unreachable), "302|redirect"),
        ("/short", Unreachable, "lost in the middle"),
        ("/slow", TimedOut, "more than 1 s"),
        ("/large", BadInput, "another checksum"),
    ):
        with pytest.raises(error, match=said) as refused:  # type: ignore[arg-type]
            contents(Path(), limits, at(site, path, data))
        assert "hush" not in str(refused.value)
    with pytest.raises(TimedOut, match="nothing came for 0.5 s"):
        contents(Path(), replace(limits, silence_s=0.5), at(site, "/silent", data))


def test_nobody_serves(site: Site) -> None:
    build = at(site, "/a.tar", b"")
    site.shutdown()
    site.server_close()
    with pytest.raises(Unreachable, match="the download failed"):
        contents(Path(), build=build)


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.version=2"]
    return subprocess.run(
        ["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits; hooks, filters and attributes that would do harm or hide files."""
    folder = fill(
        tmp_path / "repository",
        {"Dockerfile": "FROM one\n", "sub/Dockerfile": "FROM sub\n", "sub/x": "1\r\n"},
    )
    fill(folder, {".gitattributes": "x export-ignore\n* filter=evil\n"})
    (folder / "run").write_text("#!")
    (folder / "run").chmod(0o755)
    (folder / "sub" / "link").symlink_to("x")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    git(folder, "tag", "v1")
    fill(folder, {"Dockerfile": "FROM two\n"})
    git(folder, "commit", "-qam", "two")
    fill(folder, {"Dockerfile": "FROM uncommitted\n"})
    return folder


def test_a_git_checkout(repository: Path) -> None:
    first = git(repository, "rev-parse", "v1")
    for reference, said in [
        ("", b"FROM two\n"),
        ("#main", b"FROM two\n"),
        ("#v1", b"FROM one\n"),
        (f"#{first}", b"FROM one\n"),
        (f"#{first[:10]}", b"FROM one\n"),
    ]:
        found = contents(Path(), build=Build(f"git+file://{repository}{reference}"))
        assert found["Dockerfile"] == said and found["sub/x"] == b"1\r\n"
        assert found["sub/link"] == b"x" and not [name for name in found if ".git/" in name]


def test_a_folder_of_a_git_checkout(repository: Path) -> None:
    found = contents(Path(), build=Build(f"git+file://{repository}#v1:sub/"))
    assert found == {"Dockerfile": b"FROM sub\n", "x": b"1\r\n", "link": b"x"}
    with FileContexts().open(Build(f"git+file://{repository}#:sub")) as context:
        assert set(listed(context.tar.read())) == set(found)


def test_what_a_repository_does_not_have(repository: Path) -> None:
    for place, error, said in (
        (f"{repository}#nowhere", CommandFailed, "nowhere"),
        (f"{repository}#{'0123456789' * 4}", BadInput, "there is no commit 0123456789"),
        (f"{repository}#v1:nowhere", BadInput, "there is no folder 'nowhere'"),
        (f"{repository}/nowhere", CommandFailed, "does not appear to be a git repository"),
    ):
        with pytest.raises(error, match=said):  # type: ignore[arg-type]
            contents(Path(), build=Build(f"git+file://{place}"))


def test_links_out_of_a_repository(repository: Path) -> None:
    (repository / "sub" / "out").symlink_to("../Dockerfile")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "three")
    assert contents(Path(), build=Build(f"git+file://{repository}"))["sub/out"]
    with pytest.raises(BadInput, match="'out' is a link that leads out"):
        contents(Path(), build=Build(f"git+file://{repository}#main:sub"))


def test_git_is_given_so_much_time(tmp_path: Path) -> None:
    """By a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(TimedOut, match="git took too long"):
            contents(Path(), Limits(git_s=1), Build(f"git+http://127.0.0.1:{port}/r"))
        assert time.monotonic() - began < 30


def test_a_library_becomes_tags(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {
            "README.md": "",
            "3.12/Dockerfile": "FROM a\n",
            "3.12/slim/Dockerfile": "FROM b\nCOPY x /\n",
            "3.12/slim/x": "x",
            "3.12/.dockerignore": "slim",
            ".hidden/Dockerfile": "FROM c\n",
            ".dockerignore": "*",
        },
    )
    with FileContexts().variants(Build(str(tmp_path))) as found:
        files = {tag: set(listed(context.tar.read())) for tag, context in found.items()}
        images = {tag: context.images for tag, context in found.items()}
    assert files == {
        "3.12": {"Dockerfile", ".dockerignore"},
        "3.12-slim": {"Dockerfile", "x"},
    }
    assert images == {"3.12": ("a",), "3.12-slim": ("b",)}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": ""}, "no folder in it has a Dockerfile"),
        ({"a b/Dockerfile": ""}, "cannot be a tag"),
        ({"a/b/Dockerfile": "", "a-b/Dockerfile": ""}, "would both be a-b"),
    ],
)
def test_what_is_no_library(tmp_path: Path, files: dict[str, str], said: str) -> None:
    fill(tmp_path, files)
    with pytest.raises(BadInput, match=said), FileContexts().variants(Build(str(tmp_path))):
        raise AssertionError("it was taken")


@pytest.mark.parametrize(
    ("text", "args", "images"),
    [
        ("FROM a", {}, ("a",)),
        ("# escape=`\nFROM `\n  a:1 AS x\nFROM x\n", {}, ("a:1",)),
        ("from --platform=linux/amd64 a as b\nFROM B\nCOPY --from=b x y", {}, ("a",)),
        ("ARG V=1\nFROM a:$V\nARG V=2\nFROM b:${V}", {}, ("a:1", "b:1")),
        ("ARG V=1\nFROM a:$V", {"V": "9"}, ("a:9",)),
        ("ARG V\nFROM a:$V", {}, ()),
        ("ARG V\nFROM a:${V:-3}", {}, ("a:3",)),
        ('ARG R="x" V=1\nARG I=$R/y\nFROM ${I}:$V', {}, ("x/y:1",)),
        ("FROM scratch\nCOPY --from=0 a b\nCOPY --from=img:1 --chown=1 a b", {}, ("img:1",)),
        ("FROM a\nFROM \\\n# comment\n\n b\nFROM a", {}, ("a", "b")),
        ("RUN nothing", {}, ()),
    ],
)
def test_which_images_a_dockerfile_wants(
    text: str, args: dict[str, str], images: tuple[str, ...]
) -> None:
    assert images_of(text, args) == images


def test_values_are_put_in_on_request_only(tmp_path: Path) -> None:
    text = "FROM debian:{{ suite | default('x') }}\n{% if slim == 'yes' %}RUN rm{% endif %}\n"
    path = str(fill(tmp_path, {"Dockerfile": text}))
    assert contents(Path(path))["Dockerfile"] == text.encode()
    filled = Build(path, substitutions={"suite": "bookworm", "slim": "yes"})
    assert contents(Path(), build=filled)["Dockerfile"] == b"FROM debian:bookworm\nRUN rm\n"
    with FileContexts().open(filled) as context:
        assert context.images == ("debian:bookworm",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM {{ missing }}", "'missing' is undefined"),
        ("FROM {{ a", "the values cannot be put in"),
        ("{% for x in a %}{% endfor %}", "For is not understood"),
        ("{{ a * 10 }}", "Mul is not understood"),
        ("{{ a.__class__ }}", "Getattr is not understood"),
        ("{{ a['x'] }}", "Getitem is not understood"),
        ("{{ a() }}", "Call is not understood"),
        ("{{ a | replace('x', 'y') }}", "the filter replace is not understood"),
        ("{{ a | center(1000000000) }}", "the filter center is not understood"),
        ("{% set a = a ~ a %}", "Assign is not understood"),
        ("{% include '/etc/passwd' %}", "Include is not understood"),
        ("{{ '%1000000000d' % 1 }}", "Mod is not understood"),
        ("{{ " + "(" * 5000 + "a" + ")" * 5000 + " }}", "nested too deeply"),
    ],
)
def test_templates_do_nothing_else(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        substituted(text, {"a": "x"}, "Dockerfile")
