"""Which machine is whose, where machines carry no tags: a file that all who use them share.

A mark on the machine itself would need a way in, which a provider has not; a cloud's store is not
seen by other clouds. So it is one file for all clouds of this user, under the state home, that
outlives every process; ``options.claims`` names another, for several users of the same machines."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clocker.errors import ProviderError

Claims = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ClaimsFile:
    """Of each claimed machine, by its id: ``tags`` and ``machine``."""

    path: Path

    def read(self) -> Claims:
        try:
            document = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._broken("read", error) from error
        if not isinstance(document, dict):
            raise self._broken("read", ValueError("it is no JSON object"))
        return document

    @contextmanager
    def changing(self) -> Iterator[Claims]:
        """What is left of the claims at the end is written, whole or not at all. One process and
        one thread at a time."""
        with self._locked():
            claims = self.read()
            yield claims
            self._write(claims)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """By the folder, so that no lock is left where all claims are gone."""
        try:
            descriptor = self._acquired()
        except OSError as error:
            raise self._broken("locked", error) from error
        try:
            yield
        finally:
            os.close(descriptor)

    def _acquired(self) -> int:
        folder = self.path.parent
        while True:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Whoever held it may have removed the folder, and its lock means nothing now.
                if folder.exists() and os.path.samestat(folder.stat(), os.fstat(descriptor)):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _write(self, claims: Claims) -> None:
        draft = self.path.with_name(f".{self.path.name}.new")
        try:
            if claims:
                draft.write_text(json.dumps(claims, indent=2, sort_keys=True) + "\n")
                draft.replace(self.path)
            else:
                with contextlib.suppress(FileNotFoundError):
                    self.path.unlink()
        except OSError as error:
            raise self._broken("written", error) from error

    def _broken(self, verb: str, error: Exception) -> ProviderError:
        return ProviderError(
            f"the claims on machines cannot be {verb}: {error}",
            where=str(self.path),
            remedy="mend the file, or name another in options.claims",
        )
