"""The one place where Clocker's errors become libcloud's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from libcloud.common.types import (
    InvalidCredsError,
    LibcloudError,
    ProviderError,
    ServiceUnavailableError,
)
from libcloud.compute.base import NodeDriver

from clocker import errors

# What it is, and the HTTP status that a provider would answer with: programs written for libcloud
# look at ``http_code``. The first line that matches counts; 401 and 503 have types of their own.
TABLE: tuple[tuple[type[errors.ClockerError], int], ...] = (
    (errors.NotFound, 404),
    (errors.NameTaken, 409),
    (errors.BadInput, 400),
    (errors.NothingFits, 507),
    (errors.AuthenticationFailed, 401),
    (errors.HostKeyChanged, 401),
    (errors.ImageNotFound, 404),
    (errors.Unreachable, 503),
    (errors.TimedOut, 504),
    (errors.InfrastructureError, 502),
)


@contextmanager
def translated(driver: NodeDriver) -> Iterator[None]:
    """A ClockerError from within leaves as libcloud's, with the original as its cause."""
    try:
        yield
    except errors.ClockerError as error:
        raise libcloud_error(error, driver) from error


def libcloud_error(error: errors.ClockerError, driver: NodeDriver) -> LibcloudError:
    said = "; ".join(line.strip() for line in str(error).splitlines())
    code = next((code for kind, code in TABLE if isinstance(error, kind)), None)
    if code is None:
        return LibcloudError(said, driver)
    if code == 401:
        return InvalidCredsError(said, driver)
    if code == 503:
        return ServiceUnavailableError(said, driver)
    return ProviderError(said, code, driver)
