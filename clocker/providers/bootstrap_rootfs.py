"""A minimal root file system of Debian or Ubuntu, made by mmdebstrap: from this machine's own
package sources, where it has that distribution, so that no registry is needed, and no mirror that
this machine does not use already."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clocker.errors import BadInput, ProviderError

Say = Callable[[str], None]

EXCLUDED = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
COMPONENTS = frozenset({"main", "universe"})
MERGED_USR = Path("/usr/share/mmdebstrap/hooks/maybe-merged-usr")
# What the machine tells its apt about its sources holds for the same sources inside; a proxy
# only without a password, because an image is no place for one.
APT_OPTIONS = re.compile(r'^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy) "[^"@]+";$')

_DISTRIBUTIONS = ("debian", "ubuntu")
_RELEASE = re.compile(r"[a-z][a-z0-9-]{1,30}")
_MIRROR = re.compile(r"https?://[^\s@\[\]]+|file:///[^\s\[\]]+")


@dataclass(frozen=True, slots=True)
class Release:
    """``mirror``: where its packages are; None: where this machine has its own from, or, of
    another distribution, where mmdebstrap looks."""

    distribution: str
    suite: str
    mirror: str | None = None

    @property
    def name(self) -> str:
        return f"{self.distribution}:{self.suite}"


def own_release() -> Release:
    """This machine's."""
    release = platform.freedesktop_os_release()
    return Release(release["ID"], release.get("VERSION_CODENAME", "unknown"))


def check_release(release: Release) -> None:
    """BadInput for what could be none: it ends up in a command."""
    if release.distribution not in _DISTRIBUTIONS:
        raise BadInput(
            f"no base can be made of {release.distribution}",
            where="--distribution",
            remedy=f"one of {', '.join(_DISTRIBUTIONS)}",
        )
    if not _RELEASE.fullmatch(release.suite):
        raise BadInput(
            "this is no release's name", where="--release", remedy="such as bookworm or noble"
        )
    if release.mirror is not None and not _MIRROR.fullmatch(release.mirror):
        raise BadInput(
            "this is no mirror, or it has a password in it: it would be in the image",
            where="--mirror",
            remedy="give the URL of a mirror, such as https://HOST/debian",
        )


def make_rootfs(
    tar: Path,
    release: Release,
    say: Say = lambda _: None,
    *,
    apt: Sequence[str] = (),
    include: Sequence[str] = (),
    hooks: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> None:
    """A tar with ``include`` installed besides the least. ``apt``: lines of its configuration of
    apt. ``hooks``: shell commands that are run at its end, ``$1`` is its root. ``keep``: what
    mmdebstrap would clean and shall not."""
    if shutil.which("mmdebstrap") is None:
        raise ProviderError(
            "mmdebstrap, which makes root file systems, is not installed",
            remedy="run `scripts/prepare`, or `apt-get install mmdebstrap`",
        )
    say(f"mmdebstrap {release.name}")
    command = ["mmdebstrap", "--quiet", "--variant=minbase"]
    command += [f"--aptopt={line}" for line in (*_own_apt_options(), *apt)]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    command.append("--dpkgopt=path-include=/usr/share/doc/*/copyright")
    command += [f"--include={package}" for package in include]
    command += [f"--customize-hook={hook}" for hook in hooks]
    command += [f"--skip={part}" for part in keep]
    if MERGED_USR.exists():
        command += [f"--hook-dir={MERGED_USR}", "--include=usr-is-merged"]
    sources = tar.with_name(f"{tar.name}.list")
    sources.write_text("".join(f"{line}\n" for line in sources_of(release)))
    ended = subprocess.run(
        [*command, release.suite, str(tar), *([str(sources)] if sources.stat().st_size else [])],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise ProviderError(
            f"mmdebstrap failed:\n{_tail(ended.stderr)}",
            remedy="run as root (or install uidmap), and see that `apt-get update` works",
        )


def sources_of(release: Release) -> list[str]:
    """The one-line apt sources; none where mmdebstrap knows them itself."""
    keyring = Path(f"/usr/share/keyrings/{release.distribution}-archive-keyring.gpg")
    signed = str(keyring) if keyring.exists() else None
    if release.mirror is not None:
        option = f"[signed-by={signed}] " if signed else ""
        return [f"deb {option}{release.mirror} {release.suite} main"]
    own = own_release()
    if release.distribution != own.distribution:
        return []
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
    targets = _output("apt-get", "indextargets", "--format", form, "Identifier: Packages")
    lines = choose_sources("\n".join(targets), own.distribution, own.suite, signed)
    if not lines:
        raise ProviderError(
            f"this machine has no package lists of {own.name}",
            remedy="run `apt-get update`, and look at /etc/apt/sources.list",
        )
    suites = re.compile(rf" {re.escape(own.suite)}(?=[ -])")
    return [suites.sub(f" {release.suite}", line) for line in lines]


def choose_sources(targets: str, distribution: str, suite: str, keyring: str | None) -> list[str]:
    """The one-line apt sources of the distribution itself among apt's index targets
    (``uri|suite|component|origin`` each): other vendors' are no part of a base image."""
    suites = {suite, f"{suite}-updates", f"{suite}-security"}
    option = f"[signed-by={keyring}] " if keyring else ""
    lines = []
    for target in targets.splitlines():
        uri, release, component, origin = target.split("|")
        ours = not origin or origin.startswith("$(") or origin.lower() == distribution
        if ours and release in suites and component in COMPONENTS:
            lines.append(f"deb {option}{uri} {release} {component}")
    return list(dict.fromkeys(lines))


def _own_apt_options() -> list[str]:
    return [line for line in _output("apt-config", "dump") if APT_OPTIONS.match(line)]


def _output(*command: str) -> list[str]:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ProviderError(
            f"`{command[0]}` failed: {error}",
            remedy="a base is made on Debian or Ubuntu",
        ) from error
    return ended.stdout.splitlines()


def _tail(text: str, lines: int = 8) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
