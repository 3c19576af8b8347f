"""What an install comes to: whether it can be done, and the name of its outcome. Pure.

The same steps on the same image are the same kind, and have the same name on every host and in
every registry.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

from clocker import templating
from clocker.errors import BadInput
from clocker.model import ImageInfo, Install, InstallFile

MOST_BYTES = 1024 * 1024
"""Of all files and commands together: they are kept with every container that asks for them."""

NO_PACKAGE_MANAGER = "clocker: no package manager"

_ONCE = "clocker/install:once-"
_PACKAGE = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@._+:~=/*-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def package_script() -> str:
    values = {"no_package_manager": NO_PACKAGE_MANAGER}
    return templating.render("images/install/packages.sh.j2", values)


def install_key(install: Install, base: ImageInfo) -> str:
    """Of all that determines the outcome: the image, its architecture and the steps."""
    files = [(file.target, file.mode, content_digest(file)) for file in install.files]
    steps = [install.packages, files, install.commands, sorted(install.args.items())]
    recipe = [base.id, base.architecture, package_script() if install.packages else "", steps]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:32]


def install_tag(key: str) -> str:
    return f"clocker/install:{key}"


def once_tag(container_id: str) -> str:
    """Of an outcome that is for one container only."""
    return f"{_ONCE}{container_id}"


def is_once(tag: str) -> bool:
    return tag.startswith(_ONCE)


def content_digest(file: InstallFile) -> str:
    return file.digest or hashlib.sha256(file.content).hexdigest()


def without_contents(install: Install | None) -> Install | None:
    """The same kind, for a place where contents have no room."""
    if install is None:
        return None
    files = (replace(f, content=b"", digest=content_digest(f)) for f in install.files)
    return replace(install, files=tuple(files))


def is_good(image: ImageInfo, install: Install, asked_at: float) -> bool:
    """Whether an outcome is still good for whoever asked at that time."""
    return install.ttl_s is None or asked_at <= image.created_at + install.ttl_s


def check_install(install: Install) -> None:
    """BadInput for what no image could have done to it."""
    if not (install.packages or install.files or install.commands):
        raise _bad("it has neither packages nor files nor commands", "name at least one")
    for package in install.packages:
        if not _PACKAGE.fullmatch(package):
            raise _bad(
                f"{package[:80]!r} cannot be a package", "name it as the image's own tool does"
            )
    for name in install.args:
        if not _VARIABLE.fullmatch(name):
            raise _bad(f"{name[:80]!r} cannot be a variable", "use letters, digits and _")
    for file in install.files:
        _check_file(file)
    if any(not command.strip() or "\0" in command for command in install.commands):
        raise _bad("a command is empty, or no text", "leave it out")
    if install.timeout_s <= 0 or (install.ttl_s or 0) < 0:
        raise _bad("times cannot be negative", "leave them out for the usual ones")
    size = sum(len(file.content) for file in install.files) + sum(map(len, install.commands))
    if size > MOST_BYTES:
        raise _bad(
            f"its files and commands have {size} bytes, and may have {MOST_BYTES}",
            "fetch large files by a command, or build the image from a Dockerfile",
        )


def _check_file(file: InstallFile) -> None:
    parts = file.target.split("/")[1:]
    if not file.target.startswith("/") or not {"", ".", ".."}.isdisjoint(parts):
        raise _bad(f"{file.target[:80]!r} is no absolute path of a file", "such as /etc/app.conf")
    if not 0 <= file.mode <= 0o7777:
        raise _bad(f"{file.mode:o} is no mode", "such as 644")
    if file.digest and not _DIGEST.fullmatch(file.digest):
        raise _bad(f"{file.digest[:80]!r} is no SHA-256", "64 hexadecimal digits")


def _bad(what: str, remedy: str) -> BadInput:
    return BadInput(f"this cannot be installed: {what}", where="install", remedy=remedy)
