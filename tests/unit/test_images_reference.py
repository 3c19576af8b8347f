from __future__ import annotations

import pytest

from clocker.errors import BadInput
from clocker.images import Reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("debian", "docker.io/library/debian:latest", "debian:latest"),
        ("debian:12", "docker.io/library/debian:12", "debian:12"),
        ("library/debian", "docker.io/library/debian:latest", "debian:latest"),
        ("docker.io/debian", "docker.io/library/debian:latest", "debian:latest"),
        ("index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest", "bitnami/redis:latest"),
        ("a/b/c:1", "docker.io/a/b/c:1", "a/b/c:1"),
        ("quay.io/a/b", "quay.io/a/b:latest", "quay.io/a/b:latest"),
        ("localhost/b", "localhost/b:latest", "localhost/b:latest"),
        ("localhost:5000/b:1", "localhost:5000/b:1", "localhost:5000/b:1"),
        ("registry:5000/b", "registry:5000/b:latest", "registry:5000/b:latest"),
        ("[fd00::1]:5000/b:1", "[fd00::1]:5000/b:1", "[fd00::1]:5000/b:1"),
        ("[fd00::1]/team/b", "[fd00::1]/team/b:latest", "[fd00::1]/team/b:latest"),
        ("[::ffff:192.0.2.1]/b", "[::ffff:192.0.2.1]/b:latest", "[::ffff:192.0.2.1]/b:latest"),
        (
            f"r.example.org:5000/team/x/app:1.2-rc@{DIGEST}",
            f"r.example.org:5000/team/x/app:1.2-rc@{DIGEST}",
            f"r.example.org:5000/team/x/app@{DIGEST}",
        ),
        (f"[fd00::1]:5000/b@{DIGEST}", f"[fd00::1]:5000/b@{DIGEST}", f"[fd00::1]:5000/b@{DIGEST}"),
        ("192.0.2.1:5000/b:1", "192.0.2.1:5000/b:1", "192.0.2.1:5000/b:1"),
        ("docker.io/a/b:1", "docker.io/a/b:1", "a/b:1"),
        (
            "registry.k1.clocker:5000/a",
            "registry.k1.clocker:5000/a:latest",
            "registry.k1.clocker:5000/a:latest",
        ),
        ("REGISTRY/b", "REGISTRY/b:latest", "REGISTRY/b:latest"),
        (f"debian@{DIGEST}", f"docker.io/library/debian@{DIGEST}", f"debian@{DIGEST}"),
        (f"debian:12@{DIGEST}", f"docker.io/library/debian:12@{DIGEST}", f"debian@{DIGEST}"),
        (DIGEST, DIGEST, DIGEST),
        (DIGEST.removeprefix("sha256:"), DIGEST, DIGEST),
        ("a__b--c.d_e:A_b.c-1", "docker.io/library/a__b--c.d_e:A_b.c-1", "a__b--c.d_e:A_b.c-1"),
    ],
)
def test_is_read_as_docker_reads_it(text: str, full: str, familiar: str) -> None:
    reference = Reference.parse(text)
    assert (str(reference), reference.familiar) == (full, familiar)
    assert Reference.parse(full) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ":",
        "/",
        "@",
        "debian:",
        ":12",
        "debian:-1",
        "debian:a b",
        "debian\n",
        "debian:12\n",
        "deb\x00ian",
        "-debian",
        "--privileged",
        "debian;reboot",
        "$(reboot)",
        "`reboot`",
        "debian|cat",
        "../etc/passwd",
        "a/../b",
        "a//b",
        "/a",
        "a/",
        "a/b/:1",
        "Debian",
        "a/Debian",
        "déb",
        "debian:\u0661",
        "\u0440edis",
        "https://quay.io/a",
        "quay.io:0/a",
        "quay.io:65536/a",
        "quay.io:x/a",
        "-quay.io/a",
        "quay..io/a",
        "user@quay.io/a",
        "[fd00::1/a",
        "[fd00::1]x/a",
        "[:]/a",
        "[fd00::g]/a",
        "[1:2]:5000/a",
        "[fd00::1]:0/a",
        "quay.io:5000:5000/a",
        "quay.io:5000/a:1:2",
        "quay.io/:1",
        "a@sha256:short",
        "a@md5:" + "0" * 32,
        f"a@{DIGEST}x",
        "a" * 256,
        "a:" + "b" * 129,
        "a___b",
        "a..b",
        "a_",
    ],
)
def test_anything_else_is_refused_on_one_line(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        Reference.parse(text)
    assert refused.value.remedy
    assert refused.value.what.isprintable()
    assert len(refused.value.what) < 300


@pytest.mark.parametrize(
    ("text", "explicit"),
    [
        ("debian", False),
        ("a/b", False),
        ("docker.io/debian", True),
        ("quay.io/a/b", True),
        ("localhost:5000/b", True),
    ],
)
def test_knows_whether_the_registry_was_written_out(text: str, explicit: bool) -> None:
    assert Reference.parse(text).explicit is explicit


def test_an_id_names_no_registry() -> None:
    assert Reference.parse(DIGEST).is_id
    assert not Reference.parse(f"debian@{DIGEST}").is_id
