from __future__ import annotations

from typing import Any

import pytest

from clocker.engine import convert
from clocker.model import (
    Attachment,
    ContainerSpec,
    HealthCheck,
    ImageInfo,
    Port,
    Resources,
    Restart,
    Volume,
)

PLAIN = ContainerSpec("cloud-a", "sha256:1", "a", {"l": "v"})


def test_a_plain_spec_says_only_what_is_asked() -> None:
    body = convert.create_body(PLAIN, "1.41")
    assert body["HostConfig"] == {
        "NanoCpus": 0,
        "Memory": 0,
        "Binds": [],
        "PortBindings": {},
        "CapAdd": [],
        "Privileged": False,
        "ReadonlyRootfs": False,
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "Init": False,
    }
    assert not {"Cmd", "Entrypoint", "User", "WorkingDir", "NetworkingConfig"} & body.keys()


def test_every_wish_has_its_field() -> None:
    spec = ContainerSpec(
        name="cloud-a",
        image="sha256:1",
        hostname="a",
        labels={"l": "v"},
        resources=Resources(1.5, 256),
        attachment=Attachment(
            "net", "10.0.0.2", "02:00:00:00:00:02", (Volume("/r", "/etc/resolv.conf", True),)
        ),
        env={"A": "b=c"},
        volumes=(Volume("data", "/data"), Volume("/srv", "/srv", read_only=True)),
        binds=(Volume("/run/s", "/run/secrets", read_only=True),),
        ports=(Port(80, 8080), Port(80, 8081), Port(53, 0, "udp")),
        command=(),
        entrypoint=("/x",),
        user="u",
        workdir="/w",
        capabilities=("NET_ADMIN",),
        privileged=True,
        read_only=True,
        interactive=True,
        init=True,
        stop_signal="SIGINT",
        stop_grace_s=2.5,
        restart=Restart("on-failure", 4),
        health=HealthCheck(("true",), 1.5, 2.5, 3, 4.0),
    )
    body = convert.create_body(spec, "1.41")
    host = body.pop("HostConfig")
    assert body == {
        "Image": "sha256:1",
        "Hostname": "a",
        "Labels": {"l": "v"},
        "Env": ["A=b=c"],
        "Cmd": [],
        "Entrypoint": ["/x"],
        "User": "u",
        "WorkingDir": "/w",
        "StopSignal": "SIGINT",
        "StopTimeout": 3,
        "OpenStdin": True,
        "Tty": True,
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Healthcheck": {
            "Test": ["CMD", "true"],
            "Interval": 1_500_000_000,
            "Timeout": 2_500_000_000,
            "Retries": 3,
            "StartPeriod": 4_000_000_000,
        },
        "MacAddress": "02:00:00:00:00:02",
        "NetworkingConfig": {
            "EndpointsConfig": {
                "net": {
                    "IPAMConfig": {"IPv4Address": "10.0.0.2"},
                    "MacAddress": "02:00:00:00:00:02",
                }
            }
        },
    }
    assert host == {
        "NanoCpus": 1_500_000_000,
        "Memory": 256 * 2**20,
        "Binds": ["data:/data", "/srv:/srv:ro", "/r:/etc/resolv.conf:ro"],
        "Mounts": [
            {
                "Type": "bind",
                "Source": "/run/s",
                "Target": "/run/secrets",
                "ReadOnly": True,
            }
        ],
        "PortBindings": {
            "80/tcp": [{"HostPort": "8080"}, {"HostPort": "8081"}],
            "53/udp": [{"HostPort": ""}],
        },
        "CapAdd": ["NET_ADMIN"],
        "Privileged": True,
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": "", "/run": ""},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 4},
        "Init": True,
        "NetworkMode": "net",
    }


@pytest.mark.parametrize(("version", "top"), [("1.9", True), ("1.43", True), ("1.44", False)])
def test_the_mac_stands_where_the_api_s_version_wants_it(version: str, top: bool) -> None:
    spec = ContainerSpec("n", "i", "h", {}, attachment=Attachment("net", "10.0.0.2", "02::2"))
    assert ("MacAddress" in convert.create_body(spec, version)) is top


def test_attempts_belong_to_on_failure_alone() -> None:
    spec = ContainerSpec("n", "i", "h", {}, restart=Restart("always", 4))
    policy = convert.create_body(spec, "1.41")["HostConfig"]["RestartPolicy"]
    assert policy == {"Name": "always", "MaximumRetryCount": 0}


@pytest.mark.parametrize(
    ("state", "said", "exit_code", "health"),
    [
        ("created", "Created", None, None),
        ("running", "Up 3 minutes", None, None),
        ("running", "Up 2 seconds (health: starting)", None, "starting"),
        ("running", "Up 3 minutes (healthy)", None, "healthy"),
        ("running", "Up About an hour (unhealthy)", None, "unhealthy"),
        ("paused", "Up 3 minutes (Paused)", None, None),
        ("restarting", "Restarting (1) 3 seconds ago", None, None),
        ("exited", "Exited (137) 2 hours ago", 137, None),
        ("exited", "Exited (0) Less than a second ago", 0, None),
        ("dead", "Dead", None, None),
    ],
)
def test_the_list_s_words(state: str, said: str, exit_code: int | None, health: str | None) -> None:
    status = convert.listed(_entry(State=state, Status=said))
    assert (status.state, status.exit_code, status.health) == (state, exit_code, health)


def test_the_list_s_ports_and_address() -> None:
    status = convert.listed(
        _entry(
            Ports=[
                {"PrivatePort": 81, "Type": "tcp"},
                {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
                {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
            ],
            NetworkSettings={
                "Networks": {"n": {"IPAddress": "", "IPAMConfig": {"IPv4Address": "10.0.0.9"}}}
            },
        )
    )
    assert status.ports == (Port(80, 8080),)
    assert (status.name, status.address) == ("cloud-a", "10.0.0.9")


def test_an_inspection_of_what_never_started() -> None:
    data = {
        "Id": "1",
        "Name": "/cloud-a",
        "Image": "sha256:1",
        "State": {
            "Status": "created",
            "Pid": 0,
            "ExitCode": 0,
            "StartedAt": "0001-01-01T00:00:00Z",
        },
        "Config": {"Labels": None, "Image": "busybox"},
        "HostConfig": {"Privileged": False, "PortBindings": {"80/tcp": [{"HostPort": "8080"}]}},
        "NetworkSettings": {"Ports": {}, "Networks": {"n": None}},
    }
    status = convert.inspected(data)
    assert (status.exit_code, status.started_at, status.address) == (None, None, None)
    assert status.ports == (Port(80, 8080),)
    assert status.name == "cloud-a" and status.labels == {}


def test_an_image_with_nothing_set() -> None:
    assert convert.image_info({"Id": "sha256:1", "RepoTags": None, "Config": None}) == ImageInfo(
        "sha256:1"
    )


def test_the_engine_names_architectures_as_images_do() -> None:
    data = {"ServerVersion": "26", "Architecture": "x86_64", "NCPU": 4, "MemTotal": 2**31}
    info = convert.engine_info(data, "1.45")
    assert (info.architecture, info.resources) == ("amd64", Resources(4.0, 2048))


def test_the_environment_is_what_the_image_has_not() -> None:
    container = ["A=1", "B=x=y", "C=changed", "EMPTY="]
    assert convert.environment(container, ["A=1", "C=own"]) == {
        "B": "x=y",
        "C": "changed",
        "EMPTY": "",
    }
    assert convert.environment(None, None) == {}


def _entry(**changes: Any) -> dict[str, Any]:
    plain = {
        "Id": "1",
        "Names": ["/cloud-a"],
        "Image": "busybox",
        "ImageID": "sha256:1",
        "State": "running",
        "Status": "Up 3 minutes",
    }
    return {**plain, **changes}


def test_images_have_their_time_and_layers() -> None:
    told = {
        "Id": "sha256:1",
        "Created": "2026-11-28T10:00:00.123456789Z",
        "RootFS": {"Type": "layers", "Layers": ["sha256:a", "sha256:b"]},
    }
    info = convert.image_info(told)
    assert (info.created_at, info.layers) == (1795860000.123456, ("sha256:a", "sha256:b"))
    assert convert.listed_image({"Id": "sha256:1", "Created": 1795860000}).created_at == 1795860000
    assert convert.image_info({"Id": "sha256:1", "Created": "0001-01-01T00:00:00Z"}).created_at == 0
