"""Every seam of Clocker. A docstring here is the contract; ``tests/contract`` holds each
implementation, and the fakes of ``clocker.testing``, to it.

Common to all: implementations raise only ``clocker.errors``; times are seconds; sizes are MiB
unless the name says bytes; every method may be called again after a crash and converges.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from clocker.model import (
    Attachment,
    Build,
    Check,
    CloudSpec,
    Container,
    ContainerSpec,
    ContainerStatus,
    Deployment,
    EngineEvent,
    EngineInfo,
    Event,
    Host,
    HostRequest,
    HostView,
    ImageInfo,
    Lease,
    LinkStatus,
    Net,
    Node,
    Offer,
    Opening,
    RegistryAuth,
    Remnant,
    Restart,
    Result,
    SshAccess,
    Wishes,
)

Clock: TypeAlias = Callable[[], float]


class Provider(Protocol):
    """An account at an infrastructure: a location of virtual machines."""

    @property
    def name(self) -> str: ...

    @property
    def lag_s(self) -> float:
        """How long a machine that has been made may be missing from ``list``."""
        ...

    def plan(self, request: HostRequest) -> Offer:
        """What ``obtain`` would make first; nothing is made. ProviderError when nothing fits."""
        ...

    def examine(self, request: HostRequest) -> Iterator[Check]:
        """All that ``obtain`` will need: the credentials, then quota, image, size, key and
        firewall as far as they can be read. Makes nothing; raises nothing for what is wrong."""
        ...

    def obtain(self, request: HostRequest) -> Node:
        """The machine for ``request``, made if no live machine carries its id; returns once its
        address is known. Asking again with the same id gives the same machine. Its access has the
        request's host key where the user data sees to it, and else none.
        ProviderError: refused (nothing is left behind), Unavailable where another place might
        do; TimedOut: destroyed, nothing left but the machine on record."""
        ...

    def release(self, node_id: str) -> None:
        """Destroy the machine and what was made only for it. A machine that is already gone is
        a success. Refuses (ProviderError) one without Clocker's tags."""
        ...

    def list(self, cloud: str) -> Sequence[Node]:
        """All live machines that carry ``clocker-cloud: cloud``, whoever made them."""
        ...

    def clean(self, cloud: str) -> None:
        """Remove what was shared by the cloud's machines (networks, key pairs, groups), once
        none of them is left. A second call finds nothing and succeeds."""
        ...

    def remnants(self, cloud: str) -> Sequence[Remnant]:
        """Everything that carries this cloud's tags or names: machines, and what was made for
        them. What others made is never among it."""
        ...

    def remove(self, remnant: Remnant) -> None:
        """Destroy it; one that is gone is a success. ProviderError: it is in use, or it does
        not carry (any more) what made it a remnant."""
        ...


class Shell(Protocol):
    """Commands on one machine. Closing is harmless to others that use the same connection."""

    def run(
        self,
        command: str,
        *,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Result:
        """Run a POSIX shell command line as root. A non-zero exit is a Result, not an error.
        ``on_line`` receives each line of stdout when it comes. TimedOut, Unreachable,
        AuthenticationFailed, HostKeyChanged."""
        ...

    def put(self, data: bytes, path: str, *, mode: int = 0o644) -> None:
        """Write a file whole or not at all (a temporary name, then rename)."""
        ...

    def get(self, path: str) -> bytes:
        """NotFound when there is no such file."""
        ...

    def close(self) -> None: ...


class Engine(Protocol):
    """The Docker Engine of one host. ``container`` arguments are engine ids or names.
    NotFound: no such container; EngineError: anything else that the engine refuses."""

    def info(self) -> EngineInfo: ...

    def create(self, spec: ContainerSpec) -> str:
        """Create, not start. Returns the engine's id; ImageNotFound; EngineError when the name,
        the address or a port is taken."""
        ...

    def start(self, container: str) -> None: ...

    def stop(self, container: str, *, grace_s: float = 10.0) -> None: ...

    def restart(self, container: str, *, grace_s: float = 10.0) -> None: ...

    def set_restart(self, container: str, restart: Restart) -> None:
        """Change its restart policy."""
        ...

    def remove(self, container: str) -> None:
        """Kill and remove with its anonymous volumes; one that is gone is a success."""
        ...

    def connect(self, container: str, attachment: Attachment) -> None:
        """Put the container, running or not, on one more network. One that is there with this
        address already is left alone. EngineError when somebody else has the address."""
        ...

    def disconnect(self, container: str, network: str) -> None:
        """Take it off; one that is not on it, or gone, is a success."""
        ...

    def inspect(self, container: str) -> ContainerStatus: ...

    def list(self, labels: Mapping[str, str]) -> Sequence[ContainerStatus]:
        """All containers, running or not, that carry all these labels."""
        ...

    def events(
        self, labels: Mapping[str, str], *, wait_s: float = 1.0
    ) -> Generator[EngineEvent | None, None, None]:
        """What befalls the containers with these labels, from this call on. None whenever nothing
        did for ``wait_s``, so that whoever reads them can stop; then they are to be closed.
        InfrastructureError when they cannot be had, or end."""
        ...

    def environment(self, container: str) -> Mapping[str, str]:
        """The container's variables besides its image's: needed to adopt it."""
        ...

    def exec(
        self,
        container: str,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        workdir: str | None = None,
        timeout_s: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Result:
        """Run to the end. ``on_line`` receives each line of both outputs when it comes. TimedOut:
        the command is killed in the container first."""
        ...

    def commit(
        self,
        container: str,
        *,
        reference: str,
        labels: Mapping[str, str],
        entrypoint: Sequence[str] = (),
        command: Sequence[str] = (),
    ) -> str:
        """Its files as an image of that name (with a tag), which runs these; returns the image's
        id. Variables, user and the like are the container's. So are its labels: one that should
        not be the image's is given empty in ``labels``. It does not run meanwhile. What is mounted
        into it does not come along."""
        ...

    def put_archive(self, container: str, path: str, tar: bytes) -> None:
        """Unpack a tar below directory ``path``; works on a container not yet started."""
        ...

    def get_archive(self, container: str, path: str) -> bytes:
        """A tar of the file or directory at ``path``."""
        ...

    def read_archive(self, container: str, path: str) -> Iterator[bytes]:
        """As ``get_archive``, piece by piece."""
        ...

    def write_archive(self, container: str, path: str, tar: Iterable[bytes]) -> None:
        """As ``put_archive``, piece by piece; owners and modes are the tar's."""
        ...

    def logs(
        self, container: str, *, follow: bool = False, tail: int | None = None
    ) -> Iterator[bytes]: ...

    def image(self, reference: str) -> ImageInfo | None:
        """The image by name, tag, digest or id, if this engine has it."""
        ...

    def list_images(self) -> Sequence[ImageInfo]:
        """All that have a name. Of each only its id, tags, size, labels and time are told."""
        ...

    def tag(self, image: str, reference: str) -> None:
        """Name an image that is here; the name is taken from any other that has it."""
        ...

    def pull(
        self,
        reference: str,
        *,
        auth: RegistryAuth | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout_s: float = 300.0,
    ) -> None:
        """From its registry. ImageNotFound: that has none; Unreachable, RegistryUntrusted (its
        certificate), AuthenticationFailed (``auth``), TransferInterrupted and TimedOut: nothing
        has the name that had not, and the next try goes on from what has come."""
        ...

    def push(
        self,
        reference: str,
        *,
        auth: RegistryAuth | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout_s: float = 600.0,
    ) -> str:
        """To its registry, where the name appears when all is there; returns the digest there.
        ImageNotFound: it is not here; else as ``pull``."""
        ...

    def save(self, reference: str) -> Iterator[bytes]: ...

    def load(self, archive: Iterable[bytes]) -> None:
        """A layer need not be in the archive where the engine has all layers up to it; EngineError
        otherwise, and from engines that want archives whole."""
        ...

    def build(
        self,
        context: bytes | BinaryIO,
        *,
        tag: str,
        labels: Mapping[str, str],
        timeout_s: float,
        dockerfile: str = "Dockerfile",
        args: Mapping[str, str] | None = None,
        target: str | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Build a tar (a file: from where it stands) with ``dockerfile`` in it, up to the stage
        ``target``; returns the image id. ``args`` are told in the image's history. ``on_line``
        receives each line of output when it comes. CommandFailed carries the failing step's last
        lines; TimedOut: the build is ended on the engine. Whatever ends it early, no container
        and no image of it is left."""
        ...

    def remove_image(self, reference: str) -> None: ...

    def remove_volumes(self, labels: Mapping[str, str]) -> None: ...

    def list_volumes(self, labels: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
        """The labels, by name, of all volumes that carry these labels."""
        ...

    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None: ...

    def has_volume(self, name: str) -> bool: ...

    def remove_volume(self, name: str) -> None:
        """One that is gone is a success; EngineError when a container uses it."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What an engine builds from. ``digest``: hexadecimal, of all that determines what is built.
    ``dockerfile``: its path in ``tar``. ``images``: by name, those that it wants to be there."""

    tar: BinaryIO
    digest: str
    dockerfile: str
    images: tuple[str, ...] = ()


class Contexts(Protocol):
    """What images are built from, packed; gone again when it is left. BadInput: it is not there,
    is corrupt, or holds what is not taken from strangers; InfrastructureError: it cannot be had."""

    def open(self, build: Build) -> AbstractContextManager[Context]: ...

    def variants(self, build: Build) -> AbstractContextManager[Mapping[str, Context]]:
        """Of a checkout with a folder for each variant of an image: by their tags."""
        ...


class Connections(Protocol):
    """Opens (and keeps) what reaches a host. Thread-safe. AuthenticationFailed, HostKeyChanged
    and Unreachable name the host and the remedy."""

    def installer(self, host: Host) -> Shell:
        """A shell of its own for the bootstrap (Fabric)."""
        ...

    def shell(self, host: Host) -> Shell:
        """A shell over the kept-alive, multiplexed connection."""
        ...

    def engine(self, host: Host) -> Engine:
        """The host's engine: its socket, forwarded over the same connection, or where it listens
        with TLS. EngineError: its certificate has expired."""
        ...

    def home_engine(self) -> Engine | None:
        """The engine of the machine that Clocker runs on, if any: a source of images."""
        ...

    def await_ssh(self, access: SshAccess, *, timeout_s: float) -> SshAccess:
        """Wait until the machine answers SSH; returns the access with ``host_keys`` pinned:
        the known ones verified, else those of this first connection."""
        ...

    def forget(self, host: Host) -> None:
        """Close the connection to a host that is going away, and drop its pinned key."""
        ...

    def close(self) -> None:
        """Let go in this process; kept-alive connections stay for the next command."""
        ...


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An ed25519 pair in OpenSSH's formats; ``public`` is one line without a comment."""

    private: str = field(repr=False)
    public: str


class Keys(Protocol):
    """The cloud's SSH identity, and the pairs derived from it: the same purpose and id give the
    same pair for as long as the cloud's key lives, so no private key is ever stored twice."""

    @property
    def public(self) -> str:
        """What a machine must authorise for this controller to log in."""
        ...

    @property
    def private_path(self) -> str: ...

    def derive(self, purpose: str, identity: str) -> KeyPair:
        """A host key for a machine: ``purpose`` is ``host`` or ``container``. Other purposes: what
        secrets are made of that nobody stores."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One idempotent piece of the bootstrap: a template of ``templates/`` and its values."""

    name: str
    template: str
    values: Mapping[str, Any]


class Network(Protocol):
    """Joins containers across hosts. Everything on a host that a cloud's network needs is made
    by ``step`` (static) and ``sync`` (what changes when hosts come and go)."""

    def of(self, net: Net) -> Network:
        """The same for a further network of the cloud: the ``gateway`` of every host and the
        ``address`` of every container that it is given are those there."""
        ...

    def openings(self) -> Sequence[Opening]:
        """The ports at which the hosts must be able to reach each other."""
        ...

    def step(self, host: Host) -> Step: ...

    def supply(self, shell: Shell) -> None:
        """Bring to the host, before the step, what a script should not carry: a secret, a large
        file. What is there already is not sent again."""
        ...

    def prune(self, keep: Sequence[Net]) -> Step:
        """Undoes on a host all further networks that are not among ``keep``."""
        ...

    def membership(self, hosts: Sequence[Host], gateways: Sequence[Lease] = ()) -> str:
        """The hosts as one text, the same for each of them, which ``sync`` understands;
        ``gateways``: their addresses on further networks (owners are ``host/NAME``)."""
        ...

    def sync(self, shell: Shell, membership: str) -> None:
        """Make this host know exactly these members, in all networks; running containers
        notice nothing."""
        ...

    def status(self, shell: Shell) -> LinkStatus:
        """What this host says of the network now."""
        ...

    def attachment(self, container: Container) -> Attachment:
        """How the engine is to create the container on the network. Pure."""
        ...

    def announce(self, shell: Shell, container: Container, pid: int) -> None:
        """Tell the network where the container's address now is (gratuitous ARP)."""
        ...

    def leave(self, shell: Shell) -> None:
        """Remove every device, rule, route, unit and file of the cloud's network and names."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """A name of the cloud's zone and its address; published with its reverse. ``aliases``: more
    names for the address; one that several records share resolves to all of theirs."""

    name: str
    address: str
    aliases: tuple[str, ...] = ()


Answer: TypeAlias = frozenset[str] | None
"""The addresses of a name: empty when there is no such name, None when nobody answered."""


class Names(Protocol):
    """Serves the cloud's zone. Only the hosts that ``servers`` picks hold it; others forward."""

    def of(self, net: Net) -> Names:
        """The same for the zone of a further network of the cloud."""
        ...

    def step(self, host: Host) -> Step: ...

    def servers(self, hosts: Sequence[Host]) -> Sequence[Host]:
        """The authoritative ones among ``hosts``; stable as long as these hosts stay."""
        ...

    def publish(self, shell: Shell, records: Sequence[Record]) -> None:
        """Add or replace; resolvable when this returns. Others' records are left alone."""
        ...

    def withdraw(self, shell: Shell, names: Sequence[str]) -> None:
        """Remove these records, with their aliases."""
        ...

    def replace(self, shell: Shell, records: Sequence[Record]) -> None:
        """Make the zone exactly these records."""
        ...

    def ask(self, shell: Shell, host: Host, names: Sequence[str]) -> Mapping[str, Answer]:
        """What containers on this host are answered for ``names`` of the zone."""
        ...

    def held(self, shell: Shell) -> Sequence[Record]:
        """The records that this host holds; none on one that asks others."""
        ...


class Filter(Protocol):
    """A hard rule. Frozen, stateless, thread-safe.

    What a rule may offer besides, each optional:

    - ``among(views, request)``: the rule for this one decision, where it compares hosts with each
      other; ``views`` are all hosts, also those that are no candidates.
    - ``reads``: names of the request's fields that its answer depends on. By this it promises
      that nothing else does but the host's own view: what it said of a host is then kept until
      that host changes. None: it does not promise.
    - ``needs_usage``: true when it looks at the view's ``usage``; ``needs_offer``: when a host that
      is still to be made can only be judged by its provider's offer (region, zone, price);
      ``settled_by_making``: when a host may come out of its making otherwise than it was judged.
    - ``objection(container, request)``: for the rules of a ``container`` that is on a host: why
      another request may not come to that host, or None.
    """

    def refusal(self, view: HostView, request: Any) -> str | None:
        """None when the host may take the request (a ContainerRequest), else why not."""
        ...


class Preference(Protocol):
    """A soft rule: among hosts that all filters allow, the lowest cost wins; ties go to the
    next preference, at last to the host's name. ``among`` and ``reads`` as for a Filter."""

    def cost(self, view: HostView, request: Any) -> float:
        """Finite or infinite, never NaN."""
        ...

    def reason(self, view: HostView, request: Any) -> str:
        """What the cost says, for a person: ``holds 3 containers``."""
        ...


class Shaper(Protocol):
    """How a new host is to be. Frozen, stateless, thread-safe."""

    def shape(self, wishes: Wishes, request: Any) -> Wishes:
        """``wishes``, changed for a host that is made for the request (a ContainerRequest)."""
        ...


class Transaction(Protocol):
    """The cloud's state, consistent, and changed all at once or not at all. Values are the
    model's; ``put_*`` inserts or replaces by id. NameTaken when a name, address or host port
    would be owned twice."""

    def hosts(self) -> Sequence[Host]: ...

    def host(self, host_id: str) -> Host | None: ...

    def put_host(self, host: Host) -> None: ...

    def delete_host(self, host_id: str) -> None: ...

    def containers(self) -> Sequence[Container]:
        """By name."""
        ...

    def container(self, name: str) -> Container | None: ...

    def put_container(self, container: Container) -> None: ...

    def insert_containers(self, containers: Sequence[Container]) -> None:
        """Many at once, much sooner than one by one; NameTaken when one is not new, or as for
        ``put_container``: then none of them is inserted."""
        ...

    def delete_container(self, container_id: str) -> None: ...

    def leases(self) -> Sequence[Lease]:
        """Those that are held, by network and address."""
        ...

    def released_leases(self) -> Sequence[Lease]:
        """Those that are not held any more, and are neither held anew nor forgotten yet."""
        ...

    def put_lease(self, lease: Lease) -> None:
        """Hold an address that nobody holds; whoever held it before is forgotten."""
        ...

    def put_leases(self, leases: Sequence[Lease]) -> None:
        """Many at once, much sooner than one by one; NameTaken as for ``put_lease``: then none of
        them is put."""
        ...

    def release_leases(self, owner: str, at: float, *, network: str | None = None) -> None:
        """Let go of all addresses that the owner holds, or of those of one network."""
        ...

    def forget_leases(self, before: float) -> None:
        """Forget the leases that were released before then."""
        ...

    def networks(self) -> Sequence[Net]:
        """Those besides the default one, by name."""
        ...

    def network(self, name: str) -> Net | None: ...

    def put_network(self, net: Net) -> None:
        """Insert, or replace the one of that name."""
        ...

    def delete_network(self, name: str) -> None:
        """Forget it, and every lease of an address of it."""
        ...

    def applications(self) -> Sequence[Deployment]:
        """By name."""
        ...

    def application(self, name: str) -> Deployment | None: ...

    def put_application(self, deployment: Deployment) -> None:
        """Insert, or replace the one of that name."""
        ...

    def delete_application(self, name: str) -> None: ...

    def next_token(self) -> int:
        """A number larger than every one given before: ids that sort, and fencing tokens."""
        ...

    def append_event(self, event: Event) -> None: ...

    def append_events(self, events: Sequence[Event]) -> None:
        """In their order; much sooner than one by one."""
        ...

    def events(self, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """The newest ``limit`` events whose ``seq`` is above ``after``, oldest first."""
        ...

    def setting(self, key: str) -> str | None:
        """Small facts about the cloud (its bootstrap key's public half, say)."""
        ...

    def set_setting(self, key: str, value: str) -> None: ...


class Store(Protocol):
    """Where one cloud's state is kept between commands."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Writers of one cloud exclude each other across processes; commit at exit, roll back
        on any exception. Keep it short: no network call inside. StoreError, StoreTooNew."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent view without excluding writers; ``put_*`` and ``delete_*`` raise."""
        ...

    def erase(self) -> None:
        """Remove all of this cloud's state (the event log last)."""
        ...

    def close(self) -> None: ...


class Progress(Protocol):
    """Told what happens, for a person who waits. Thread-safe, never raises."""

    def step(self, subject: str, text: str) -> None:
        """``subject`` (a host or container) has begun ``text``."""
        ...

    def done(self, subject: str, text: str) -> None: ...

    def failed(self, subject: str, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a Cloud is made of; wired in ``clocker.assembly`` alone."""

    spec: CloudSpec
    store: Store
    providers: Mapping[str, Provider]
    connections: Connections
    keys: Keys
    network: Network
    names: Names
    contexts: Contexts
    progress: Progress
    clock: Clock
    sleep: Callable[[float], None]
    """For ``clock``'s seconds."""
    owner: str
    owner_is_dead: Callable[[str], bool]
    new_id: Callable[[], str]
    folder: Path
    """The cloud's folder under the XDG state home: keys, known hosts, the SQLite store."""
    login: Callable[[str], RegistryAuth | None] = lambda name: None
    """Of a registry of clocker.yaml, by its name there. Its password is fetched when it is needed;
    ConfigError says which cannot be had."""
