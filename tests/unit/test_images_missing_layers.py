"""Archives without what their receiver has; and a transfer that is what was asked for."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clocker.errors import EngineError
from clocker.images.missing_layers import common, droppable, without
from clocker.images.transfer import transfer
from clocker.model import ContainerSpec, ImageInfo
from clocker.testing import FakeEngine

LONG = "v" * 130 + "/json"
LAYERS = [b"", b"one", b"t" * 3000]
DIGESTS = ["sha256:" + hashlib.sha256(data).hexdigest() for data in LAYERS]


def archive(*, blobs: bool = False) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for number, data in enumerate(LAYERS):
            digest = DIGESTS[number].removeprefix("sha256:")
            put(tar, f"blobs/sha256/{digest}" if blobs else f"{number}/layer.tar", data)
        put(tar, LONG, b"{}")
        put(tar, "manifest.json", b"[]")
        link = tarfile.TarInfo("9/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../1/layer.tar"
        tar.addfile(link)
    return packed.getvalue()


def put(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def contents(packed: bytes) -> dict[str, bytes | str]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {
            entry.name: entry.linkname if entry.issym() else tar.extractfile(entry).read()  # type: ignore[union-attr]
            for entry in tar
        }


@given(st.sets(st.integers(0, 2)), st.booleans(), st.integers(1, 20_000))
@settings(deadline=None)
def test_what_is_there_is_left_out_and_all_else_stays(
    drop: set[int], blobs: bool, piece: int
) -> None:
    whole = archive(blobs=blobs)
    pieces = [whole[at : at + piece] for at in range(0, len(whole), piece)]
    left = contents(b"".join(without(pieces, {DIGESTS[number] for number in drop})))
    gone = set(contents(whole)) - set(left)
    assert len(gone) == len(drop)
    assert left == {name: data for name, data in contents(whole).items() if name not in gone}


def test_the_lowest_layers_that_some_image_has() -> None:
    assert common("abc", []) == 0
    assert common("abc", ["x", "ab", "acb", ""]) == 2
    assert common("abc", ["abcd"]) == 3
    assert droppable(("a", "b", "a", "c"), 2) == {"b"}, "an archive has a layer that recurs once"


LARGE = 5_000_000


def made(engine: FakeEngine, base: ImageInfo | None, name: str, text: bytes) -> ImageInfo:
    """An image with one layer more than ``base``."""
    start = base or engine.add_image("empty:1", ImageInfo("sha256:" + "e" * 64, size_bytes=LARGE))
    container = engine.create(ContainerSpec("make", start.id, "x", {}))
    engine.container(container).files.write(f"/srv/{name}", text)
    engine.commit(container, reference=f"{name}:1", labels={})
    engine.remove(container)
    found = engine.image(f"{name}:1")
    assert found is not None
    return found


class Counting(FakeEngine):
    """Counts the bytes of what it loads."""

    loaded = 0

    def load(self, archive):  # type: ignore[no-untyped-def]
        pieces = list(archive)
        self.loaded = sum(map(len, pieces))
        super().load(pieces)


def test_only_missing_layers_travel() -> None:
    source, target = FakeEngine("source"), Counting("target")
    base = made(source, None, "base", b"b" * 200_000)
    app = made(source, base, "app", b"a" * 1000)
    assert transfer(source, target, "base:1", base) == base
    assert target.loaded > 200_000
    assert transfer(source, target, "app:1", app) == app
    # A layer of this fake has all files of its container; so the upper one has the lower's, too.
    assert target.loaded < 300_000 and target.count("load") == 2


def test_an_engine_that_wants_archives_whole_gets_them_whole() -> None:
    source, target = FakeEngine("source"), FakeEngine("target")
    base = made(source, None, "base", b"b")
    app = made(source, base, "app", b"a")
    transfer(source, target, "base:1", base)
    target.fail_next("load", EngineError("blob not found"))
    assert transfer(source, target, "app:1", app).id == app.id
    assert source.count("save") == 3


def test_what_arrives_must_be_what_was_asked_for() -> None:
    source, target = FakeEngine("source"), FakeEngine("target")
    there = source.add_image("app:1")
    other = replace(there, id="sha256:" + "9" * 64)
    with pytest.raises(EngineError, match="has arrived"):
        transfer(source, target, "app:1", other)
