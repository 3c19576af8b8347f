"""Where things are: the cloud's file, and the folders of what Clocker keeps."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from clocker.errors import BadInput, ConfigError

CLOUD_FILE = "clocker.yaml"
PROVIDERS_FILE = "providers.yaml"


def find_cloud_file(option: str | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """``--file``, else ``CLOCKER_FILE``, else ``clocker.yaml`` here or in a folder above."""
    named = option or environ.get("CLOCKER_FILE")
    if named:
        return Path(named).expanduser()
    for folder in (cwd, *cwd.parents):
        candidate = folder / CLOUD_FILE
        if candidate.is_file():
            return candidate
    raise ConfigError(
        f"there is no {CLOUD_FILE} here or in any folder above",
        where=str(cwd),
        remedy="clocker init writes one; or name one with --file or CLOCKER_FILE",
    )


def provider_files(cloud_file: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The user's catalogues that exist, the one that wins first."""
    config_home = _base(environ, "XDG_CONFIG_HOME", ".config")
    candidates = (cloud_file.parent / PROVIDERS_FILE, config_home / "clocker" / PROVIDERS_FILE)
    return tuple(path for path in candidates if path.exists())


def state_folder(cloud: str, environ: Mapping[str, str]) -> Path:
    """The cloud's folder under the XDG state home; made when missing, for its owner only."""
    home = _base(environ, "XDG_STATE_HOME", ".local/state") / "clocker"
    _private(home)
    return _private(home / cloud)


def runtime_folder(environ: Mapping[str, str]) -> Path:
    """For sockets: a short path that goes away with the machine's session."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/") and os.access(runtime, os.W_OK | os.X_OK):
        return _private(Path(runtime) / "clocker")
    return _private(Path(tempfile.gettempdir()) / f"clocker-{os.getuid()}")


def _base(environ: Mapping[str, str], variable: str, default: str) -> Path:
    # The XDG specification has relative values ignored.
    named = environ.get(variable, "")
    if named.startswith("/"):
        return Path(named)
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / default


def _private(folder: Path) -> Path:
    """A folder of ours that nobody else may read: in a shared /tmp it may be another's trap."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise BadInput(f"the folder cannot be made: {error.strerror}", where=str(folder)) from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise BadInput(
            "must be a folder of your own, not a link and not another user's",
            where=str(folder),
            remedy="remove it",
        )
    if status.st_mode & 0o077:
        folder.chmod(0o700)
    return folder
