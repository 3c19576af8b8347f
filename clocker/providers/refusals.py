"""What an infrastructure's refusal means, told by its code, its words or its HTTP status.

The differences decide what happens next: where capacity is short another size or zone may do,
where a quota is used up it rarely does, and who asks too often asks again later."""

from __future__ import annotations

import re
from collections.abc import Mapping

from clocker.errors import NoCapacity, ProviderError, QuotaExceeded, Throttled, Unreachable


class AlreadyThere(ProviderError):
    """Somebody was first to make it."""


class InUse(ProviderError):
    """It cannot be removed yet."""


class Gone(ProviderError):
    """It does not exist (any more)."""


class TokenSpent(ProviderError):
    """The idempotency token has made a machine that is gone, or was for other arguments."""


# The first line that matches counts. Codes first (they are words that nothing else says), then
# the sentences of those that have no codes.
WORDS: tuple[tuple[str, type[ProviderError]], ...] = (
    # Amazon EC2, and what speaks its language
    (r"IdempotentInstanceTerminated|IdempotentParameterMismatch", TokenSpent),
    (r"RequestLimitExceeded|Throttling|RequestThrottled|TooManyRequests", Throttled),
    (r"Insufficient(Instance|Host|Reserved|Spot)?Capacity", NoCapacity),
    (r"InsufficientFreeAddressesInSubnet|SpotMaxPriceTooLow", NoCapacity),
    (r"instance type .* is not supported in your requested Availability Zone", NoCapacity),
    (r"(Instance|Vcpu|VPCResource|MaxSpotInstanceCount|Address|SecurityGroup)\w*LimitExceeded",
     QuotaExceeded),
    (r"MaxSpotInstanceCountExceeded|ResourceLimitExceeded", QuotaExceeded),
    (r"Invalid(KeyPair|Group|Permission)\.Duplicate", AlreadyThere),
    (r"DependencyViolation|InvalidGroup\.InUse|VolumeInUse", InUse),
    (r"Invalid(InstanceID|KeyPair|Group|GroupId|Volume)\.NotFound|KeyPairDoesNotExist", Gone),
    # Google Compute Engine
    (r"ZONE_RESOURCE_POOL_EXHAUSTED|resource_pool_exhausted|STOCKOUT", NoCapacity),
    (r"does not have enough resources available to fulfill", NoCapacity),
    (r"(user)?RateLimitExceeded|RATE_LIMIT_EXCEEDED", Throttled),
    (r"QUOTA_EXCEEDED|QuotaExceeded|quota '?[\w-]+'? exceeded", QuotaExceeded),
    (r"RESOURCE_IN_USE|ResourceInUse|SecurityGroupInUse|NicInUse", InUse),
    (r"RESOURCE_ALREADY_EXISTS|alreadyExists", AlreadyThere),
    # Azure
    (r"SkuNotAvailable|(Zonal|Overconstrained)?(Zonal)?Allocation(Request)?Failed", NoCapacity),
    (r"OverconstrainedAllocationRequest", NoCapacity),
    (r"OperationNotAllowed.*quota|exceeding (approved|quota)", QuotaExceeded),
    # OpenStack, OVH
    (r"No valid host was found|NoValidHost|No hosts? (was|were) found", NoCapacity),
    (r"quota(s|\(s\))? exceeded|exceeded.*quota|quotas_exceeded", QuotaExceeded),
    (r"over_?limit|OverLimit", Throttled),
    # CloudStack, Exoscale
    (r"Insufficient(Server|Address|Storage|VirtualNetwork)?Capacity", NoCapacity),
    (r"Unable to create a deployment for VM", NoCapacity),
    (r"Maximum (number|amount) of resources of type|ResourceAllocationException", QuotaExceeded),
    # The others, whose API says it in words
    (r"rate ?limit|too many requests|try again in \d+", Throttled),
    (r"(droplet|instance|server|account|resource|linode)s? limit", QuotaExceeded),
    (r"limit (has been |was )?(reached|exceeded)|LIMIT_REACHED|reached the (maximum|limit)",
     QuotaExceeded),
    (r"out of (stock|capacity)|(not|no longer|currently un)available (in|at|for) (this|the|that)",
     NoCapacity),
    (r"already (exists|in use on|been taken|registered)|must be unique|duplicate", AlreadyThere),
    (r"(still|currently|is) in use|has active|cannot be deleted while", InUse),
)  # fmt: skip

STATUSES: Mapping[int, type[ProviderError]] = {429: Throttled, 503: Throttled, 404: Gone}

_PATTERNS = tuple((re.compile(words, re.IGNORECASE), kind) for words, kind in WORDS)


def refusal_of(error: Exception) -> type[ProviderError] | None:
    """The kind of refusal; None when the table does not know it."""
    text = f"{getattr(error, 'code', '')} {getattr(error, 'explanation', '')} {error}"
    return refusal_in(text) or STATUSES.get(status_of(error))


def refusal_in(text: str) -> type[ProviderError] | None:
    return next((kind for pattern, kind in _PATTERNS if pattern.search(text)), None)


def is_definite(error: Exception) -> bool:
    """Whether the infrastructure has said no: nothing was made by the call that it answers so."""
    if not isinstance(error, (ProviderError, Unreachable)):
        return True
    cause = error.__cause__
    if not isinstance(cause, Exception) or isinstance(cause, TypeError):
        return True  # it was refused on this side
    return refusal_of(cause) is not None or 400 <= status_of(cause) < 500


def status_of(error: Exception) -> int:
    """The HTTP status, as far as a driver lets it through; 0 where it does not."""
    text = f"{getattr(error, 'code', '')} {getattr(error, 'explanation', '')} {error}"
    for name in ("http_code", "code", "status"):
        status = str(getattr(error, name, ""))
        if re.fullmatch(r"[1-5]\d\d", status):
            return int(status)
    found = re.search(r"(?:^\s*|\(|HTTP |status code:? |code: )([45]\d\d)\b", text)
    return int(found[1]) if found else 0
