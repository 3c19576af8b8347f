"""A blueprint as an application, or every problem that it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from clocker.applications.names import COMMON_NETWORK
from clocker.config.applications import LoadedApplication
from clocker.config.blueprint_document import (
    MOST_TEXT,
    BlueprintDocument,
    FileDocument,
    ServiceDocument,
)
from clocker.config.check import checked
from clocker.config.document import Document
from clocker.config.flaws import flaw_problems
from clocker.config.problems import Problem, Unfit, nearest, refusal
from clocker.config.quantities import dns_label
from clocker.model import (
    Application,
    ContainerRequest,
    Need,
    Resources,
    Secret,
    Service,
    ServiceValue,
    Text,
)

_PLACES = {"minimum": "scale", "maximum": "scale", "name": ""}
"""Where a blueprint writes what the model calls otherwise."""


def load_blueprint(
    source: Document, environ: Mapping[str, str], name: str | None
) -> LoadedApplication:
    """ConfigError."""
    document, problems = checked(source, BlueprintDocument, environ)
    if document is None:
        raise refusal(problems)
    reader = _Reader(source, document, name or document.application)
    application = reader.application()
    problems += reader.problems
    if not problems:
        problems += flaw_problems(source, application, _loc)
    if problems:
        raise refusal(problems)
    return LoadedApplication(application, "blueprint")


def _loc(service: str | None, part: str) -> tuple[str, ...]:
    if service is None:
        return (part,)
    place = _PLACES.get(part, part)
    return ("services", service, place) if place else ("services", service)


class _Reader:
    def __init__(self, source: Document, document: BlueprintDocument, name: str) -> None:
        self.problems: list[Problem] = []
        self._source, self._document, self._name = source, document, name
        self._folder = Path(source.file).resolve().parent
        self._networks = {*document.networks, *document.shared_networks, COMMON_NETWORK}
        self._volumes = {*document.volumes, *document.shared_volumes}

    def application(self) -> Application:
        document = self._document
        try:
            dns_label(self._name)
        except ValueError as error:
            self.problems.append(Problem(self._source.file, f"the name {error}"))
        services = {
            name: _with_defaults(document.defaults, each)
            for name, each in document.services.items()
        }
        used = {network for each in services.values() for network in each.networks}
        own = [*document.networks]
        if COMMON_NETWORK in used and COMMON_NETWORK not in (*own, *document.shared_networks):
            own.append(COMMON_NETWORK)
        return Application(
            self._name,
            tuple(self._service(name, each) for name, each in services.items()),
            tuple(own),
            tuple(document.volumes),
            self._source.file,
        )

    def _service(self, name: str, service: ServiceDocument) -> Service:
        loc = ("services", name)
        self._check_declared(loc, "networks", service.networks, self._networks)
        named = (v.source for v in service.volumes if not v.source.startswith("/"))
        self._check_declared(loc, "volumes", named, self._volumes)
        self._check_declared(loc, "secrets", service.secrets, self._document.secrets)
        plain = {k: _joined(v) for k, v in service.env.items() if v is None or _is_plain(v)}
        fixed = service.command is None or all(_is_plain(word) for word in service.command)
        return Service(
            name,
            self._request(name, service, plain, with_command=fixed),
            replicas=service.replicas,
            needs=tuple(
                Need(other, need.condition, need.restart) for other, need in service.needs.items()
            ),
            env={k: v for k, v in service.env.items() if k not in plain},
            command=None if fixed else service.command,
            minimum=service.scale.minimum,
            maximum=service.scale.maximum,
            headroom=service.headroom,
        )

    def _request(
        self,
        name: str,
        service: ServiceDocument,
        env: Mapping[str, str | None],
        *,
        with_command: bool,
    ) -> ContainerRequest:
        loc = ("services", name)
        if not service.image and not service.build:
            self._report(loc, "has no image", "write  image: NAME, or build: FOLDER")
        command = service.command if with_command else None
        return ContainerRequest(
            image=service.image or f"{self._name}-{name}",
            resources=Resources(service.cores, service.ram, service.disk),
            env=env,
            volumes=tuple(service.volumes),
            labels=service.labels,
            ports=tuple(service.ports),
            command=None if command is None else tuple(_joined(word) or "" for word in command),
            entrypoint=service.entrypoint,
            user=service.user,
            workdir=service.workdir,
            hostname=service.hostname,
            capabilities=tuple(service.capabilities),
            privileged=service.privileged,
            read_only=service.read_only,
            restart=service.restart,
            health=service.health.model() if service.health else None,
            ssh=service.ssh,
            wait=service.wait,
            timeout_s=service.timeout,
            rules=tuple(service.rules),
            networks=tuple(service.networks),
            aliases=tuple(service.aliases),
            address=service.address,
            healing=service.healing.model(),
            secrets=(*self._secrets(service), *self._files(loc, service)),
            build=self._made(loc, "build", service),
            install=self._made(loc, "install", service),
            stop_signal=service.stop.signal,
            stop_grace_s=service.stop.grace,
        )

    def _made(self, loc: tuple[str, str], key: str, service: ServiceDocument) -> Any:
        part = getattr(service, key)
        if part is None:
            return None
        try:
            return part.model(self._folder)
        except Unfit as error:
            self._report((*loc, key), str(error), error.remedy)
            return None

    def _secrets(self, service: ServiceDocument) -> Iterator[Secret]:
        for name, use in service.secrets.items():
            found = self._document.secrets.get(name)
            if found is None:
                continue  # it has been reported
            file = None if found.file is None else str(Path(self._folder, found.file).resolve())
            yield Secret(
                name,
                target=use.variable or use.target or name,
                env=found.env,
                file=file,
                command=found.command,
                as_env=use.variable is not None,
                mode=int(use.mode, 8),
            )

    def _files(self, loc: tuple[str, str], service: ServiceDocument) -> Iterator[Secret]:
        for target, file in service.files.items():
            try:
                content = self._content(file)
            except Unfit as error:
                self._report((*loc, "files", target), str(error), error.remedy)
                continue
            yield Secret(target, target=target, text=content, mode=int(file.mode, 8))

    def _content(self, file: FileDocument) -> str:
        if file.source is None:
            content = file.content or ""
        else:
            path = Path(self._folder, file.source)
            try:
                content = path.read_text()
            except OSError as error:
                raise Unfit(f"must name a file that can be read: {error.strerror}") from None
            except UnicodeDecodeError:
                raise Unfit("must name a file of text", "build others into the image") from None
        if len(content) > MOST_TEXT:
            raise Unfit("must not be larger than 256 KiB", "build it into the image")
        return content

    def _check_declared(
        self, loc: tuple[str, str], key: str, names: Iterable[str], known: Iterable[str]
    ) -> None:
        known = set(known)
        for name in dict.fromkeys(names):
            if name not in known:
                near = nearest(name, known)
                remedy = f"did you mean {near}?" if near else f"declare it:  {key}: ..."
                self._report(
                    (*loc, key), f"{name!r} is not among the {key} of the document", remedy
                )

    def _report(self, loc: tuple[str, ...], sentence: str, remedy: str | None = None) -> None:
        self.problems.append(self._source.problem(loc, sentence, remedy))


def _with_defaults(defaults: ServiceDocument, service: ServiceDocument) -> ServiceDocument:
    """What the service says, else the defaults; of variables and labels, one by one."""
    said = {name: getattr(service, name) for name in service.model_fields_set}
    for name in ("env", "labels"):
        said[name] = {**getattr(defaults, name), **getattr(service, name)}
    return defaults.model_copy(update=said)


def _is_plain(text: Text) -> bool:
    return not any(isinstance(piece, ServiceValue) for piece in text)


def _joined(text: Text | None) -> str | None:
    return None if text is None else "".join(str(piece) for piece in text)
