"""A layer with an sshd over any image, and the keys that make a container's sshd its own.

The layer is built once per engine and holds no key. Keys are put into each container between its
creation and its start, as the tar of ``credentials_tar``.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping

from clocker import templating
from clocker.errors import BadInput, ClockerError, CommandFailed, EngineError
from clocker.images.kinds import BASE_LABEL, LAYER_LABEL, ImageKind, kind_of
from clocker.interfaces import Engine
from clocker.model import ImageInfo

AUTHORIZED_KEYS = "/etc/ssh/clocker/authorized_keys"

_NO_PACKAGE_MANAGER = "clocker: no package manager"
_TEMPLATES = {
    "Dockerfile": "images/sshd/Dockerfile.j2",
    "ssh-install": "images/sshd/install.sh.j2",
    "ssh-entry": "images/sshd/entry.sh.j2",
    "sshd_config": "images/sshd/sshd_config.j2",
}


def layered(engine: Engine, base: ImageInfo, *, timeout_s: float = 600.0) -> ImageInfo:
    """``base`` with an sshd, built if this engine has none of this recipe. BadInput for an image
    that nothing can be installed in; CommandFailed with the installation's last lines."""
    tag = layer_tag(base)
    found = engine.image(tag)
    if found and kind_of(found) is ImageKind.SSH:
        return found
    return _build(engine, base, tag, timeout_s)


def layer_tag(base: ImageInfo) -> str:
    """The layer's name, the same on every engine: another base or recipe is another name."""
    recipe = hashlib.sha256(base.id.encode())
    for name, text in sorted(_files(base).items()):
        recipe.update(f"\0{name}\0{text}".encode())
    return f"clocker/ssh:{recipe.hexdigest()[:24]}"


def credentials_tar(host_private: str, authorized_lines: Iterable[str]) -> bytes:
    """A tar to unpack at ``/`` of a container: the private host key in OpenSSH's format, and
    who may log in. Nobody but root can read either."""
    lines = [line.strip() for line in authorized_lines]
    for line in lines:
        if not line or "\n" in line or "PRIVATE KEY" in line:
            raise BadInput(
                "an authorized key is not one line of a public key",
                where="ssh_public_keys",
                remedy="give the contents of a .pub file",
            )
    files = {
        "etc/ssh/clocker/host_key": host_private.rstrip("\n") + "\n",
        AUTHORIZED_KEYS.removeprefix("/"): "".join(f"{line}\n" for line in lines),
    }
    return _tar(files, mode=0o600, directory="etc/ssh/clocker")


def _build(engine: Engine, base: ImageInfo, tag: str, timeout_s: float) -> ImageInfo:
    labels = {LAYER_LABEL: str(ImageKind.SSH), BASE_LABEL: base.id}
    try:
        built = engine.build(_tar(_files(base)), tag=tag, labels=labels, timeout_s=timeout_s)
    except (CommandFailed, EngineError) as error:
        raise _explained(error, base) from error
    found = engine.image(built)
    if found is None:
        raise EngineError("the image with sshd was built, but is not there", where="image")
    return found


def _files(base: ImageInfo) -> Mapping[str, str]:
    values = {"base": base.id, "no_package_manager": _NO_PACKAGE_MANAGER}
    return {name: templating.render(template, values) for name, template in _TEMPLATES.items()}


def _explained(error: CommandFailed | EngineError, base: ImageInfo) -> ClockerError:
    """Say what the user can do when the image is of a kind that nothing can be added to."""
    said = str(error)
    no_shell = "/bin/sh" in said and "no such file" in said
    if not no_shell and _NO_PACKAGE_MANAGER not in said:
        return error
    name = base.tags[0] if base.tags else base.id
    lack = "no shell" if no_shell else "none of apt, dnf, yum and apk"
    return BadInput(
        f"no sshd can be installed in {name}: it has {lack}",
        where="ssh",
        remedy="use an image that has an sshd, or leave out ssh and use: clocker exec",
    )


def _tar(files: Mapping[str, str], *, mode: int = 0o755, directory: str | None = None) -> bytes:
    """Root's files, the same bytes for the same contents."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        if directory:
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o700
            tar.addfile(entry)
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
