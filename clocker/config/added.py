"""What a foreign form of description has no word for, said as in our own blueprints: ``x-clocker``
of a Compose service, ``clocker.service`` of a CAMP one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from clocker.config.blueprint_document import (
    HealingDocument,
    HealthDocument,
    NeedDocument,
    ScaleDocument,
    SecretDocument,
    SecretUseDocument,
    StopDocument,
)
from clocker.config.blueprint_fields import RestartField, TextField
from clocker.config.check import fitted
from clocker.config.fields import Count, Duration, Number, Rule, Size, Strict
from clocker.config.tree import Node, Report
from clocker.model import (
    ContainerRequest,
    Need,
    Resources,
    Restart,
    Secret,
    Service,
    ServiceValue,
    Wait,
)


class AddedSecretDocument(SecretDocument, SecretUseDocument):
    """Where it is from, and where it goes."""


class AddedDocument(Strict):
    needs: dict[str, NeedDocument] = Field(default_factory=dict)
    env: dict[str, TextField] = Field(default_factory=dict)
    secrets: dict[str, AddedSecretDocument] = Field(default_factory=dict)
    scale: ScaleDocument = ScaleDocument()
    headroom: Count = Field(default=0, ge=0, le=10_000)
    cores: Number = 0.0
    ram: Size = 0
    disk: Size = 0
    rules: list[Rule] = Field(default_factory=list)
    restart: RestartField = Restart()
    healing: HealingDocument = HealingDocument()
    health: HealthDocument | None = None
    stop: StopDocument = StopDocument()
    wait: Wait = Wait.RUNNING
    timeout: Duration = 120.0
    ssh: bool = False

    @field_validator("env")
    @classmethod
    def _has_values(cls, value: dict[str, object]) -> dict[str, object]:
        return {name: text for name, text in value.items() if text is not None}


def with_added(service: Service, node: Node | None, folder: Path, report: Report) -> Service:
    """The service, with what ``node`` says instead or besides. ``folder``: what its files are
    meant from."""
    if node is None:
        return service
    document, problems = fitted(node.document, AddedDocument, node.plain(), node.loc, ())
    report.problems += problems
    if document is None:
        return service
    said = document.model_fields_set
    needs = {need.service: need for need in service.needs}
    for name, need in document.needs.items():
        needs[name] = Need(name, need.condition, need.restart)
    texts = {
        name: text
        for name, text in document.env.items()
        if any(isinstance(piece, ServiceValue) for piece in text)
    }
    plain = {n: "".join(map(str, t)) for n, t in document.env.items() if n not in texts}
    return replace(
        service,
        request=_request(service.request, document, plain, folder),
        needs=tuple(needs.values()),
        env={**service.env, **texts},
        minimum=document.scale.minimum if "scale" in said else service.minimum,
        maximum=document.scale.maximum if "scale" in said else service.maximum,
        headroom=document.headroom if "headroom" in said else service.headroom,
    )


def _request(
    asked: ContainerRequest, document: AddedDocument, plain: dict[str, str], folder: Path
) -> ContainerRequest:
    said = document.model_fields_set
    given: dict[str, Any] = {
        "restart": document.restart,
        "healing": document.healing.model(),
        "health": document.health.model() if document.health else None,
        "wait": document.wait,
        "timeout": document.timeout,
        "ssh": document.ssh,
    }
    names = {"timeout": "timeout_s"}
    changed = {names.get(key, key): value for key, value in given.items() if key in said}
    if "stop" in said:
        changed |= {"stop_signal": document.stop.signal, "stop_grace_s": document.stop.grace}
    need = asked.resources
    return replace(
        asked,
        env={**asked.env, **plain},
        secrets=(*asked.secrets, *_secrets(document, folder)),
        rules=(*asked.rules, *document.rules),
        resources=Resources(
            document.cores if "cores" in said else need.cores,
            document.ram if "ram" in said else need.ram_mb,
            document.disk if "disk" in said else need.disk_mb,
        ),
        **changed,
    )


def _secrets(document: AddedDocument, folder: Path) -> tuple[Secret, ...]:
    return tuple(
        Secret(
            name,
            target=each.variable or each.target or name,
            env=each.env,
            file=None if each.file is None else str(Path(folder, each.file).resolve()),
            command=each.command,
            as_env=each.variable is not None,
            mode=int(each.mode, 8),
        )
        for name, each in document.secrets.items()
    )
