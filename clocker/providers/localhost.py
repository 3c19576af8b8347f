"""This machine as the only host: its engine is adopted, and nothing on it is made or changed.

What no tag can say here (that a cloud has this machine) a marker file says: a JSON document of the
tags, in a folder of the machine's own, so that it survives the loss of a cloud's store."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clocker.errors import ClockerError, ProviderError
from clocker.model import (
    Check,
    HostRequest,
    Node,
    Offer,
    ProviderEntry,
    Remnant,
    RemnantKind,
    Resources,
    SshAccess,
    Verdict,
)
from clocker.providers.docker_engine import open_engine

NODE_ID = "localhost"
MARKER = "/var/lib/clocker/localhost.json"


@dataclass(frozen=True, slots=True)
class LocalhostProvider:
    """Options: ``marker`` (the file), ``socket`` (the engine's, as ``unix:///...``)."""

    entry: ProviderEntry

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def lag_s(self) -> float:
        return 0.0

    def plan(self, request: HostRequest) -> Offer:
        return Offer(self.name, "as it is", "as it is", Resources(), price_hour=0.0)

    def examine(self, request: HostRequest) -> Iterator[Check]:
        try:
            open_engine(self._option("socket")).close()
        except ClockerError as error:
            yield Check("engine", Verdict.WRONG, error.what, error.remedy)
        else:
            yield Check("engine", Verdict.FINE, "this machine's Docker Engine answers")
        held = self._read()
        if held.get("clocker-cloud") not in (None, request.cloud):
            text = f"this machine is a host of the cloud {held['clocker-cloud']}"
            yield Check("machine", Verdict.WRONG, text, "take that cloud down first")

    def obtain(self, request: HostRequest) -> Node:
        open_engine(self._option("socket")).close()
        tags = {
            **request.tags,
            "clocker-cloud": request.cloud,
            "clocker-host": request.id,
            "clocker-name": request.name,
        }
        held = self._claim(tags)
        if held.get("clocker-host") != request.id:
            raise ProviderError(
                f"this machine is already the host {held.get('clocker-name')} "
                f"of the cloud {held.get('clocker-cloud')}",
                where=self._where,
                remedy="one machine is one host: take that cloud down first, or use the "
                f"provider `local` (if that cloud is lost, remove {self._marker})",
            )
        return self._node(held)

    def release(self, node_id: str) -> None:
        if node_id != NODE_ID:
            return
        try:
            self._marker.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        with contextlib.suppress(OSError):  # not empty, or not ours
            self._marker.parent.rmdir()

    def list(self, cloud: str) -> Sequence[Node]:
        held = self._read()
        return (self._node(held),) if held.get("clocker-cloud") == cloud else ()

    def clean(self, cloud: str) -> None:
        """Nothing is shared: there is only one machine."""

    def remnants(self, cloud: str) -> Sequence[Remnant]:
        return tuple(
            Remnant(RemnantKind.MACHINE, node.id, node.name, node.tags) for node in self.list(cloud)
        )

    def remove(self, remnant: Remnant) -> None:
        self.release(remnant.id)

    @property
    def _where(self) -> str:
        return f"provider {self.entry.name}"

    @property
    def _marker(self) -> Path:
        return Path(self._option("marker") or MARKER)

    def _option(self, name: str) -> str | None:
        value = self.entry.options.get(name)
        return None if value is None else str(value)

    def _claim(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Write the marker whole, unless somebody was first; returns what is in it."""
        draft = self._marker.with_name(f".{self._marker.name}.{os.getpid()}")
        try:
            self._marker.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(dict(tags)))
            try:
                # A link appears at once and with its content, and fails if there is one.
                os.link(draft, self._marker)
            except FileExistsError:
                return self._read()
            finally:
                draft.unlink()
        except OSError as error:
            raise self._unwritable(error) from error
        return tags

    def _read(self) -> Mapping[str, str]:
        try:
            return {str(k): str(v) for k, v in json.loads(self._marker.read_text()).items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError) as error:
            raise ProviderError(
                f"{self._marker} cannot be read: {error}", where=self._where
            ) from error

    def _unwritable(self, error: OSError) -> ProviderError:
        return ProviderError(
            f"{self._marker} cannot be written: {error}", where=self._where, remedy="run as root"
        )

    def _node(self, tags: Mapping[str, str]) -> Node:
        return Node(
            id=NODE_ID,
            name=socket.gethostname(),
            tags=dict(tags),
            access=SshAccess(address="127.0.0.1", local=True),
            private_address=_own_address(),
        )


def _own_address() -> str:
    """The address this machine would send from; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
