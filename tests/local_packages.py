"""Packages of the distribution, served from this machine: what is installed in a test's containers
comes from here, over HTTP and by apt, and nothing leaves the machine."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_DOWNLOAD = """
set -e
apt-get update -qq
apt-get clean
apt-get install -y -qq --no-install-recommends --download-only "$@"
mv /var/cache/apt/archives/*.deb /packages
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


def downloaded(image: str, *packages: str) -> Path:
    """A folder with the packages and what ``image`` lacks for them; kept for the next run."""
    mark = hashlib.sha256(repr((image, packages)).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"clocker-test-packages-{mark}"
    if not (folder / "Packages").exists():
        folder.mkdir(exist_ok=True)
        shell = ("sh", "-c", _DOWNLOAD, "sh", *packages)
        command = ("docker", "run", "--rm", "-v", f"{folder}:/packages", image, *shell)
        subprocess.run(command, check=True, capture_output=True)
        (folder / "Packages").write_text(_index(folder))
    return folder


@contextmanager
def serving(folder: Path, address: str) -> Iterator[str]:
    """A line for a ``sources.list`` that means the folder."""
    with served(folder, address) as url:
        yield f"deb [trusted=yes] {url}/ ./\n"


@contextmanager
def served(folder: Path, address: str) -> Iterator[str]:
    """The folder's URL."""
    server = ThreadingHTTPServer((address, 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _index(folder: Path) -> str:
    """As apt reads it: what each package says of itself, and where it is."""
    told = []
    for path in sorted(folder.glob("*.deb")):
        control = subprocess.run(
            ("dpkg-deb", "-f", str(path)), check=True, capture_output=True, text=True
        ).stdout
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        told.append(f"{control}Filename: ./{path.name}\nSize: {len(data)}\nSHA256: {digest}\n")
    return "\n".join(told)
