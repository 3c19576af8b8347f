from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.google import GoogleBaseError, ResourceExistsError
from libcloud.common.types import InvalidCredsError, LibcloudError

from clocker.errors import (
    AuthenticationFailed,
    ClockerError,
    NoCapacity,
    ProviderError,
    QuotaExceeded,
    Throttled,
    Unreachable,
)
from clocker.providers.refusals import AlreadyThere, Gone, InUse, is_definite
from clocker.providers.retry import LONGEST_S, Patience, PatientDriver
from clocker.providers.translation import translated


def google(code: str, message: str, status: int = 400) -> GoogleBaseError:
    return GoogleBaseError({"message": message, "code": code}, status, code)


REFUSED: tuple[tuple[Exception, type[ProviderError]], ...] = (
    (BaseHTTPError(500, "InsufficientInstanceCapacity: We currently do not have ..."), NoCapacity),
    (BaseHTTPError(400, "InstanceLimitExceeded: You have requested more ..."), QuotaExceeded),
    (BaseHTTPError(400, "VcpuLimitExceeded: You have requested more vCPU"), QuotaExceeded),
    (BaseHTTPError(400, "MaxSpotInstanceCountExceeded: ..."), QuotaExceeded),
    (BaseHTTPError(503, "RequestLimitExceeded: Request limit exceeded."), Throttled),
    (BaseHTTPError(400, "InvalidKeyPair.Duplicate: The keypair already exists."), AlreadyThere),
    (BaseHTTPError(400, "InvalidGroup.Duplicate: The security group ..."), AlreadyThere),
    (BaseHTTPError(400, "InvalidPermission.Duplicate: the specified rule"), AlreadyThere),
    (BaseHTTPError(400, "DependencyViolation: resource sg-1 has a dependent object"), InUse),
    (BaseHTTPError(400, "InvalidInstanceID.NotFound: The instance ID"), Gone),
    (BaseHTTPError(400, "InvalidParameterValue: nonsense"), ProviderError),
    (google("ZONE_RESOURCE_POOL_EXHAUSTED", "The zone does not have enough"), NoCapacity),
    (google("QUOTA_EXCEEDED", "Quota 'CPUS' exceeded. Limit: 24.0"), QuotaExceeded),
    (google("rateLimitExceeded", "Rate Limit Exceeded", 403), Throttled),
    (ResourceExistsError({"message": "already exists"}, 409, "alreadyExists"), AlreadyThere),
    (BaseHTTPError(409, "[SkuNotAvailable] The requested VM size ..."), NoCapacity),
    (BaseHTTPError(409, "[AllocationFailed] Allocation failed."), NoCapacity),
    (BaseHTTPError(409, "[ZonalAllocationFailed] Allocation failed."), NoCapacity),
    (
        BaseHTTPError(409, "[OperationNotAllowed] would result in exceeding approved Cores quota"),
        QuotaExceeded,
    ),
    (BaseHTTPError(409, "[QuotaExceeded] Operation could not be completed"), QuotaExceeded),
    (BaseHTTPError(409, "[NicInUse] Network Interface is used"), InUse),
    (Exception("500 No valid host was found. There are not enough hosts"), NoCapacity),
    (BaseHTTPError(403, "403 Forbidden Quota exceeded for instances: Requested 1"), QuotaExceeded),
    (BaseHTTPError(413, "overLimit This request was rate-limited."), Throttled),
    (BaseHTTPError(409, "SecurityGroupInUse: Security Group x in use."), InUse),
    (BaseHTTPError(409, "Key pair 'clocker-demo' already exists."), AlreadyThere),
    (
        Exception("Unable to create a deployment for VM[User|demo] InsufficientServerCapacity"),
        NoCapacity,
    ),
    (Exception("Maximum number of resources of type 'user_vm' for account"), QuotaExceeded),
    (LibcloudError("This Security Group name already exists"), AlreadyThere),
    (Exception("creating this/these droplet(s) will exceed your droplet limit"), QuotaExceeded),
    (BaseHTTPError(422, "SSH Key is already in use on your account"), AlreadyThere),
    (RateLimitReachedError(), Throttled),
    (BaseHTTPError(429, "slow down"), Throttled),
    (BaseHTTPError(503, "busy"), Throttled),
    (BaseHTTPError(404, "no such thing"), Gone),
    (LibcloudError("something broke"), ProviderError),
)


@pytest.mark.parametrize(("error", "becomes"), REFUSED, ids=lambda each: str(each)[:40])
def test_why_something_is_refused(error: Exception, becomes: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught, translated("provider acme"):
        raise error

    assert type(caught.value) is becomes


def test_words_in_an_error_of_the_network_mean_nothing() -> None:
    with pytest.raises(Unreachable), translated("provider acme"):
        raise ConnectionResetError("the connection's limit was exceeded")


@pytest.mark.parametrize(
    ("error", "definite"),
    [
        (BaseHTTPError(400, "InvalidParameterValue: nonsense"), True),
        (BaseHTTPError(500, "InsufficientInstanceCapacity: none"), True),
        (BaseHTTPError(500, "InternalError: something broke"), False),
        (BaseHTTPError(502, "bad gateway"), False),
        (ConnectionResetError("lost"), False),
        (TimeoutError("lost"), False),
        (KeyError("instanceId"), False),
        (LibcloudError("what is this answer"), False),
        (TypeError("create_node() got an unexpected keyword"), True),
        (InvalidCredsError("no"), True),
    ],
)
def test_whether_an_answer_says_that_nothing_was_made(error: Exception, definite: bool) -> None:
    with pytest.raises(ClockerError) as caught, translated("provider acme"):
        raise error

    assert is_definite(caught.value) is definite


@dataclass
class Busy:
    """Says that it is asked too often ``times`` times."""

    times: int
    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    asked: int = 0

    def list_nodes(self) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise BaseHTTPError(429, "slow down")
        return "nodes"

    def broken(self) -> None:
        self.asked += 1
        raise InvalidCredsError("no")

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, chance: float = 1.0) -> Patience:
        return Patience(lambda: self.now, self.sleep, lambda: chance)


def test_it_is_asked_again_after_ever_longer_waits() -> None:
    busy = Busy(7)

    assert PatientDriver(busy, "acme", busy.patience(), until=1000.0).list_nodes() == "nodes"

    assert busy.slept == [1, 2, 4, 8, 16, LONGEST_S, LONGEST_S]


def test_the_waits_are_anything_up_to_that() -> None:
    busy = Busy(3)

    PatientDriver(busy, "acme", busy.patience(chance=0.25), until=1000.0).list_nodes()

    assert busy.slept == [0.25, 0.5, 1.0]


def test_patience_ends_before_the_deadline() -> None:
    busy = Busy(99)

    with pytest.raises(Throttled, match="slow down"):
        PatientDriver(busy, "acme", busy.patience(), until=20.0).list_nodes()

    assert busy.now < 20.0
    assert busy.asked == 5


def test_nothing_else_is_asked_again() -> None:
    busy = Busy(0)

    with pytest.raises(AuthenticationFailed):
        PatientDriver(busy, "acme", busy.patience(), until=20.0).broken()

    assert busy.asked == 1
