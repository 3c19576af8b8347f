"""The images of one cloud: whoever asks first for one on a host brings it there, the others
wait for that and share its outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Lock

from clocker.errors import ImageNotFound
from clocker.images.built import (
    Once,
    Order,
    Tell,
    build_again,
    build_from,
    built_tag,
    is_built,
    is_built_tag,
    resolved,
)
from clocker.images.ensure import Logins, Sources, copy, ensure, nobody
from clocker.images.kinds import ImageKind, kind_of
from clocker.images.reference import Reference
from clocker.images.shared import Shared
from clocker.images.spec import Launch, launch
from clocker.images.sshd import layer_tag, layered
from clocker.interfaces import Context, Contexts, Engine
from clocker.model import Build, ContainerRequest, ImageInfo, Registry


class Images:
    """Thread-safe; one per Cloud. An engine is known by identity."""

    def __init__(
        self,
        contexts: Contexts | None = None,
        *,
        logins: Logins = nobody,
        pull_timeout_s: float = 300.0,
        build_timeout_s: float = 600.0,
    ) -> None:
        self._contexts = contexts
        self._logins = logins
        self.shared = Shared(logins)
        self._pull_timeout_s = pull_timeout_s
        self._build_timeout_s = build_timeout_s
        self._lock = Lock()
        self._under_way: dict[tuple[int, str], Future[ImageInfo]] = {}
        self._building: defaultdict[str, Lock] = defaultdict(Lock)

    def prepare(
        self,
        engine: Engine,
        request: ContainerRequest,
        sources: Sources,
        generate: Callable[[ImageInfo], ImageInfo] = lambda base: base,
        on_line: Tell | None = None,
        once: Once | None = None,
    ) -> tuple[ImageInfo, Launch]:
        """The image to create the requested container from, on ``engine``, and how to run it.
        ``generate`` does to the image that was asked for what the request wants installed;
        ``on_line`` hears what a build says; ``once``: as for ``built``."""
        if request.build is not None and is_built_tag(request.image):
            base = self.built(engine, request.image, request.build, sources, on_line, once)
        else:
            base = self.ensure(engine, request.image, sources)
        how = launch(request, base)
        made = generate(base)
        return (self.with_ssh(engine, made, sources) if request.ssh else made), how

    def ensure(self, engine: Engine, reference: str, sources: Sources) -> ImageInfo:
        """See ``clocker.images.ensure``."""
        return self.once(
            engine,
            str(Reference.parse(reference)),
            lambda: ensure(
                engine,
                reference,
                sources,
                pull_timeout_s=self._pull_timeout_s,
                logins=self._logins,
            ),
        )

    def resolved(self, request: ContainerRequest) -> ContainerRequest:
        """See ``clocker.images.built``; to be asked before anything is stored."""
        return request if self._contexts is None else resolved(self._contexts, request)

    def built(
        self,
        engine: Engine,
        tag: str,
        build: Build,
        sources: Sources,
        on_line: Tell | None = None,
        once: Once | None = None,
    ) -> ImageInfo:
        """What was built of that name: there, copied from an engine that has it, or built; in this
        process on one engine only. ``once`` sees to it that it is one of all processes."""

        def make() -> ImageInfo:
            if self._contexts is None:
                raise ImageNotFound(f"no host has {tag}", where="image")
            order = Order(build, tag, partial(self.ensure, engine, sources=sources), on_line)
            return build_again(engine, self._contexts, order)

        return self._built(engine, tag, sources, make, once)

    def built_now(
        self,
        engine: Engine,
        context: Context,
        build: Build,
        sources: Sources,
        on_line: Tell | None = None,
        once: Once | None = None,
    ) -> ImageInfo:
        """The same of a context that is at hand."""
        tag = built_tag(context)
        order = Order(build, tag, partial(self.ensure, engine, sources=sources), on_line)
        return self._built(engine, tag, sources, lambda: build_from(engine, context, order), once)

    def _built(
        self,
        engine: Engine,
        tag: str,
        sources: Sources,
        make: Callable[[], ImageInfo],
        once: Once | None,
    ) -> ImageInfo:
        def bring() -> ImageInfo:
            with self._building[tag]:
                if once is not None:
                    return once(tag, make)
                return self.brought(engine, tag, sources, is_built) or make()

        return self.once(engine, tag, bring)

    def copied(
        self, engine: Engine, name: str, sources: Sources, tried: list[str]
    ) -> ImageInfo | None:
        """From another engine, never a registry; ``tried`` grows by those that could not."""
        return copy(engine, name, sources, tried)

    def brought(
        self,
        engine: Engine,
        tag: str,
        sources: Sources,
        good: Callable[[ImageInfo], bool],
        shared: Registry | None = None,
        tell: Tell = lambda _: None,
    ) -> ImageInfo | None:
        """An image of Clocker's that is ``good``: there, pulled from where such are ``shared``, or
        copied from an engine that has it. ``tell`` is told of a registry that fails."""
        found = engine.image(tag)
        if found and good(found):
            return found
        pulled = self.shared.pull(engine, shared, tag, good, tell) if shared else None
        return pulled or copy(engine, tag, sources, [], good)

    def with_ssh(self, engine: Engine, base: ImageInfo, sources: Sources) -> ImageInfo:
        """``base`` with an sshd: there, copied from an engine that has built it, or built. Never
        pulled: on a public registry anybody could have taken its name."""
        tag = layer_tag(base)

        def bring() -> ImageInfo:
            copied = None if engine.image(tag) else copy(engine, tag, sources, [])
            if copied and kind_of(copied) is ImageKind.SSH:
                return copied
            return layered(engine, base, timeout_s=self._build_timeout_s)

        return self.once(engine, tag, bring)

    def once(self, engine: Engine, name: str, work: Callable[[], ImageInfo]) -> ImageInfo:
        """The outcome of ``work``, which in this process one does and all others wait for."""
        key = (id(engine), name)
        with self._lock:
            running = self._under_way.get(key)
            if running is None:
                outcome = self._under_way[key] = Future()
        if running is not None:
            return running.result()
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._under_way[key]
        return outcome.result()
