"""A cloud in memory with the methods that the CLI calls, and what they were called with."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as LocalPath
from typing import Any

import pytest

from clocker.cloud import (
    AdoptReport,
    BuildReport,
    Copied,
    DnsReport,
    DownReport,
    DrainReport,
    Explanation,
    Finding,
    GcReport,
    Healed,
    HealReport,
    ImageView,
    LoadedImage,
    MoveReport,
    NetView,
    NetworkReport,
    NetworkStatus,
    PlannedContainer,
    PlannedHost,
    PruneReport,
    RemnantsReport,
    RemoveReport,
    RotationReport,
    ScaleReport,
    Status,
    Stay,
    UpPlan,
    UpReport,
)
from clocker.cloud.findings import (
    Findings,
    HostFinding,
    NameFinding,
    NameState,
    Path,
    Place,
    Problem,
)
from clocker.cloud.image_transfers import Pulled, Pushed
from clocker.cloud.registry import RegistryCheck, RegistryView, RegistryWishes
from clocker.cloud.remnants import Thing
from clocker.cloud.sharing import Sharing
from clocker.errors import ClockerError, MoreHostsNeeded, NotFound
from clocker.images import ImageKind, Images
from clocker.images.archive import RootImage
from clocker.images.prune import ImageFinding, Limits
from clocker.interfaces import Parts
from clocker.model import (
    Build,
    Check,
    CloudSpec,
    Container,
    ContainerRequest,
    ContainerState,
    Endpoint,
    Event,
    Host,
    HostState,
    HostView,
    ImageInfo,
    Judgement,
    LinkStatus,
    Net,
    NodePool,
    Offer,
    Port,
    Reason,
    Refusal,
    Registry,
    Remnant,
    RemnantKind,
    Resources,
    Result,
    SshAccess,
    Verdict,
)
from clocker.policies.heal_actions import Pending

HOST = Host(
    id="h1",
    name="demo-1",
    provider="local",
    state=HostState.READY,
    capacity=Resources(2, 2048, 0),
    gateway="10.210.0.1",
    access=SshAccess("172.30.0.2"),
    address="172.30.0.2",
    created_at=1000.0,
)


BUILT = BuildReport(
    "clocker/build:abc", "shop:1", "sha256:" + "a" * 64, "demo-1", 142_000_000, 1.5, ("demo-2",)
)


def container(name: str, **changes: Any) -> Container:
    request = ContainerRequest(
        "nginx", Resources(0.5, 256), name=name, env={"TOKEN": "tell-nobody"}, **changes
    )
    return Container(
        id=f"id-{name}",
        name=name,
        host_id="h1",
        state=ContainerState.RUNNING,
        request=request,
        address="10.210.0.5",
        mac="02:00:00:00:00:05",
        ports=tuple(Port(p.container, p.host_port or 32000, p.protocol) for p in request.ports),
        created_at=1000.0,
    )


BLUE = NetView(
    Net("blue", "10.210.16.0/24", 1000.0),
    "blue.demo.clocker",
    {"10.210.16.1": "host/demo-1"},
    254,
)
RIGHT = NameFinding("default", "demo-1", "web", NameState.RIGHT, ("10.210.0.5",), ("10.210.0.5",))
_HERE = Place("blue", "demo-1", "demo-1", "10.210.16.1")
_WEB = Place("blue", "web", "demo-2", "10.210.16.5", 77)
FINDINGS = Findings(
    (HostFinding("blue", "demo-1", LinkStatus("vxlan", 1390, 1390, "wireguard", ("172.30.0.3",))),),
    (Path(_HERE, _WEB, 1390, 1390), Path(_WEB, _HERE, None, 1390)),
    (RIGHT,),
)


LEFT = Finding(
    Thing("local", Remnant(RemnantKind.MACHINE, "i-0", "demo-demo-3")),
    1000.0,
    True,
    "its host is not on record",
)


SCALED = ScaleReport("2 hosts, room for 1 of 4 more: 1 host added", 4, 1, ("demo-3",))
HEALED = HealReport(
    done=(Healed("restarted", "web", "demo-1", "it ended with status 137"),),
    pending=(Pending("demo-2", "silent at 1 of 3 looks: no answer", 1030.0),),
)
MOVED = MoveReport("web", "demo-1", "demo-2", "10.210.0.5", 0.8)


def planned(price_hour: float | None = 0.0, provider: str = "local", **changes: Any) -> PlannedHost:
    has = Resources(1, 1024, 10240)
    offer = Offer(provider, "small", "debian-12", has, price_hour=price_hour, **changes)
    return PlannedHost("demo-?", provider, has, offer)


RANKED = Explanation(
    (
        Judgement(HOST, 1, (), (Reason("breadth_first", "holds 1 container", 1.0),)),
        Judgement(
            replace(HOST, name="demo-2"), None, (Refusal("fits", "cores: 2 wanted, 1 free"),)
        ),
    )
)


REGISTRY = RegistryView(
    Registry("registry.demo.clocker:5000", ca="PEM", push=True, address="10.210.0.9"),
    shared=True,
    container="registry",
    host="demo-1",
    state=ContainerState.RUNNING,
)

NGINX = ImageView(
    "nginx:latest", "sha256:" + "5" * 64, 142_000_000, ("demo-1",), created_at=1.0, used_by=("web",)
)


_OLD = ImageInfo("sha256:" + "7" * 64, ("clocker/install:3f2a",), 10, created_at=1.0)
STALE = ImageFinding("demo-1", _OLD, True, "it is old, and nothing uses it")
USED = ImageFinding("demo-2", _OLD, False, "used by web")


@dataclass
class FakeStock:
    cloud: FakeCloud

    def copy(self, name: str, host: str) -> Copied:
        self.cloud._called("copy", name, host)
        return Copied(name, NGINX.id, host, was_there=host == "demo-1")

    def remove(self, names: Sequence[str], hosts: Sequence[str] = ()) -> tuple[ImageFinding, ...]:
        self.cloud._called("remove_images", tuple(names), tuple(hosts))
        return tuple(ImageFinding("demo-1", _OLD, True, name) for name in names)

    def plan(self, limits: Limits, hosts: Sequence[str] = ()) -> tuple[ImageFinding, ...]:
        self.cloud._called("plan_prune", limits, tuple(hosts))
        return (STALE, USED)

    def prune(self, found: Sequence[ImageFinding]) -> PruneReport:
        self.cloud._called("prune", len(found))
        if self.cloud.unremoved is None:
            return PruneReport((STALE,), (USED,))
        return PruneReport((), (USED,), ((STALE, self.cloud.unremoved),))


@dataclass
class FakeMachine:
    record: Container
    cloud: FakeCloud
    host: Host = HOST

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def address(self) -> str:
        return self.record.address

    def run(self, command: Sequence[str], **options: Any) -> Result:
        self.cloud.calls.append(("run", list(command), options))
        return self.cloud.result

    def put(self, local: LocalPath, remote: str) -> None:
        self.cloud.calls.append(("put", str(local), remote))

    def get(self, remote: str, local: LocalPath) -> None:
        self.cloud.calls.append(("get", remote, str(local)))

    def ssh_command(self, args: Sequence[str] = ()) -> list[str]:
        return ["ssh", self.name, *args]

    def exec_command(
        self, command: Sequence[str], *, interactive: bool = False, tty: bool = False
    ) -> list[str]:
        flags = [*(["-i"] if interactive else []), *(["-t"] if tty else [])]
        return ["ssh", "demo-1", "docker", "exec", *flags, self.name, *command]


@dataclass
class FakeHost:
    cloud: FakeCloud
    name: str
    record: Host = HOST

    def cordon(self) -> Host:
        self.cloud._called("cordon", self.name)
        return replace(HOST, cordoned=True)

    def uncordon(self) -> Host:
        self.cloud._called("uncordon", self.name)
        return HOST

    def label(self, changes: dict[str, str | None]) -> Host:
        self.cloud._called("label", self.name, changes)
        return replace(HOST, labels={k: v for k, v in changes.items() if v is not None})

    def drain(self, *, volumes: bool = False, grace_s: float | None = None) -> DrainReport:
        self.cloud._called("drain", self.name, volumes, grace_s)
        return DrainReport(self.name, (MOVED,), self.cloud.stayed)

    def remove(
        self, *, volumes: bool = False, force: bool = False, grace_s: float | None = None
    ) -> RemoveReport:
        self.cloud._called("remove", self.name, volumes, force, grace_s)
        return RemoveReport(self.name, (MOVED,), ("db",) if force else ())

    def repair(self) -> Host:
        self.cloud._called("repair", self.name)
        return HOST


@dataclass
class FakeCloud:
    spec: CloudSpec = CloudSpec("demo", NodePool(("local",), 2, 4))
    containers: list[Container] = field(default_factory=list)
    plan: UpPlan = UpPlan()
    checks: tuple[Check, ...] = (Check("quota", Verdict.FINE, "3 of 20 used"),)
    up_report: UpReport = UpReport(unchanged=("demo-1", "demo-2"))
    result: Result = Result(0, b"out\n", b"err\n")
    failure: BaseException | None = None
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    problems: tuple[Problem, ...] = (Problem("lost", "a firewall", "open it"),)
    answers: tuple[NameFinding, ...] = (RIGHT,)
    left: tuple[Finding, ...] = (LEFT,)
    stayed: tuple[Stay, ...] = ()
    scaled: ScaleReport = SCALED
    healed: HealReport = HEALED
    unasked: tuple[ClockerError, ...] = ()
    unremoved: ClockerError | None = None
    registry_error: ClockerError | None = None
    new_host: PlannedHost | None = None
    explanation: Explanation = RANKED
    file: str | None = None
    progress: Any = None
    also: Sequence[str] = ()

    def __enter__(self) -> FakeCloud:
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append(("closed",))

    @cached_property
    def parts(self) -> Parts:
        """Of a cloud in memory with an application, for the verbs that see to those."""
        from applications import deployed_parts

        return deployed_parts()

    @cached_property
    def imaging(self) -> Images:
        return Images(self.parts.contexts)

    @cached_property
    def sharing(self) -> Sharing:
        return Sharing(self.parts, self.imaging)

    def _called(self, *call: Any) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure

    def plan_up(self) -> UpPlan:
        return self.plan

    def examine(self, provider: str) -> Iterator[Check]:
        self._called("examine", provider)
        return iter(self.checks)

    def up(self) -> UpReport:
        self._called("up")
        self.progress.step("demo-1", "engine")
        return self.up_report

    def down(self) -> DownReport:
        self._called("down")
        return DownReport(tuple(item.name for item in self.containers), ("demo-1",))

    def status(self) -> Status:
        return Status("demo", "demo.clocker", self.hosts(), "10.210.0.0/20", 4090, "/state")

    def hosts(self) -> tuple[HostView, ...]:
        return (HostView(HOST, tuple(self.containers)),)

    def host(self, name: str) -> FakeHost:
        return FakeHost(self, name)

    def plan_add_hosts(self, count: int = 1) -> UpPlan:
        self._called("plan_add_hosts", count)
        return self.plan

    def add_hosts(self, count: int = 1) -> tuple[str, ...]:
        self._called("add_hosts", count)
        return tuple(f"demo-{number + 3}" for number in range(count))

    def scale(self, *, dry_run: bool = False) -> ScaleReport:
        self._called("scale", dry_run)
        return self.scaled

    def heal(self, *, dry_run: bool = False, fenced: Sequence[str] = ()) -> HealReport:
        self._called("heal", dry_run, tuple(fenced))
        return self.healed

    def obtain_many(
        self, requests: Sequence[ContainerRequest], *, new_hosts: int | None = None
    ) -> list[FakeMachine]:
        needed = len(requests) if self.new_host else 0
        if new_hosts is not None and new_hosts < needed:
            raise MoreHostsNeeded("none of the hosts has room")
        self._called("obtain_many", list(requests))
        return [
            FakeMachine(container(item.name or "made-up", ports=item.ports), self)
            for item in requests
        ]

    def plan_obtain(self, requests: Sequence[ContainerRequest]) -> tuple[PlannedContainer, ...]:
        self._called("plan_obtain", list(requests))
        return tuple(PlannedContainer(item, "demo-?1", self.new_host) for item in requests)

    def explain(self, request: ContainerRequest) -> Explanation:
        self._called("explain", request)
        return self.explanation

    def release(self, name: str) -> None:
        self._called("release", name)
        self.machine(name)

    def list(self) -> tuple[Container, ...]:
        self._called("list")
        return tuple(self.containers)

    def machine(self, name: str) -> FakeMachine:
        for item in self.containers:
            if item.name == name:
                return FakeMachine(item, self)
        raise NotFound(f"no container is called {name!r}", remedy="clocker ps lists them")

    def start(self, name: str) -> None:
        self._called("start", name)

    def stop(self, name: str, grace_s: float | None = None) -> None:
        self._called("stop", name, grace_s)

    def restart(self, name: str, grace_s: float | None = None) -> None:
        self._called("restart", name, grace_s)

    def move(
        self,
        name: str,
        host: str | None = None,
        *,
        volumes: bool = False,
        force: bool = False,
        grace_s: float | None = None,
    ) -> MoveReport:
        self._called("move", name, host, volumes, force, grace_s)
        return MoveReport(name, "demo-1", host or "demo-2", "10.210.0.5", 0.8)

    def inspect(self, name: str) -> dict[str, Any]:
        self._called("inspect", name)
        return {"kind": "container", "container": {"name": name, "ports": []}, "host": "demo-1"}

    def logs(self, name: str, follow: bool = False, tail: int | None = None) -> Iterator[bytes]:
        self._called("logs", name, follow, tail)
        return iter([b"one\n", b"two\n"])

    def build(self, build: Build, **options: Any) -> BuildReport:
        self._called("build", build, options)
        options["on_line"] and options["on_line"]("Step 1/1 : FROM x")
        return BUILT

    def build_library(self, build: Build, name: str, **options: Any) -> Iterator[BuildReport]:
        self._called("build_library", build, name, options)
        yield replace(BUILT, name=f"{name}:3")
        yield replace(BUILT, name=f"{name}:3-slim")

    def registries(self) -> tuple[RegistryView, ...]:
        self._called("registries")
        return (REGISTRY,)

    def run_registry(self, name: str, wishes: RegistryWishes) -> RegistryView:
        self._called("run_registry", name, wishes)
        return REGISTRY

    def remove_registry(self, name: str, *, data: bool = False) -> None:
        self._called("remove_registry", name, data)

    def check_registry(self, name: str) -> tuple[RegistryCheck, ...]:
        self._called("check_registry", name)
        return (RegistryCheck("demo-1", self.registry_error),)

    def pull_image(self, reference: str, hosts: Sequence[str] = ()) -> Pulled:
        self._called("pull_image", reference, tuple(hosts))
        return Pulled(reference, ImageInfo("sha256:" + "a" * 64), ("demo-1", "demo-2"))

    def push_image(
        self, reference: str, target: str | None = None, *, host: str | None = None
    ) -> Pushed:
        self._called("push_image", reference, target, host)
        return Pushed(reference, target or f"registry/{reference}", "sha256:1", host or "demo-1")

    def stock(self) -> FakeStock:
        return FakeStock(self)

    def image_places(self, hosts: Sequence[str] = ()) -> tuple[str, ...]:
        self._called("image_places", tuple(hosts))
        return tuple(hosts) or ("this machine",)

    def load_base(
        self, image: RootImage, hosts: Sequence[str] = (), *, ssh: bool = False
    ) -> list[LoadedImage]:
        self._called("load_base", image.name, image.layer.read_bytes(), tuple(hosts), ssh)
        return [
            LoadedImage(image.name, image.id, place, 142_000_000)
            for place in self.image_places(hosts)
        ]

    def images(self) -> tuple[ImageView, ...]:
        self._called("images")
        return (NGINX, replace(NGINX, name="clocker/ssh:1", kind=ImageKind.SSH, used_by=()))

    def create_network(
        self, name: str, *, prefix: int | None = None, subnet: str | None = None
    ) -> NetView:
        self._called("create_network", name, prefix, subnet)
        return BLUE

    def remove_network(self, name: str) -> None:
        self._called("remove_network", name)

    def networks(self) -> tuple[NetView, ...]:
        return (BLUE,)

    def network(self, name: str) -> NetView:
        self._called("network", name)
        return BLUE

    def attach(self, name: str, network: str, address: str | None = None) -> Endpoint:
        self._called("attach", name, network, address)
        return Endpoint(network, "10.210.16.5", "02:42:0a:d2:10:05")

    def detach(self, name: str, network: str) -> None:
        self._called("detach", name, network)

    def network_status(self) -> NetworkStatus:
        return NetworkStatus("vxlan", (BLUE,), FINDINGS.hosts)

    def check_network(self, sample: int = 5) -> NetworkReport:
        self._called("check_network", sample)
        return NetworkReport(FINDINGS, self.problems)

    def repair_network(self) -> None:
        self._called("repair_network")

    def check_names(self) -> DnsReport:
        return DnsReport({"demo.clocker": {"web": ("10.210.0.5",)}}, self.answers, {})

    def events(self, after: int = 0, limit: int = 100) -> tuple[Event, ...]:
        self._called("events", after, limit)
        return (Event(1000.0, "root@here", "run", "container/web", "ok", "", 7),)

    def rotate_certs(self) -> RotationReport:
        self._called("rotate_certs")
        return RotationReport(2, ("demo-1",), resumed=False)

    def adopt(self) -> AdoptReport:
        self._called("adopt")
        return AdoptReport(("demo-1",), ("web",))

    def remnants(self, grace_s: float = 3600.0) -> RemnantsReport:
        self._called("remnants", grace_s)
        return RemnantsReport(self.left, self.unasked)

    def gc(self, found: Sequence[Finding]) -> GcReport:
        self._called("gc", len(found))
        going = tuple(item for item in found if item.goes)
        kept = tuple(item for item in found if not item.goes)
        if self.unremoved is None:
            return GcReport(going, kept)
        return GcReport(going[1:], kept, ((going[0], self.unremoved),))

    def ssh_config(self) -> str:
        return "Host web\n"

    def host_ssh_command(self, name: str, args: Sequence[str] = ()) -> Sequence[str]:
        return ["ssh", name, *args]


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Runs the CLI in this process, on a fake cloud."""

    def __init__(
        self, cloud: FakeCloud, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.cloud = cloud
        self._capsys = capsys
        self.patch = patch
        assembly = types.ModuleType("clocker.assembly")
        assembly.open_cloud = self._open  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "clocker.assembly", assembly)
        patch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    def _open(
        self, file: str | None = None, *, progress: Any = None, also: Sequence[str] = ()
    ) -> FakeCloud:
        self.cloud.file, self.cloud.progress, self.cloud.also = file, progress, also
        return self.cloud

    def __call__(self, *args: str) -> Outcome:
        from clocker.cli import main

        with pytest.raises(SystemExit) as ended:
            main(list(args))
        seen = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, seen.out, seen.err)
