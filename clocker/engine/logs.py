"""What a container has written, as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clocker.engine.frames import Frames
from clocker.engine.translation import translated

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

_CONNECT_S = 60


def read_logs(
    client: APIClient, container: str, where: str, *, follow: bool, tail: int | None
) -> Iterator[bytes]:
    """Complains at once if there is no such container; ends with the container, or when the
    caller closes it."""
    with translated(where):
        framed = not client.inspect_container(container)["Config"]["Tty"]
        response = client.get(
            f"{client.base_url}/v{client.api_version}/containers/{container}/logs",
            params={
                "stdout": "1",
                "stderr": "1",
                "follow": "1" if follow else "0",
                "tail": "all" if tail is None else str(tail),
            },
            stream=True,
            timeout=(_CONNECT_S, None if follow else _CONNECT_S),
        )
        response.raise_for_status()
    return _payloads(response, where, framed)


def _payloads(response: Response, where: str, framed: bool) -> Iterator[bytes]:
    frames = Frames()
    try:
        with translated(where):
            for chunk in response.iter_content(chunk_size=None):
                if framed:
                    yield from (payload for _, payload in frames.feed(chunk))
                else:
                    yield chunk
    finally:
        response.close()
