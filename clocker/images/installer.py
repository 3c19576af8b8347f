"""Carries an install out, in a throw-away container of the image, and commits what has become of
it. It is told nothing but the steps: no variable, volume, key or secret of any request."""

from __future__ import annotations

import io
import tarfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from clocker.errors import BadInput, ClockerError, CommandFailed, EngineError, TimedOut
from clocker.images.install import NO_PACKAGE_MANAGER, content_digest, package_script
from clocker.images.kinds import BASE_LABEL, LAYER_LABEL, ImageKind
from clocker.interfaces import Engine
from clocker.model import ContainerSpec, ImageInfo, Install

KEY_LABEL = "clocker.install"
"""On a generated image: the key of its install."""

INSTALLER_LABEL = "clocker.installer"
"""On a throw-away container: the same."""

_TAIL_LINES = 20
_AFTER_S = 300
"""A container that nobody removes ends by itself, so long after its install's time."""

_STEP_SHOWN = 70


@dataclass(frozen=True, slots=True)
class Order:
    """``name``: of the throw-away container, whose ``labels`` say whose it is; ``tag``: of the
    outcome. ``on_line`` is told what is put out; ``before_commit`` may forbid it by raising."""

    base: ImageInfo
    install: Install
    key: str
    name: str
    tag: str
    labels: Mapping[str, str]
    on_line: Callable[[str], None]
    before_commit: Callable[[], None]


def install_in(engine: Engine, order: Order) -> ImageInfo:
    """CommandFailed with the last lines; TimedOut; BadInput for an image without a shell or
    package manager. Nothing is left of a failure."""
    _check_contents(order.install)
    container = engine.create(_spec(order))
    try:
        _Run(engine, order, container).all()
        order.before_commit()
        return _committed(engine, order, container)
    finally:
        engine.remove(container)


def _check_contents(install: Install) -> None:
    lacking = [
        f.target
        for f in install.files
        if content_digest(replace(f, digest="")) != content_digest(f)
    ]
    if lacking:
        raise BadInput(
            f"the contents of {', '.join(lacking)} are not on record",
            where="install",
            remedy="ask for a container with these files again: clocker adopt cannot know them",
        )


def _spec(order: Order) -> ContainerSpec:
    seconds = round(order.install.timeout_s + _AFTER_S)
    return ContainerSpec(
        name=order.name,
        image=order.base.id,
        hostname="install",
        labels={**order.labels, INSTALLER_LABEL: order.key},
        entrypoint=("/bin/sh", "-c", f"sleep {seconds}"),
        command=(),
    )


def _committed(engine: Engine, order: Order, container: str) -> ImageInfo:
    """Nobody's: a container of it must not be taken for one of the cloud's."""
    nobodys = dict.fromkeys((*order.labels, INSTALLER_LABEL), "")
    ours = {
        LAYER_LABEL: str(ImageKind.GENERATED),
        BASE_LABEL: order.base.id,
        KEY_LABEL: order.key,
    }
    made = engine.commit(
        container,
        reference=order.tag,
        labels={**nobodys, **ours},
        entrypoint=order.base.entrypoint,
        command=order.base.command,
    )
    found = engine.image(made)
    if found is None:
        raise EngineError("the image was committed, but is not there", where="image")
    return found


@dataclass
class _Run:
    engine: Engine
    order: Order
    container: str
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))

    def all(self) -> None:
        install = self.order.install
        self._deadline = time.monotonic() + install.timeout_s
        self._start()
        if install.files:
            self.engine.put_archive(self.container, "/", _tar(install))
        for name, command, env in self._steps():
            self._step(name, command, env)

    def _start(self) -> None:
        try:
            self.engine.start(self.container)
        except EngineError as error:
            raise self._lacks("no shell", error) if "/bin/sh" in error.what else error from error

    def _steps(self) -> Iterator[tuple[str, Sequence[str], Mapping[str, str]]]:
        install = self.order.install
        if install.packages:
            script = ("/bin/sh", "-c", package_script(), "install", *install.packages)
            yield f"packages {' '.join(install.packages)}", script, {}
        for command in install.commands:
            yield command, ("/bin/sh", "-ec", command), install.args

    def _step(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        shown = name.strip().splitlines()[0][:_STEP_SHOWN]
        self.order.on_line(f"> {shown}")
        left_s = max(0.1, self._deadline - time.monotonic())
        try:
            result = self.engine.exec(
                self.container,
                command,
                env=dict(env),
                user="0",
                timeout_s=left_s,
                on_line=self._hear,
            )
        except TimedOut as error:
            lines = "\n".join(["", *self.tail])
            limit = f"{self.order.install.timeout_s:g} s"
            raise TimedOut(
                f"the install took more than {limit}, at the step: {shown}{lines}",
                where=self._where,
                remedy="see what it waits for, or give it more time",
            ) from error
        if not result.ok:
            raise self._failed(shown, result.status)

    def _hear(self, line: str) -> None:
        self.tail.append(line)
        self.order.on_line(line)

    def _failed(self, step: str, status: int) -> ClockerError:
        tail = "\n".join(line for line in self.tail if line.strip())
        error = CommandFailed(
            f"this step of the install failed: {step}", status=status, tail=tail, where=self._where
        )
        if NO_PACKAGE_MANAGER in tail:
            return self._lacks("none of apt, dnf, yum and apk", error)
        return error

    def _lacks(self, what: str, error: ClockerError) -> ClockerError:
        return BadInput(
            f"nothing can be installed in {self._where}: it has {what}",
            where="install",
            remedy="use another image, or build one from a Dockerfile",
        )

    @property
    def _where(self) -> str:
        base = self.order.base
        return f"image {base.tags[0] if base.tags else base.id}"


def _tar(install: Install) -> bytes:
    """Root's files, the same bytes for the same contents."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for file in install.files:
            entry = tarfile.TarInfo(file.target.removeprefix("/"))
            entry.size, entry.mode = len(file.content), file.mode
            tar.addfile(entry, io.BytesIO(file.content))
    return packed.getvalue()
