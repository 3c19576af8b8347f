"""A driver that holds a cloud: how it is opened, and how a node is found in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from libcloud.compute.base import Node

from clocker.assembly import open_cloud
from clocker.cloud import Cloud, ContainerMachine
from clocker.driver import shapes
from clocker.driver.boundary import translated
from clocker.driver.refused import RefusingDriver
from clocker.errors import NotFound
from clocker.model import Container, Host


class CloudDriver(RefusingDriver):
    def __init__(self, key: str | None = None, *, ex_cloud: Cloud | None = None) -> None:
        """``key``: path of a clocker.yaml instead of a secret; None: the one here or above.
        ``ex_cloud``: one that is open already, which the caller closes."""
        self.key = key
        self._own = ex_cloud is None
        with translated(self):
            self._cloud = ex_cloud or open_cloud(key)

    @property
    def ex_cloud(self) -> Cloud:
        """The cloud itself, for what this driver does not offer; it raises Clocker's errors."""
        return self._cloud

    def ex_close(self) -> None:
        if self._own:
            self._cloud.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.ex_close()

    @contextmanager
    def _on_cloud(self) -> Iterator[Cloud]:
        """Clocker's errors from within leave as libcloud's."""
        with translated(self):
            yield self._cloud

    def _machine(self, node: Node) -> ContainerMachine:
        """NotFound also when the name belongs to a successor by now."""
        found = self._cloud.machine(node.name)
        if found.record.id != node.id:
            raise NotFound(f"node {node.id} is gone; {node.name} is another one by now")
        return found

    def _hosts(self) -> dict[str, Host]:
        return {view.host.id: view.host for view in self._cloud.hosts()}

    def _node(self, record: Container, host: Host | None) -> Node:
        return shapes.node(record, host, self)
