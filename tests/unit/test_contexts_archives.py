"""Archives as contexts: what honest ones become, and that nothing else gets in, or is left."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import FINE, HOSTILE, PACKERS, bomb, member, tar, tar_of, zip_of
from hypothesis import given, settings
from hypothesis import strategies as st

from clocker.contexts import FileContexts
from clocker.contexts.limits import MIB, Limits
from clocker.errors import BadInput
from clocker.model import Build

SMALL = Limits(
    unpacked_bytes=64 * MIB, ratio=100, ratio_from_bytes=1 * MIB, archive_bytes=16 * MIB, entries=50
)


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No temporary file, no descriptor."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = open_files()
    yield
    assert list(scratch.iterdir()) == []
    assert open_files() == before


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def contents(path: Path, limits: Limits = SMALL, build: Build | None = None) -> dict[str, bytes]:
    with FileContexts(limits).open(build or Build(str(path))) as context:
        return listed(context.tar.read())


def listed(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as packed_tar:
        found = {}
        for entry in packed_tar:
            assert (entry.uid, entry.gid, entry.mtime, entry.uname) == (0, 0, 0, "")
            stream = packed_tar.extractfile(entry) if entry.isfile() else None
            found[entry.name] = stream.read() if stream else entry.linkname.encode()
        assert list(found) == sorted(found)
        return found


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packer", PACKERS)
def test_a_tar_however_it_is_compressed(tmp_path: Path, packer: str) -> None:
    path = written(tmp_path, "archive", PACKERS[packer](tar_of(FINE)))
    assert contents(path) == FINE


def test_a_zip(tmp_path: Path) -> None:
    path = written(tmp_path, "archive", zip_of({**FINE, "d/": b"", "d/e/f": b"deep"}))
    assert contents(path) == {**FINE, "d": b"", "d/e": b"", "d/e/f": b"deep"}


def test_all_of_them_are_the_same_context(tmp_path: Path) -> None:
    """By whichever way the files come: the digest is theirs alone."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in FINE.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o644)
        os.utime(folder / name, (1, 1))
    paths = [folder, written(tmp_path, "a.zip", zip_of(FINE))]
    for name, packer in PACKERS.items():
        backwards = tar_of(dict(reversed(FINE.items())))
        paths.append(written(tmp_path, f"a.{name}", packer(backwards)))
    digests = set()
    for path in paths:
        with FileContexts().open(Build(str(path))) as context:
            digests.add(context.digest)
    assert len(digests) == 1


def test_the_digest_is_of_all_that_matters(tmp_path: Path) -> None:
    path = str(written(tmp_path, "a.tar", tar_of({**FINE, "Other": b"FROM scratch\n"})))
    builds = [
        Build(path),
        Build(path, args={"A": "1"}),
        Build(path, args={"A": "2"}),
        Build(path, target="t"),
        Build(path, dockerfile="Other"),
    ]
    digests = set()
    for build in (*builds, Build(path, timeout_s=1)):
        with FileContexts().open(build) as context:
            digests.add(context.digest)
    assert len(digests) == len(builds)


def test_several_streams_after_each_other_are_one(tmp_path: Path) -> None:
    data = tar_of(FINE)
    for name, packer in PACKERS.items():
        halves = packer(data[:700]) + packer(data[700:])
        assert contents(written(tmp_path, f"halves-{name}", halves)) == FINE


def test_one_folder_around_everything_is_the_context(tmp_path: Path) -> None:
    wrapped = {f"project-1.0/{name}": data for name, data in FINE.items()}
    assert contents(written(tmp_path, "a.zip", zip_of(wrapped))) == FINE


def test_links_within_are_kept(tmp_path: Path) -> None:
    data = tar(
        *(member(name, data, mode=0o644) for name, data in FINE.items()),
        member("d/soft", type=tarfile.SYMTYPE, linkname="../a"),
        member("dangling", type=tarfile.SYMTYPE, linkname="made/later"),
        member("hard", type=tarfile.LNKTYPE, linkname="./a"),
        member("script", b"#!", mode=0o755),
    )
    found = contents(written(tmp_path, "a.tar", data))
    assert found["d/soft"] == b"../a" and found["dangling"] == b"made/later"
    assert found["hard"] == b"content" and found["d"] == b""


def test_the_last_of_a_name_is_meant(tmp_path: Path) -> None:
    data = tar(*(member(n, d) for n, d in FINE.items()), member("a", b"newer"))
    assert contents(written(tmp_path, "a.tar", data))["a"] == b"newer"


def test_modes_are_kept(tmp_path: Path) -> None:
    data = tar(member("Dockerfile", b"FROM scratch\n"), member("run", b"#!", mode=0o750))
    build = Build(str(written(tmp_path, "a.tar", data)))
    with (
        FileContexts(SMALL).open(build) as context,
        tarfile.open(fileobj=context.tar) as packed,
    ):
        assert stat.S_IMODE(packed.getmember("run").mode) == 0o750


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_taken(tmp_path: Path, name: str) -> None:
    data, said = HOSTILE[name]
    path = written(tmp_path, name, data)
    with pytest.raises(BadInput, match=said) as refused:
        contents(path)
    assert refused.value.where == str(path) and refused.value.remedy


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zip", "overlapping"])
def test_a_bomb_is_not_unpacked(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, "bomb", bomb(kind, 48 * MIB))
    assert path.stat().st_size < 256 * 1024
    with pytest.raises(BadInput, match="times its size, like a bomb|corrupt: Overlapped"):
        contents(path)


def test_more_than_there_is_room_for(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tar", tar_of({**FINE, "big": os.urandom(2 * MIB)}))
    with pytest.raises(BadInput, match="more than 1 MiB of files"):
        contents(path, Limits(unpacked_bytes=1 * MIB))


def test_more_files_than_anybody_needs(tmp_path: Path) -> None:
    files = {**FINE, **{f"f{n}": b"" for n in range(60)}}
    for data in (tar_of(files), zip_of(files)):
        with pytest.raises(BadInput, match="more than 50 files"):
            contents(written(tmp_path, "a", data))


def test_a_bomb_takes_little_memory(tmp_path: Path) -> None:
    """Of a process of its own: of xz, whose window could be gigabytes."""
    path = written(tmp_path, "bomb", bomb("xz", 256 * MIB))
    script = (
        "import resource, sys\n"
        "from clocker.contexts import FileContexts\n"
        "from clocker.errors import BadInput\n"
        "from clocker.model import Build\n"
        "resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20, 512 * 2**20))\n"
        "try:\n"
        "    with FileContexts().open(Build(sys.argv[1])): print('taken')\n"
        "except BadInput as error: print(error.what)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert "like a bomb" in ran.stdout, ran


def test_the_disk_may_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clocker.errors import InfrastructureError

    full = Path("/dev/full")
    monkeypatch.setattr("clocker.contexts.spool.temporary", lambda: full.open("wb", buffering=0))
    with pytest.raises(InfrastructureError, match="does not fit on this machine's disk"):
        contents(written(tmp_path, "a.tar", tar_of(FINE)))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_harmless(tmp_path_factory: pytest.TempPathFactory, data) -> None:  # type: ignore[no-untyped-def]
    """Whatever byte is changed: no other exception, and no name that leads out."""
    packer = data.draw(st.sampled_from([*PACKERS, "zip"]))
    whole = zip_of(FINE) if packer == "zip" else PACKERS[packer](tar_of(FINE))
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damage") / "archive.tar"
    path.write_bytes(damaged)
    try:
        found = contents(path)
    except BadInput:
        return
    assert not [name for name in found if name.startswith("/") or ".." in name.split("/")]
