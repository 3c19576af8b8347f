"""``build`` and ``install`` of documents: what they mean, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clocker.config.check import checked
from clocker.config.document import parse_document
from clocker.config.fields import Strict
from clocker.config.image_documents import MOST_BYTES, BuildDocument, InstallDocument
from clocker.config.problems import Unfit
from clocker.model import Build, Install, InstallFile

SUM = "sha256:" + "a" * 64


class Both(Strict):
    build: BuildDocument | None = None
    install: InstallDocument | None = None


def read(text: str) -> tuple[Both | None, str]:
    found, problems = checked(parse_document(text, "app.yaml"), Both, {"TOKEN": "abc"})
    return found, "\n".join(f"{p.where}: {p.what} ({p.remedy})" for p in problems)


def build(text: str, folder: Path = Path("/doc")) -> Build:
    found, problems = read(f"build: {text}\n")
    assert found and found.build, problems
    return found.build.model(folder)


def install(text: str, folder: Path) -> Install:
    found, problems = read(f"install: {text}\n")
    assert found and found.install, problems
    return found.install.model(folder)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("web", Build("/doc/web")),
        (".", Build("/doc")),
        ("../web.tar.gz", Build("/web.tar.gz")),
        ("/srv/web", Build("/srv/web")),
        ("{dockerfile: web/Dockerfile}", Build("/doc/web/Dockerfile")),
        ("{context: web, dockerfile: docker/Prod}", Build("/doc/web", "docker/Prod")),
        ("git+https://host/r.git#v1:sub", Build("git+https://host/r.git#v1:sub")),
        ("{context: git+file:///r, target: t}", Build("git+file:///r", target="t")),
        (
            f"{{context: 'https://host/a.tgz', checksum: '{SUM}', timeout: 5m}}",
            Build("https://host/a.tgz", checksum=SUM, timeout_s=300.0),
        ),
        ("{context: a, args: {N: 1, B: true}}", Build("/doc/a", args={"N": "1", "B": "true"})),
        ("{context: a, args: [N=1, 'M=a=b']}", Build("/doc/a", args={"N": "1", "M": "a=b"})),
        ("{context: a, args: {T: '${TOKEN}'}}", Build("/doc/a", args={"T": "abc"})),
        (
            "{context: a, substitutions: {version: 1.5}}",
            Build("/doc/a", substitutions={"version": "1.5"}),
        ),
    ],
)
def test_what_a_build_means(text: str, meaning: Build) -> None:
    assert build(text) == meaning


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("build: {}", "build: must have a context"),
        ("build: {context: a, dockerfil: b}", "did you mean dockerfile?"),
        ("build: https://host/a.tar", "must have the checksum"),
        ("build: {context: a, checksum: md5}", "must be sha256:"),
        ("build: {context: a, dockerfile: /etc/passwd}", "must lie within the context"),
        ("build: {context: a, args: [K]}", "write K: ${K}"),
        ("build: {context: a, args: {a-b: c}}", "names like those of variables"),
        ("build: {context: a, timeout: soon}", "must be a duration"),
        ("build: 5", "must be a mapping"),
        ("install: {}", "must have packages, files, commands or a script"),
        ("install: {packages: [-y]}", "must be names of packages"),
        ("install: {packages: ['a; b']}", "must be names of packages"),
        ("install: {files: [{target: etc/x, content: a}]}", "must be the absolute path of a file"),
        ("install: {files: [{target: /a/../b, content: a}]}", "must be the absolute path"),
        ("install: {files: [{target: /x}]}", "either a source or a content"),
        ("install: {files: [{target: /x, content: a, source: b}]}", "either a source or"),
        ("install: {files: [{target: /x, content: a, mode: '999'}]}", "must match"),
        ("install: {files: [{target: /x, content: a, mode: 0644}]}", "put it in quotes"),
        ("install: {commands: [a], ttl: 0}", "must be a duration above zero"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    found, problems = read(text)
    assert found is None
    assert said in problems and "app.yaml:1" in problems


def test_what_an_install_means(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_bytes(b"\0conf")
    (tmp_path / "setup").write_text("echo hi\n")
    found = install(
        "{packages: [nginx, 'libc6:amd64'], ttl: 24h, timeout: 5m, keep: false, script: setup,"
        " commands: [make], files: [{source: nginx.conf, target: /etc/nginx.conf, mode: '600'},"
        " {target: /etc/motd, content: hello}]}",
        tmp_path,
    )
    assert found == Install(
        packages=("nginx", "libc6:amd64"),
        files=(
            InstallFile("/etc/nginx.conf", b"\0conf", 0o600),
            InstallFile("/etc/motd", b"hello"),
            InstallFile("/tmp/clocker-install", b"echo hi\n", 0o755),
        ),
        commands=("make", "sh /tmp/clocker-install && rm /tmp/clocker-install"),
        ttl_s=86400.0,
        timeout_s=300.0,
        keep=False,
    )


def test_an_install_may_be_commands_alone(tmp_path: Path) -> None:
    assert install("apt-get update", tmp_path) == Install(commands=("apt-get update",))
    assert install("[one, two]", tmp_path) == Install(commands=("one", "two"))


def test_a_script_says_by_what_it_is_run(tmp_path: Path) -> None:
    (tmp_path / "setup").write_text("#!/usr/bin/python3\n")
    found = install("{script: setup}", tmp_path)
    assert found.commands == ("/tmp/clocker-install && rm /tmp/clocker-install",)


@pytest.mark.parametrize("made", [None, b"x" * (MOST_BYTES + 1)])
def test_files_must_be_there_and_small(tmp_path: Path, made: bytes | None) -> None:
    if made is not None:
        (tmp_path / "big").write_bytes(made)
    read_in: Any = InstallDocument.model_validate({"files": [{"target": "/x", "source": "big"}]})
    with pytest.raises(Unfit, match="1 MiB" if made else "can be read: .*big: No such file"):
        read_in.model(tmp_path)
