"""Tiny images for the tests, made of this machine's own packages: nothing is pulled."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

BUSYBOX = "clocker-test/busybox:1"
NO_SHELL = "clocker-test/no-shell:1"

_PACKAGE = "busybox-static"


def busybox(socket_path: str = "/var/run/docker.sock") -> str:
    """An image with busybox and all its applets on that engine; kept for the next test run."""
    applets = ("bin/sh",)  # to install the others
    return _ensured(BUSYBOX, socket_path, applets, ['CMD ["sh"]', "ENV IMAGE_SAYS=hello"])


def no_shell(socket_path: str = "/var/run/docker.sock") -> str:
    """An image that can sleep and echo, and nothing else."""
    return _ensured(NO_SHELL, socket_path, ("sleep", "echo"), ['CMD ["/sleep", "600"]'])


def _ensured(reference: str, socket_path: str, applets: tuple[str, ...], changes: list[str]) -> str:
    from docker import APIClient
    from docker.errors import ImageNotFound

    client: Any = APIClient(f"http+unix://{socket_path}", version="auto", timeout=120)
    client.trust_env = False
    try:
        client.inspect_image(reference)
    except ImageNotFound:
        repository, _, tag = reference.partition(":")
        client.import_image_from_data(
            _root(applets), repository=repository, tag=tag, changes=changes
        )
    finally:
        client.close()
    return reference


def _root(applets: tuple[str, ...]) -> bytes:
    binary = _binary()
    data = binary.read_bytes()
    if applets == ("bin/sh",):
        listed = subprocess.run([binary, "--list"], capture_output=True, text=True, check=True)
        applets = tuple(f"bin/{name}" for name in listed.stdout.split() if name != "busybox")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder in ("bin", "tmp", "run", "etc", "root"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        _add(tar, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        _add(tar, applets[0], data, mode=0o755)
        for name in applets[1:]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.mode = tarfile.LNKTYPE, applets[0], 0o755
            tar.addfile(entry)
    return packed.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes, *, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def _binary() -> Path:
    """The installed one if it is static, else the package's, downloaded beside the temporary
    files; not installed, since a test changes nothing on its machine."""
    installed = Path("/bin/busybox")
    if installed.exists() and b"ld-linux" not in installed.read_bytes():
        return installed
    folder = Path(tempfile.gettempdir()) / f"clocker-test-{_PACKAGE}"
    binary = folder / "bin" / "busybox"
    if not binary.exists():
        with tempfile.TemporaryDirectory() as download:
            _call("apt-get", "-q", "download", _PACKAGE, cwd=download)
            (package,) = Path(download).glob("*.deb")
            _call("dpkg-deb", "-x", str(package), str(folder), cwd=download)
    return binary


def _call(*command: str, cwd: str) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
