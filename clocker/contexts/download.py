"""An archive by its URL, known by its checksum before anything looks into it."""

from __future__ import annotations

import hashlib
import http.client
import time
from collections.abc import Callable
from typing import IO, Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from clocker.contexts.limits import MIB, Limits
from clocker.contexts.source import Download
from clocker.contexts.spool import write
from clocker.errors import BadInput, ClockerError, InfrastructureError, TimedOut, Unreachable

_CHUNK = 256 * 1024
_REDIRECTS = 5


def download(
    source: Download,
    file: BinaryIO,
    limits: Limits,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Into ``file``, which stands at its beginning then. BadInput: it is another one than the
    checksum says, or too large; Unreachable, TimedOut, InfrastructureError: the server's answer."""
    where = shown(source.url)
    with _open(source.url, where, limits) as answer:
        got = _receive(answer, file, where, limits, clock() + limits.download_s, clock)
    if f"sha256:{got}" != source.checksum:
        raise BadInput(
            f"what was downloaded has another checksum: sha256:{got}",
            where=where,
            remedy="find out which is right; if it is this one, give it",
        )
    file.seek(0)


def shown(url: str) -> str:
    """Without its query, which may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _open(url: str, where: str, limits: Limits) -> Any:
    opener = OpenerDirector()
    for handler in (
        ProxyHandler,
        HTTPHandler,
        HTTPSHandler,
        HTTPErrorProcessor,
        HTTPDefaultErrorHandler,
        _Redirects,
        UnknownHandler,
    ):
        opener.add_handler(handler())
    request = Request(url, headers={"User-Agent": "clocker"})  # noqa: S310 - http(s)
    try:
        return opener.open(request, timeout=limits.silence_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(error, where, limits) from error


class _Redirects(HTTPRedirectHandler):
    """A few, and never from what is encrypted to what is not."""

    max_redirections = _REDIRECTS

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme not in ("https", req.type):
            raise URLError(f"it redirects to {shown(newurl)}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _receive(
    answer: Any,
    file: BinaryIO,
    where: str,
    limits: Limits,
    deadline: float,
    clock: Callable[[], float],
) -> str:
    digest, size = hashlib.sha256(), 0
    while True:
        try:
            piece = answer.read1(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _failed(error, where, limits) from error
        if not piece:
            break
        size += len(piece)
        if size > limits.archive_bytes:
            raise BadInput(f"it is larger than {limits.archive_bytes // MIB} MiB", where=where)
        if clock() > deadline:
            raise TimedOut(f"the download took more than {limits.download_s:g} s", where=where)
        digest.update(piece)
        write(file, piece)
    if answer.length:  # what was announced and has not come
        raise Unreachable("the connection was lost in the middle of the download", where=where)
    return digest.hexdigest()


def _failed(error: Exception, where: str, limits: Limits) -> ClockerError:
    if isinstance(error, HTTPError):
        error.close()
        return InfrastructureError(
            f"the server answers {error.code} {error.reason}",
            where=where,
            remedy="check the URL; what needs a login, download yourself and build from the file",
        )
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return TimedOut(f"nothing came for {limits.silence_s:g} s", where=where)
    return Unreachable(f"the download failed: {reason}", where=where, remedy="check the URL")
