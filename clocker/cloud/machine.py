"""The machine that a cloud hands out: a container, used like a VM."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clocker.cloud import ssh
from clocker.cloud.container_spec import engine_name
from clocker.errors import BadInput
from clocker.interfaces import Engine, Parts
from clocker.model import Container, Host, Result


@dataclass(frozen=True)
class ContainerMachine:
    """A container that can be used. ``record`` is what the cloud knows of it."""

    parts: Parts
    record: Container
    host: Host

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def address(self) -> str:
        return self.record.address

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        workdir: str | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Run a command in the container, without a shell of its own, to its end."""
        return self.engine.exec(
            self.engine_name,
            command,
            stdin=stdin,
            env=env,
            user=user,
            workdir=workdir,
            timeout_s=timeout_s,
        )

    def put(self, local: Path, remote: str) -> None:
        """Copy a file or folder into the container; ``remote`` names the copy, or, with a
        slash at its end, the folder that it is put in."""
        target = PurePosixPath(remote)
        name = Path(local).name if remote.endswith("/") else target.name
        folder = str(target if remote.endswith("/") else target.parent)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            archive.add(local, arcname=name, filter=_owned_by_root)
        self.engine.put_archive(self.engine_name, folder, buffer.getvalue())

    def get(self, remote: str, local: Path) -> None:
        """Copy a file or folder out of the container; into ``local`` if that is a folder."""
        target = Path(local)
        name = PurePosixPath(remote).name
        packed = self.engine.get_archive(self.engine_name, remote)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            into = target if target.is_dir() else target.parent
            for member in archive.getmembers():
                if not target.is_dir():
                    member.name = target.name + member.name.removeprefix(name)
                archive.extract(member, into, filter="data")

    def ssh_command(self, args: Sequence[str] = ()) -> list[str]:
        """An argv that logs in to the container's own sshd, or runs ``args`` there."""
        if not self.record.request.ssh:
            raise BadInput(
                f"{self.name} was not requested with ssh",
                where=f"container {self.name}",
                remedy=f"clocker exec -it {self.name} -- sh, or request it with --ssh",
            )
        return ssh.container_command(self.parts, self.record, args)

    def ssh_relay(self, port: int = 22) -> list[str]:
        """An argv whose standard input and output are a connection to a port of the container;
        empty when this machine reaches its address."""
        return ssh.relay_command(self.parts, self.host, self.address, port)

    def exec_command(
        self, command: Sequence[str], *, interactive: bool = False, tty: bool = False
    ) -> list[str]:
        """An argv that runs ``command`` in the container on this process's terminal."""
        return ssh.exec_command(
            self.parts, self.host, self.engine_name, command, interactive=interactive, tty=tty
        )

    @property
    def engine(self) -> Engine:
        return self.parts.connections.engine(self.host)

    @property
    def engine_name(self) -> str:
        return engine_name(self.parts.spec.name, self.record.name)


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
