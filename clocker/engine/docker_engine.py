from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, BinaryIO

from clocker.engine import convert, networks
from clocker.engine.building import Recipe
from clocker.engine.events import follow_events
from clocker.engine.execution import Execution
from clocker.engine.images import EngineImages
from clocker.engine.logs import read_logs
from clocker.engine.ping import api_version
from clocker.engine.registries import EngineRegistries
from clocker.engine.translation import translated, translated_chunks
from clocker.engine.transport import Transport, transport_to
from clocker.errors import ClockerError, EngineError, NotFound
from clocker.model import (
    Attachment,
    ContainerSpec,
    ContainerStatus,
    EngineEvent,
    EngineInfo,
    ImageInfo,
    RegistryAuth,
    Restart,
    Result,
    TlsAccess,
)

if TYPE_CHECKING:
    from docker import APIClient

_STARTS = 2
_REMOVAL_S = 30.0


def open_engine(place: str | TlsAccess, *, name: str = "") -> DockerEngine:
    """The engine behind a unix socket, or behind TLS, one ping away; ``name`` is whose it is, for
    errors. Unreachable; EngineError when it is there and refuses; AuthenticationFailed when it
    refuses our certificate, HostKeyChanged when its own is not one of those that it may have."""
    transport = transport_to(place)
    where = name or transport.where
    with translated(where):
        client = transport.client(api_version(transport))
    return DockerEngine(client, transport, where)


class DockerEngine:
    """See ``clocker.interfaces.Engine``. Thread-safe."""

    def __init__(self, client: APIClient, transport: Transport, where: str) -> None:
        self._client: Any = client  # the SDK's stubs leave some of its methods untyped
        self._transport = transport
        self._where = where
        self._images = EngineImages(client, transport, where)
        self._registries = EngineRegistries(client, where)

    def info(self) -> EngineInfo:
        with translated(self._where):
            return convert.engine_info(self._client.info(), self._client.api_version)

    def create(self, spec: ContainerSpec) -> str:
        with translated(self._where):
            body = convert.create_body(spec, self._client.api_version)
            created = self._client.create_container_from_config(body, spec.name)
            return str(created["Id"])

    def start(self, container: str) -> None:
        with translated(self._where), self._starting:
            self._client.start(container)

    def stop(self, container: str, *, grace_s: float = 10.0) -> None:
        with translated(self._where):
            self._client.stop(container, timeout=math.ceil(grace_s))

    def restart(self, container: str, *, grace_s: float = 10.0) -> None:
        with translated(self._where):
            self._client.restart(container, timeout=math.ceil(grace_s))

    def set_restart(self, container: str, restart: Restart) -> None:
        with translated(self._where):
            policy = convert.restart_policy(restart)
            self._client.update_container(container, restart_policy=policy)

    def remove(self, container: str) -> None:
        deadline = time.monotonic() + _REMOVAL_S
        while True:
            try:
                with translated(self._where):
                    self._client.remove_container(container, v=True, force=True)
            except NotFound:
                return
            except EngineError as error:
                # Another process removes it: gone is gone, whoever did it.
                if "removal of container" not in error.what or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def connect(self, container: str, attachment: Attachment) -> None:
        with translated(self._where):
            networks.connect(self._client, container, attachment)

    def disconnect(self, container: str, network: str) -> None:
        try:
            with translated(self._where):
                networks.disconnect(self._client, container, network)
        except NotFound:
            return

    def inspect(self, container: str) -> ContainerStatus:
        with translated(self._where):
            return convert.inspected(self._client.inspect_container(container))

    def list(self, labels: Mapping[str, str]) -> Sequence[ContainerStatus]:
        with translated(self._where):
            found = self._client.containers(all=True, filters=convert.label_filter(labels))
            return [convert.listed(entry) for entry in found]

    def events(
        self, labels: Mapping[str, str], *, wait_s: float = 1.0
    ) -> Generator[EngineEvent | None, None, None]:
        return follow_events(self._client, self._transport, self._where, labels, wait_s)

    def environment(self, container: str) -> Mapping[str, str]:
        with translated(self._where):
            data = self._client.inspect_container(container)
            image = self._client.inspect_image(data["Image"])
            return convert.environment(data["Config"]["Env"], image["Config"]["Env"])

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
        execution = Execution(
            self._client, self._transport, container, env or {}, user, workdir, on_line
        )
        try:
            with translated(self._where):
                return execution.run(command, stdin, timeout_s)
        except ClockerError as error:
            error.where = error.where or f"{container} on {self._where}"
            raise

    def commit(
        self,
        container: str,
        *,
        reference: str,
        labels: Mapping[str, str],
        entrypoint: Sequence[str] = (),
        command: Sequence[str] = (),
    ) -> str:
        repository, _, tag = reference.rpartition(":")
        changes = {"Labels": dict(labels), "Entrypoint": [*entrypoint], "Cmd": [*command]}
        with translated(self._where):
            made = self._client.commit(container, repository, tag, pause=True, conf=changes)
            return str(made["Id"])

    def put_archive(self, container: str, path: str, tar: bytes) -> None:
        with translated(self._where):
            self._client.put_archive(container, path, tar)

    def get_archive(self, container: str, path: str) -> bytes:
        with translated(self._where):
            chunks, _ = self._client.get_archive(container, path)
            return b"".join(chunks)

    def read_archive(self, container: str, path: str) -> Iterator[bytes]:
        with translated(self._where):
            chunks, _ = self._client.get_archive(container, path)
        return translated_chunks(chunks, self._where)

    def write_archive(self, container: str, path: str, tar: Iterable[bytes]) -> None:
        with translated(self._where):
            self._client.put_archive(container, path, iter(tar))

    def logs(
        self, container: str, *, follow: bool = False, tail: int | None = None
    ) -> Iterator[bytes]:
        return read_logs(self._client, container, self._where, follow=follow, tail=tail)

    def image(self, reference: str) -> ImageInfo | None:
        return self._images.image(reference)

    def list_images(self) -> Sequence[ImageInfo]:
        return self._images.named()

    def tag(self, image: str, reference: str) -> None:
        self._registries.tag(image, reference)

    def pull(
        self,
        reference: str,
        *,
        auth: RegistryAuth | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout_s: float = 300.0,
    ) -> None:
        self._registries.pull(reference, auth, on_line, timeout_s)

    def push(
        self,
        reference: str,
        *,
        auth: RegistryAuth | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout_s: float = 600.0,
    ) -> str:
        return self._registries.push(reference, auth, on_line, timeout_s)

    def save(self, reference: str) -> Iterator[bytes]:
        return self._images.save(reference)

    def load(self, archive: Iterable[bytes]) -> None:
        self._images.load(archive)

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
        recipe = Recipe(tag, labels, dockerfile, args or {}, target)
        return self._images.build(context, recipe, timeout_s=timeout_s, on_line=on_line)

    def remove_image(self, reference: str) -> None:
        self._images.remove(reference)

    def remove_volumes(self, labels: Mapping[str, str]) -> None:
        for name in self.list_volumes(labels):
            self.remove_volume(name)

    def list_volumes(self, labels: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
        with translated(self._where):
            found = self._client.volumes(filters=convert.label_filter(labels))
        return {volume["Name"]: volume["Labels"] or {} for volume in found["Volumes"] or ()}

    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        with translated(self._where):
            self._client.create_volume(name, labels=dict(labels))

    def has_volume(self, name: str) -> bool:
        from docker.errors import NotFound as Gone

        with translated(self._where):
            try:
                self._client.inspect_volume(name)
            except Gone:
                return False
            return True

    def remove_volume(self, name: str) -> None:
        from docker.errors import NotFound as Gone

        with translated(self._where):
            try:
                self._client.remove_volume(name)
            except Gone:
                return

    @cached_property
    def _starting(self) -> BoundedSemaphore:
        """As many at once as the machine has cores: more only get in each other's way, and all
        of them run later for it."""
        return BoundedSemaphore(max(_STARTS, self._client.info()["NCPU"]))

    def close(self) -> None:
        """Let the pooled connections go; a later call opens new ones."""
        self._client.close()
