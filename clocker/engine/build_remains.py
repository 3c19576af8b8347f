"""What a build that has ended early leaves on its engine, taken away.

The containers of its steps an engine removes by itself, as it is told to. The images of the steps
before the one that failed it keeps for ever.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clocker.engine.build_output import BuildOutput
from clocker.engine.translation import translated
from clocker.errors import ClockerError, NotFound

if TYPE_CHECKING:
    from docker import APIClient

_ENDING_S = 5.0


def remove_remains(client: APIClient, output: BuildOutput, where: str) -> None:
    """Whatever fails here must not hide why the build has failed."""
    with suppress(ClockerError):
        _await_containers(client, output, where)
    for image in reversed(output.images):
        with suppress(ClockerError), translated(where):
            _remove_image(client, image, output)


def _await_containers(client: Any, output: BuildOutput, where: str) -> None:
    """Until the last one is gone: the others went with their steps."""
    deadline = time.monotonic() + _ENDING_S
    for container in output.containers[-1:]:
        while time.monotonic() < deadline:
            try:
                with translated(where):
                    client.inspect_container(container)
            except NotFound:
                return
            time.sleep(0.1)


def _remove_image(client: Any, image: str, output: BuildOutput) -> None:
    """Made since the build began, and without a name. One that others were made from since is
    refused by the engine."""
    found = client.inspect_image(image)
    if _is_since(found["Created"], output) and not found["RepoTags"] and not found["RepoDigests"]:
        client.remove_image(found["Id"], noprune=True)


def _is_since(created: str, output: BuildOutput) -> bool:
    """An engine tells nanoseconds, and of the beginning whole seconds."""
    when = datetime.fromisoformat(f"{created[:19]}+00:00")
    return output.since is not None and when >= output.since
