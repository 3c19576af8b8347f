"""Everything that Clocker raises on purpose.

::

    ClockerError                  what, where, remedy; exit_code
    ├── BadInput             (2)  the caller must change what was asked
    │   ├── ConfigError           a document: file, line, path
    │   ├── NameTaken             another container or host has the name
    │   ├── NotFound              no such container, host, provider, cloud
    │   ├── MoreHostsNeeded       it takes more new hosts than the caller has allowed
    │   └── StoreTooNew           the store was written by a newer Clocker
    ├── NothingFits          (3)  no host can take it, and a new one would not either
    ├── InfrastructureError  (4)  something outside Clocker did not do its part
    │   ├── ProviderError         an infrastructure's API refused or failed
    │   │   └── Unavailable       it gives no machine now; another place might
    │   │       ├── NoCapacity    it has none left of this kind here
    │   │       ├── QuotaExceeded the account may have no more
    │   │       └── Throttled     it was asked too often
    │   ├── Unreachable           no connection to a machine, or to a registry
    │   │   └── TransferInterrupted  a registry went away in the midst of a pull or push
    │   ├── HostKeyChanged        a machine answers with another key than the pinned one
    │   ├── AuthenticationFailed  a machine refuses our key, or a registry our password
    │   ├── EngineError           a Docker Engine refused or failed
    │   │   ├── ImageNotFound     no source has the image
    │   │   └── RegistryUntrusted a registry's certificate is not one that the host accepts
    │   ├── CommandFailed         a command on a machine exited non-zero
    │   ├── TimedOut              a deadline passed
    │   ├── DeployFailed          services of an application, each with why
    │   ├── BootstrapFailed       hosts that could not be made ready, each with its step
    │   └── StoreError            the database failed (a full disk, a lock, a lost server)
    └── Interrupted        (130)  Ctrl-C or SIGTERM; what was begun is on record

Adapters translate their vendor's exceptions into these; no vendor exception leaves them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class ClockerError(Exception):
    """What went wrong (``what``), at which place (``where``), and what to do (``remedy``)."""

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"\n  remedy: {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{advice}"


class BadInput(ClockerError):
    exit_code = 2


class ConfigError(BadInput):
    pass


class NameTaken(BadInput):
    pass


class NotFound(BadInput):
    pass


class MoreHostsNeeded(BadInput):
    pass


class StoreTooNew(BadInput):
    pass


class NothingFits(ClockerError):
    """``reasons`` maps a host's name (``new host`` for the hypothetical one) to its refusals."""

    exit_code = 3

    def __init__(
        self,
        what: str,
        *,
        reasons: dict[str, tuple[str, ...]] | None = None,
        where: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.reasons = reasons or {}

    def __str__(self) -> str:
        lines = [f"  {name}: {'; '.join(why)}" for name, why in self.reasons.items()]
        return "\n".join([super().__str__(), *lines])


class InfrastructureError(ClockerError):
    exit_code = 4


class ProviderError(InfrastructureError):
    pass


class Unavailable(ProviderError):
    pass


class NoCapacity(Unavailable):
    pass


class QuotaExceeded(Unavailable):
    pass


class Throttled(Unavailable):
    pass


class Unreachable(InfrastructureError):
    pass


class TransferInterrupted(Unreachable):
    pass


class HostKeyChanged(InfrastructureError):
    pass


class AuthenticationFailed(InfrastructureError):
    pass


class EngineError(InfrastructureError):
    pass


class ImageNotFound(EngineError):
    pass


class RegistryUntrusted(EngineError):
    pass


class CommandFailed(InfrastructureError):
    """A command exited with ``status``; ``tail`` is the end of its output."""

    def __init__(
        self,
        what: str,
        *,
        status: int,
        tail: str = "",
        where: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.status = status
        self.tail = tail

    def __str__(self) -> str:
        return super().__str__() + (f"\n{self.tail}" if self.tail else "")


class TimedOut(InfrastructureError):
    pass


class BootstrapFailed(InfrastructureError):
    """``failures``: one error per host that failed; the other hosts are kept."""

    def __init__(self, what: str, *, failures: Sequence[ClockerError] = ()) -> None:
        super().__init__(what)
        self.failures = tuple(failures)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(str(failure) for failure in self.failures)])


class DeployFailed(InfrastructureError):
    """``failures``: the first error of each service that failed, by its name; the exit code is
    that of the first of them. What has been deployed stays."""

    def __init__(
        self, what: str, *, failures: Mapping[str, ClockerError], remedy: str | None = None
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.failures = dict(failures)
        for failure in failures.values():
            self.exit_code = failure.exit_code
            break

    def __str__(self) -> str:
        told = (f"service {service}: {failure}" for service, failure in self.failures.items())
        return "\n".join([self.what, *told, *([f"  remedy: {self.remedy}"] if self.remedy else [])])


class StoreError(InfrastructureError):
    pass


class Interrupted(ClockerError):
    exit_code = 130
