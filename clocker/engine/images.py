"""Images of one engine: found, pulled, moved, built."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO

from clocker.engine.build_output import BuildOutput
from clocker.engine.build_remains import remove_remains
from clocker.engine.building import Recipe, attend_build
from clocker.engine.convert import image_info, listed_image
from clocker.engine.translation import complaint, translated, translated_chunks
from clocker.engine.transport import Transport
from clocker.errors import (
    ClockerError,
    CommandFailed,
    EngineError,
    ImageNotFound,
    TimedOut,
    Unreachable,
)
from clocker.model import ImageInfo

if TYPE_CHECKING:
    from docker import APIClient


class EngineImages:
    def __init__(self, client: APIClient, transport: Transport, where: str) -> None:
        self._client: Any = client  # the SDK's stubs leave some of its methods untyped
        self._transport = transport
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
        self,
        context: bytes | BinaryIO,
        recipe: Recipe,
        *,
        timeout_s: float,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        output = BuildOutput(on_line)
        try:
            with translated(self._where):
                return self._built(context, recipe, output, time.monotonic() + timeout_s)
        except BaseException as error:
            remove_remains(self._client, output, self._where)
            if isinstance(error, TimedOut):
                raise TimedOut(
                    f"building {recipe.tag} took more than {timeout_s:g} s",
                    where=self._where,
                    remedy="see which step takes so long, or give the build more time",
                ) from None
            raise

    def _built(
        self, context: bytes | BinaryIO, recipe: Recipe, output: BuildOutput, deadline: float
    ) -> str:
        version = self._client.api_version
        attend_build(self._transport, self._where, version, context, recipe, output, deadline)
        if output.complaint:
            raise self._build_failed(recipe.tag, output.complaint, output.tail)
        if not output.complete:
            raise Unreachable("the engine was lost while it was building", where=self._where)
        return str(self._client.inspect_image(recipe.tag)["Id"])

    def _build_failed(
        self, tag: str, message: Mapping[str, Any], lines: Iterable[str]
    ) -> ClockerError:
        said = str(message["error"]).strip()
        known = complaint(said, self._where)
        if type(known) is not EngineError or known.remedy:
            return known
        status = (message.get("errorDetail") or {}).get("code") or 1
        return CommandFailed(
            f"building {tag} failed: {said}",
            status=status,
            tail="\n".join(lines),
            where=self._where,
        )

    def remove(self, reference: str) -> None:
        try:
            with translated(self._where):
                self._client.remove_image(reference)
        except ImageNotFound:
            return
