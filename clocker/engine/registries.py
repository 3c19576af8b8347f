"""What one engine and the registries give each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from clocker.engine.progress import TransferLines
from clocker.engine.refusals import Asked, registry_complaint
from clocker.engine.translation import complaint, translated
from clocker.errors import EngineError, TimedOut
from clocker.model import RegistryAuth

if TYPE_CHECKING:
    from docker import APIClient

OnLine = Callable[[str], None]


class EngineRegistries:
    """Interrupted transfers leave nothing that has a name; what came or went of them is not
    transferred again by the next."""

    def __init__(self, client: APIClient, where: str) -> None:
        self._client: Any = client  # the SDK's stubs leave some of its methods untyped
        self._where = where

    def pull(
        self, reference: str, auth: RegistryAuth | None, on_line: OnLine | None, timeout_s: float
    ) -> None:
        repository, tag = _parted(reference)
        asked = Asked("pull", repository, reference, auth is not None)
        parameters = {"fromImage": repository, "tag": tag}
        self._transfer(asked, "/images/create", parameters, auth, on_line, timeout_s)

    def push(
        self, reference: str, auth: RegistryAuth | None, on_line: OnLine | None, timeout_s: float
    ) -> str:
        repository, tag = _parted(reference)
        asked = Asked("push", repository, reference, auth is not None)
        path = f"/images/{repository}/push"
        told = self._transfer(asked, path, {"tag": tag}, auth, on_line, timeout_s)
        if "Digest" not in told:
            raise EngineError(
                f"{asked.registry} has not said what it took of {reference}", where=self._where
            )
        return str(told["Digest"])

    def tag(self, image: str, reference: str) -> None:
        repository, tag = _parted(reference)
        with translated(self._where):
            self._client.tag(image, repository, tag)

    def _transfer(
        self,
        asked: Asked,
        path: str,
        parameters: Mapping[str, str],
        auth: RegistryAuth | None,
        on_line: OnLine | None,
        timeout_s: float,
    ) -> Mapping[str, Any]:
        """What the engine tells besides its progress."""
        deadline, lines = time.monotonic() + timeout_s, TransferLines(on_line)
        try:
            with translated(self._where):
                messages = self._messages(asked, path, parameters, auth, timeout_s)
                with closing(messages):
                    return self._heard(messages, lines, deadline)
        except TimedOut:
            what = f"the {asked.verb} of {asked.reference} took more than {timeout_s:g} s"
            raise TimedOut(what, where=self._where) from None
        except EngineError as error:
            raise registry_complaint(error, asked, begun=lines.begun) from error

    def _heard(
        self, messages: Iterable[Mapping[str, Any]], lines: TransferLines, deadline: float
    ) -> Mapping[str, Any]:
        told: dict[str, Any] = {}
        for message in messages:
            if "error" in message:
                raise complaint(message["error"], self._where)
            told.update(message.get("aux") or {})
            lines.hear(message)
            if time.monotonic() > deadline:
                raise TimedOut("")
        return told

    def _messages(
        self,
        asked: Asked,
        path: str,
        parameters: Mapping[str, str],
        auth: RegistryAuth | None,
        timeout_s: float,
    ) -> Generator[Mapping[str, Any], None, None]:
        """Asked as the SDK does, whose own methods wait for ever for an engine that is silent."""
        client = self._client
        response = client._post(
            client._url("{0}", path),
            params=parameters,
            headers=self._headers(asked.registry, auth),
            stream=True,
            timeout=max(1.0, timeout_s),
        )
        with closing(response):  # by which an engine knows that it may stop
            client._raise_for_status(response)
            yield from client._stream_helper(response, decode=True)

    def _headers(self, registry: str, auth: RegistryAuth | None) -> Mapping[str, str]:
        """Without ``auth`` those that this machine's user has logged in with, if any."""
        from docker.auth import encode_header, get_config_header

        if auth is None:
            header = get_config_header(self._client, registry) or encode_header({})
        else:
            header = encode_header({"username": auth.username, "password": auth.password})
        return {"X-Registry-Auth": header.decode() if isinstance(header, bytes) else header}


def _parted(reference: str) -> tuple[str, str]:
    """Without a tag an engine would transfer all of them."""
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(reference)
    return repository, tag or "latest"
