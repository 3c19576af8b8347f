"""A root file system as an image that engines load."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from archives import tar_of

from clocker.images.archive import RootImage


def made(tmp_path: Path, word: bytes = b"x") -> RootImage:
    layer = tmp_path / "layer.tar"
    layer.write_bytes(tar_of({"etc/word": word}))
    return RootImage(layer, "base:1", "amd64", ("/bin/sh",), {"clocker.layer": "base"}, 1.7e9)


def test_it_is_what_docker_save_writes(tmp_path: Path) -> None:
    image = made(tmp_path)
    packed = b"".join(image.archive())
    assert len(packed) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        parts = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    (manifest,) = json.loads(parts["manifest.json"])
    config = json.loads(parts[manifest["Config"]])
    (layer,) = manifest["Layers"]
    assert manifest["RepoTags"] == ["base:1"] and config["created"] == "2023-11-14T22:13:20Z"
    assert parts[layer] == image.layer.read_bytes()
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(parts[layer]).hexdigest()]
    assert config["config"] == {"Cmd": ["/bin/sh"], "Labels": {"clocker.layer": "base"}}
    assert image.id == "sha256:" + hashlib.sha256(parts[manifest["Config"]]).hexdigest()


def test_the_same_files_are_the_same_image(tmp_path: Path) -> None:
    assert made(tmp_path).id == made(tmp_path).id
    assert made(tmp_path, b"y").id != made(tmp_path).id
