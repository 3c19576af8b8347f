"""The one place where the exceptions of libcloud and of the Docker SDK end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from clocker.errors import (
    AuthenticationFailed,
    ClockerError,
    InfrastructureError,
    ProviderError,
    Unreachable,
)
from clocker.providers.refusals import refusal_of, status_of

UNAUTHORIZED = 401
# Those who hand out tokens (Google, Microsoft) answer wrong credentials as any other bad request,
# OVH as something that is forbidden.
_REFUSED = re.compile(
    r"Invalid JWT|Invalid grant|invalid_(grant|client)|unauthorized_client|AADSTS"
    r"|NOT_CREDENTIAL|INVALID_(CREDENTIAL|KEY)\b"
)
_CREDENTIALS = "check the credentials in the provider's `arguments`"

# Module, class, what it becomes, the remedy. The first line that matches counts. By name, since
# importing both libraries to translate an error that does not happen would slow every command.
TABLE: tuple[tuple[str, str, type[InfrastructureError], str | None], ...] = (
    (
        "libcloud",
        "InvalidCredsError",
        AuthenticationFailed,
        _CREDENTIALS,
    ),
    ("libcloud", "GoogleAuthError", AuthenticationFailed, _CREDENTIALS),
    ("libcloud", "ProviderError", ProviderError, None),
    ("libcloud", "LibcloudError", ProviderError, None),
    ("docker", "DockerException", ProviderError, None),
    ("requests", "RequestException", Unreachable, "check the network and the provider's address"),
    ("urllib3", "HTTPError", Unreachable, "check the network and the provider's address"),
    ("builtins", "OSError", Unreachable, "check the network and the provider's address"),
    # Many libcloud drivers raise a bare Exception for what their API refuses.
    ("builtins", "Exception", ProviderError, None),
)

# Some drivers ask by GET: then a host's private key, in its user data, is part of the address,
# which requests quotes in its errors. Scaleway's driver asks for its token by the token itself.
_SECRETS = re.compile(r"(/tokens/|/[^\s?]*\?)\S+")


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Whatever fails inside leaves as an error of Clocker's, which names ``where``."""
    try:
        yield
    except ClockerError:
        raise
    except Exception as error:
        raise _translate(error, where) from error


def _translate(error: Exception, where: str) -> InfrastructureError:
    for module, name, becomes, remedy in TABLE:
        if any(_is(base, module, name) for base in type(error).__mro__):
            if becomes is ProviderError:
                becomes = refusal_of(error) or ProviderError  # noqa: PLW2901
            if becomes is ProviderError and _is_of_credentials(error):
                becomes, remedy = AuthenticationFailed, _CREDENTIALS  # noqa: PLW2901
            return becomes(_sentence(error), where=where, remedy=remedy)
    raise error


def _is_of_credentials(error: Exception) -> bool:
    return status_of(error) == UNAUTHORIZED or _REFUSED.search(str(error)) is not None


def _is(cls: type, module: str, name: str) -> bool:
    return cls.__name__ == name and cls.__module__.split(".")[0] == module


def _sentence(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    text = _SECRETS.sub(r"\1...", str(explanation or error)).strip()
    return text or type(error).__name__
