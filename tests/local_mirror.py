"""A mirror of the distribution on this machine, with no more than what a base image is made of. It
is signed like all mirrors, and served by HTTP: nothing leaves the machine."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from pathlib import Path

# From the release alone, though what the image was made of has come in newer versions since.
_DOWNLOAD = r"""
set -e
. /etc/os-release
suite=$VERSION_CODENAME
uri=$(apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|' 'Identifier: Packages' |
    sed -n "s/|$suite|main|\$//p" | head -n 1)
rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
signed=/usr/share/keyrings/$ID-archive-keyring.gpg
echo "deb [signed-by=$signed] $uri $suite main" > /etc/apt/sources.list
apt-get update -qq
index="dists/$suite/main/binary-$(dpkg --print-architecture)"
mkdir -p "$1/$index"
cp /var/lib/apt/lists/*_InRelease "$1/dists/$suite/InRelease"
/usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_Packages* > "$1/$index/Packages"
cd "$1"
apt-get install -y -qq --no-install-recommends --download-only openssh-server
mv /var/cache/apt/archives/*.deb .
apt-get download -qq $(dpkg-query --show --showformat "\${Package}/$suite ")
"""
_FILENAME = re.compile(r"^Filename: (.+/([^/]+\.deb))$", re.MULTILINE)


def mirrored(image: str) -> Path:
    """A folder with what ``image`` has installed, and what it lacks for an SSH server; kept for the
    next run."""
    mark = hashlib.sha256(f"{image}{_DOWNLOAD}".encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"clocker-test-mirror-{mark}"
    if not (folder / "pool").exists():
        folder.mkdir(exist_ok=True)
        shell = ("sh", "-c", _DOWNLOAD, "sh", "/mirror")
        command = ("docker", "run", "--rm", "-v", f"{folder}:/mirror", image, *shell)
        subprocess.run(command, check=True, capture_output=True)
        _sort(folder)
    return folder


def _sort(folder: Path) -> None:
    """Every package to where the index says that it is; apt's names have the epoch in them."""
    (index,) = folder.rglob("Packages")
    places = {name: place for place, name in _FILENAME.findall(index.read_text())}
    for path in list(folder.glob("*.deb")):
        place = folder / places[re.sub(r"_\d+%3a", "_", path.name)]
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)
