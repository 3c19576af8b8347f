"""Where the sockets of kept-alive connections live: short paths that nobody else may enter."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from clocker.errors import BadInput

# A socket's path has at most 107 bytes; ssh appends 17 to its own while it makes it.
_LONGEST_FOLDER = 60


def short_folder(preferred: Path) -> Path:
    """``preferred``, or where that is too long for a socket, a folder of ours in /tmp."""
    if len(os.fsencode(preferred)) <= _LONGEST_FOLDER:
        return preferred
    short = Path(tempfile.gettempdir()) / f"clocker-{os.getuid()}"
    if len(os.fsencode(short)) <= _LONGEST_FOLDER:
        return short
    return Path("/tmp") / f"clocker-{os.getuid()}"  # noqa: S108 - its owner is verified


def private_folder(path: Path) -> Path:
    """Made if need be; refused when somebody else's, who could put sockets of theirs in it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
    except OSError as error:
        raise BadInput(
            f"the folder for sockets cannot be made: {error.strerror}", where=str(path)
        ) from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise BadInput(
            "the folder for sockets belongs to somebody else",
            where=str(path),
            remedy="remove it, or set XDG_RUNTIME_DIR to a folder of yours",
        )
    if status.st_mode & 0o077:
        path.chmod(0o700)
    return path
