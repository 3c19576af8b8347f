"""Amazon EC2 on loopback: moto's, mended where it does not do as EC2 does, with faults on request.

What is mended: the namespace of answers and errors; ``<return>true</return>``; lists whose numbers
begin at 0 or that have none, as libcloud sends them; client tokens; the default subnet; security
groups that are in use.
"""

from __future__ import annotations

import re
import secrets
import socket
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qsl, urlencode

import boto3
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

REGION = "us-east-1"
KEY, SECRET = "AKIAEXAMPLE", "an-example-of-a-secret"
IMAGE = "ami-785db401"  # Ubuntu
STATES = ("pending", "running", "stopping", "stopped", "shutting-down")
"""Of an instance that is not terminated."""

_NAMESPACE = b' xmlns="http://ec2.amazonaws.com/doc/2016-11-15"'
_EMPTY = re.compile(rb"(<\w+Response[^>]*>)(<requestId>)")
_INSTANCE = re.compile(r"<instanceId>(i-\w+)</instanceId>")
_FROM_ZERO = re.compile(r"^(\w+)\.(\d+)(\..+)?$")
_UNNUMBERED = {"DescribeKeyPairs": "KeyName"}

Answer = tuple[str, bytes]
"""The status line and the body."""


@dataclass(frozen=True)
class Call:
    action: str
    parameters: Mapping[str, str]


@dataclass
class Fault:
    """What the next ``times`` calls of ``action`` with these ``parameters`` meet: an error of
    ``code``; or, without one, they take place, ``then`` is called, and their answer is lost."""

    action: str
    code: str | None = None
    status: str = "503 Service Unavailable"
    times: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[], object] = lambda: None

    def meets(self, call: Call) -> bool:
        return (
            self.times > 0
            and call.action == self.action
            and self.parameters.items() <= call.parameters.items()
        )


class Ec2:
    """An account of its own. ``calls``: all that were received. ``follow`` is told of each call
    that took place, before it is answered."""

    def __init__(self) -> None:
        self.account = f"{secrets.randbelow(10**12):012}"
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.follow: Callable[[Call], None] = lambda _: None
        self.port = 0
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._tokens: dict[str, tuple[Mapping[str, str], bytes]] = {}
        self._lock = threading.RLock()

    @property
    def backend(self) -> Any:
        """moto's own state."""
        return ec2_backends[self.account][REGION]

    def client(self) -> Any:
        """Of boto3's: what somebody else sees."""
        return boto3.client(
            "ec2",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )

    def arguments(self) -> dict[str, object]:
        """Of libcloud's driver."""
        endpoint = {"secure": False, "host": "127.0.0.1", "port": self.port}
        return {"key": KEY, "secret": SECRET, "region": REGION, "signature_version": "4"} | endpoint

    def instances(self, *states: str) -> list[dict[str, Any]]:
        """As described: in these states, or else in any but terminated."""
        wanted = [{"Name": "instance-state-name", "Values": list(states or STATES)}]
        return self._described(Filters=wanted)

    def described(self, *instance_ids: str) -> list[dict[str, Any]]:
        return self._described(InstanceIds=list(instance_ids))

    def _described(self, **wanted: Any) -> list[dict[str, Any]]:
        found = self.client().describe_instances(**wanted)["Reservations"]
        return [instance for reservation in found for instance in reservation["Instances"]]

    def user_data(self, instance_id: str) -> str:
        asked = {"InstanceId": instance_id, "Attribute": "userData"}
        found = self.client().describe_instance_attribute(**asked)["UserData"]
        return b64decode(found.get("Value", "")).decode()

    def settle_at(self, cidr: str) -> None:
        """Have the default network there, with a subnet for each zone."""
        backend = self.backend
        for subnet in backend.describe_subnets():
            backend.delete_subnet(subnet.id)
        del backend.vpcs[backend.default_vpc.id]
        backend.default_vpc = backend.create_vpc(cidr, is_default=True)
        zones = backend.describe_availability_zones()
        parts = ip_network(cidr).subnets(prefixlen_diff=3)
        for zone, part in zip(zones, parts, strict=False):
            backend.create_subnet(backend.default_vpc.id, str(part), availability_zone=zone.name)

    def received(self, action: str) -> list[Call]:
        return [call for call in self.calls if call.action == action]

    @contextmanager
    def meeting(self, *faults: Fault) -> Iterator[None]:
        self.faults = list(faults)
        try:
            yield
        finally:
            self.faults = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        call = _call_of(environ)
        with self._lock:
            status, body = self._answer(call, environ)
        start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, call: Call, environ: dict[str, Any]) -> Answer:
        self.calls.append(call)
        fault = next((fault for fault in self.faults if fault.meets(call)), None)
        if fault:
            fault.times -= 1
            if fault.code:
                return _error(fault.code, fault.status)
        status, body = self._refusal(call) or self._take_place(call, environ)
        if status.startswith("200"):
            self.follow(call)
        if fault:
            fault.then()
            raise ConnectionResetError("the answer is lost")  # the server hangs up
        return status, body

    def _take_place(self, call: Call, environ: dict[str, Any]) -> Answer:
        token = call.parameters.get("ClientToken")
        if token in self._tokens:
            return "200 OK", self._tokens[token][1]
        statuses: list[str] = []
        asked = {**environ, "HTTP_X_MOTO_ACCOUNT_ID": self.account}
        if environ["QUERY_STRING"]:
            asked["QUERY_STRING"] = urlencode({**call.parameters, **self._subnet(call)})
        body = b"".join(self._moto(asked, lambda status, *_: statuses.append(status)))
        if not statuses[0].startswith("200"):
            return statuses[0], body.replace(_NAMESPACE, b"")
        body = body.replace(_NAMESPACE, _NAMESPACE[:-1] + b'/"')
        body = _EMPTY.sub(rb"\1<return>true</return>\2", body)
        if token:
            self._tokens[token] = (call.parameters, body)
        return statuses[0], body

    def _subnet(self, call: Call) -> dict[str, str]:
        """That of the zone, for an instance that is to be in none: moto would put it nowhere."""
        if call.action != "RunInstances" or any("SubnetId" in name for name in call.parameters):
            return {}
        zone = call.parameters.get("Placement.AvailabilityZone", f"{REGION}a")
        return {"SubnetId": self.backend.get_default_subnets()[zone].id}

    def _refusal(self, call: Call) -> Answer | None:
        """What EC2 refuses and moto does not."""
        token = call.parameters.get("ClientToken")
        if token in self._tokens:
            before, body = self._tokens[token]
            if _without_signature(before) != _without_signature(call.parameters):
                return _error("IdempotentParameterMismatch", "400 Bad Request")
            made = _INSTANCE.findall(body.decode())
            if any(self.backend.get_instance(one).state == "terminated" for one in made):
                return _error("IdempotentInstanceTerminated", "400 Bad Request")
        if call.action == "DeleteSecurityGroup" and self._is_in_use(call.parameters):
            return _error("DependencyViolation", "400 Bad Request")
        return None

    def _is_in_use(self, parameters: Mapping[str, str]) -> bool:
        wanted = {parameters.get("GroupId"), parameters.get("GroupName")}
        return any(
            {group.id, group.name} & wanted
            for instance in self.backend.all_instances()
            if instance.state in STATES
            for holder in (instance.security_groups, *(n.group_set for n in instance.nics.values()))
            for group in holder
        )


@contextmanager
def serving() -> Iterator[Ec2]:
    ec2 = Ec2()
    server = make_server("127.0.0.1", 0, ec2, threaded=True, request_handler=_Handler)
    ec2.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield ec2
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(MotoRequestHandler):
    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's
        """Its line would show the whole request, user data and all."""


def _call_of(environ: dict[str, Any]) -> Call:
    """Its body can be read again."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = BytesIO(body)
    sent = dict(parse_qsl(environ["QUERY_STRING"]) + parse_qsl(body.decode()))
    action = sent.get("Action", "")
    parameters = _numbered(_from_one(sent), _UNNUMBERED.get(action))
    return Call(action, parameters)


def _from_one(sent: Mapping[str, str]) -> dict[str, str]:
    lists = {m[1] for name in sent if (m := _FROM_ZERO.match(name)) and m[2] == "0"}
    return {_one_more(name, lists): value for name, value in sent.items()}


def _one_more(name: str, lists: set[str]) -> str:
    found = _FROM_ZERO.match(name)
    if not found or found[1] not in lists:
        return name
    return f"{found[1]}.{int(found[2]) + 1}{found[3] or ''}"


def _numbered(parameters: dict[str, str], name: str | None) -> dict[str, str]:
    return {f"{key}.1" if key == name else key: value for key, value in parameters.items()}


def _without_signature(parameters: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in parameters.items() if not key.startswith("X-Amz-")}


def _error(code: str, status: str) -> Answer:
    body = (
        f"<Response><Errors><Error><Code>{code}</Code><Message>as EC2 would say {code}</Message>"
        "</Error></Errors><RequestID>request-id</RequestID></Response>"
    )
    return status, body.encode()
