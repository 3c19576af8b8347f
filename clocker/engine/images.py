"""Images of one engine: found, pulled, moved, built."""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from clocker.engine.convert import image_info, listed_image
from clocker.engine.translation import complaint, translated, translated_chunks
from clocker.errors import ClockerError, CommandFailed, EngineError, ImageNotFound, TimedOut
from clocker.model import ImageInfo

if TYPE_CHECKING:
    from docker import APIClient

_TAIL_LINES = 20


class EngineImages:
    def __init__(self, client: APIClient, where: str) -> None:
        self._client: Any = client  # the SDK's stubs leave some of its methods untyped
        self._where = where

    def image(self, reference: str) -> ImageInfo | None:
        try:
            with translated(self._where):
                return image_info(self._client.inspect_image(reference))
        except ImageNotFound:
            return None

    def named(self) -> Sequence[ImageInfo]:
        with translated(self._where):
            images = map(listed_image, self._client.images())
            return [image for image in images if image.tags]

    def pull(self, reference: str, *, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        try:
            with translated(self._where):
                self._pull(reference, deadline, timeout_s)
        except TimedOut:
            raise
        except EngineError as error:
            if "disk of the host is full" in error.what:
                raise
            raise ImageNotFound(
                f"no such image, or its registry cannot be reached: {reference} ({error.what})",
                where=self._where,
                remedy="check the name, and that the host reaches the registry",
            ) from error

    def _pull(self, reference: str, deadline: float, timeout_s: float) -> None:
        progress = self._client.pull(reference, stream=True, decode=True)
        with closing(progress):
            for message in progress:
                if "error" in message:
                    raise complaint(message["error"], self._where)
                if time.monotonic() > deadline:
                    raise TimedOut(
                        f"pulling {reference} took more than {timeout_s:g} s", where=self._where
                    )

    def save(self, reference: str) -> Iterator[bytes]:
        with translated(self._where):
            chunks: Iterator[bytes] = self._client.get_image(reference)
        return translated_chunks(chunks, self._where)

    def load(self, archive: Iterable[bytes]) -> None:
        with translated(self._where):
            progress = self._client.load_image(iter(archive))
            with closing(progress):
                for message in progress:
                    if "error" in message:
                        raise complaint(message["error"], self._where)

    def build(
        self, context: bytes, *, tag: str, labels: Mapping[str, str], timeout_s: float
    ) -> str:
        deadline = time.monotonic() + timeout_s
        try:
            with translated(self._where):
                return self._build(context, tag, labels, deadline)
        except TimedOut:
            raise TimedOut(
                f"building {tag} took more than {timeout_s:g} s", where=self._where
            ) from None

    def _build(self, context: bytes, tag: str, labels: Mapping[str, str], deadline: float) -> str:
        progress = self._client.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            tag=tag,
            labels=dict(labels),
            rm=True,
            forcerm=True,
            decode=True,
            use_config_proxy=False,
            timeout=max(1, round(deadline - time.monotonic())),
        )
        lines: deque[str] = deque(maxlen=_TAIL_LINES)
        with closing(progress):
            for message in progress:
                if "error" in message:
                    raise self._build_failed(tag, message, lines)
                lines.extend(message.get("stream", "").splitlines())
                if time.monotonic() > deadline:
                    raise TimedOut("")
        return str(self._client.inspect_image(tag)["Id"])

    def _build_failed(
        self, tag: str, message: Mapping[str, Any], lines: Iterable[str]
    ) -> ClockerError:
        said = str(message["error"]).strip()
        known = complaint(said, self._where)
        if type(known) is not EngineError or known.remedy:
            return known
        status = (message.get("errorDetail") or {}).get("code") or 1
        tail = "\n".join(line for line in lines if line.strip())
        return CommandFailed(
            f"building {tag} failed: {said}", status=status, tail=tail, where=self._where
        )

    def remove(self, reference: str) -> None:
        try:
            with translated(self._where):
                self._client.remove_image(reference)
        except ImageNotFound:
            return
