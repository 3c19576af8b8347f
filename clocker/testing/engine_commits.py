"""A fake engine's containers made into images."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from clocker.testing.engine_life import EngineLife
from clocker.testing.faults import scripted
from clocker.testing.images import FakeImages


class EngineCommits(EngineLife):
    """A part of ``FakeEngine``."""

    _images: FakeImages

    @scripted
    def commit(
        self,
        container: str,
        *,
        reference: str,
        labels: Mapping[str, str],
        entrypoint: Sequence[str] = (),
        command: Sequence[str] = (),
    ) -> str:
        with self._lock:
            found = self._need(container)
            made = replace(
                found.image,
                entrypoint=tuple(entrypoint),
                command=tuple(command),
                user=found.spec.user or found.image.user,
                labels={**found.image.labels, **found.spec.labels, **labels},
                created_at=time.time(),
            )
            return self._images.commit(reference, made, found.files).id
