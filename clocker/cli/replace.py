"""Gives this process to another program: its terminal, its signals and its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from clocker.errors import InfrastructureError


def become(argv: Sequence[str]) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606 - no shell is wanted
    except FileNotFoundError:
        raise InfrastructureError(
            f"{argv[0]} is not installed here", remedy="install the OpenSSH client"
        ) from None
