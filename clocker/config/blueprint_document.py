"""A blueprint: its fields, and what each may hold. docs/applications.md says what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from clocker.config.blueprint_fields import (
    Grace,
    Label,
    PlainWordsField,
    PortField,
    RestartField,
    Scalar,
    TextField,
    VolumeField,
    WordsField,
)
from clocker.config.fields import Count, Duration, Names, Number, Rest, Rule, Size, Strict
from clocker.config.image_documents import BuildDocument, InstallDocument
from clocker.config.problems import Unfit
from clocker.config.quantities import dns_label
from clocker.model import Condition, Healing, HealthCheck, Restart, Wait

MOST_TEXT = 256 * 1024
_MODE = r"^0?[0-7]{3}$"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
_SIGNAL = r"^(SIG)?[A-Z][A-Z0-9+-]{1,11}$"


class NeedDocument(Strict):
    condition: Condition = Condition.STARTED
    restart: bool = False

    @model_validator(mode="before")
    @classmethod
    def _may_be_short(cls, value: Any) -> Any:
        return {"condition": value} if isinstance(value, str) else (value or {})

    @field_validator("condition", mode="before")
    @classmethod
    def _is_known(cls, value: Any) -> Any:
        if value not in list(Condition):
            raise Unfit(f"must be {', '.join(Condition)}")
        return value


class ScaleDocument(Strict):
    minimum: Count = Field(default=0, ge=0, le=100_000)
    maximum: Count | None = Field(default=None, ge=0, le=100_000)


class HealthDocument(Strict):
    command: PlainWordsField
    interval: Duration = 10.0
    timeout: Duration = 5.0
    retries: Count = Field(default=3, ge=1, le=1000)
    start_period: Rest = 0.0

    @model_validator(mode="before")
    @classmethod
    def _may_be_short(cls, value: Any) -> Any:
        """A line is for the container's shell."""
        if isinstance(value, str):
            return {"command": ["sh", "-c", value]}
        if isinstance(value, list):
            return {"command": value}
        if isinstance(value, dict) and isinstance(value.get("command"), str):
            return {**value, "command": ["sh", "-c", value["command"]]}
        return value

    def model(self) -> HealthCheck:
        return HealthCheck(
            self.command, self.interval, self.timeout, self.retries, self.start_period
        )


class HealingDocument(Strict):
    """What it leaves out is the cloud's."""

    attempts: Count | None = Field(default=None, ge=0, le=1000)
    window: Duration | None = None
    backoff: Duration | None = None
    backoff_most: Duration | None = None
    replace: bool = True
    priority: Count = Field(default=0, ge=-1000, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _may_be_off(cls, value: Any) -> Any:
        return {"attempts": 0, "replace": False} if value in (False, "off", "no") else value

    def model(self) -> Healing:
        return Healing(
            self.attempts,
            self.window,
            self.backoff,
            self.backoff_most,
            self.replace,
            self.priority,
        )


class SecretDocument(Strict):
    """Where a secret is from: where the command is run."""

    env: str | None = Field(default=None, pattern=_VARIABLE)
    file: str | None = None
    command: PlainWordsField | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> SecretDocument:
        if sum(source is not None for source in (self.env, self.file, self.command)) != 1:
            raise Unfit("must have one source: env, file or command", "such as {env: DB_PASSWORD}")
        return self


class SecretUseDocument(Strict):
    """Where it goes: a file, or with ``variable`` the environment."""

    target: str | None = None
    variable: str | None = Field(default=None, pattern=_VARIABLE)
    mode: str = Field(default="0444", pattern=_MODE)

    @model_validator(mode="before")
    @classmethod
    def _may_be_short(cls, value: Any) -> Any:
        return {"target": value} if isinstance(value, str) else (value or {})

    @model_validator(mode="after")
    def _goes_to_one_place(self) -> SecretUseDocument:
        if self.target is not None and self.variable is not None:
            raise Unfit("must be a file or a variable, not both")
        if self.target is not None and ".." in Path(self.target).parts:
            raise Unfit("must be a path without ..")
        return self


class FileDocument(Strict):
    """``source``: beside the document; or ``content`` is its text."""

    source: str | None = None
    content: str | None = None
    mode: str = Field(default="0444", pattern=_MODE)

    @model_validator(mode="before")
    @classmethod
    def _may_be_short(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_one_origin(self) -> FileDocument:
        if (self.source is None) == (self.content is None):
            raise Unfit("must have either a source or a content")
        return self


class StopDocument(Strict):
    signal: str | None = Field(default=None, pattern=_SIGNAL)
    grace: Grace = 10.0


class ServiceDocument(Strict):
    image: str | None = Field(default=None, min_length=1, max_length=255)
    build: BuildDocument | None = None
    install: InstallDocument | None = None
    replicas: Count = Field(default=1, ge=0, le=100_000)
    scale: ScaleDocument = ScaleDocument()
    headroom: Count = Field(default=0, ge=0, le=10_000)
    needs: dict[str, NeedDocument] = Field(default_factory=dict)
    cores: Number = 0.0
    ram: Size = 0
    disk: Size = 0
    entrypoint: PlainWordsField | None = None
    command: WordsField | None = None
    env: dict[str, TextField] = Field(default_factory=dict)
    ports: list[PortField] = Field(default_factory=list)
    volumes: list[VolumeField] = Field(default_factory=list)
    networks: Names = Field(default_factory=list)
    aliases: list[Label] = Field(default_factory=list)
    address: str | None = None
    secrets: dict[str, SecretUseDocument] = Field(default_factory=dict)
    files: dict[str, FileDocument] = Field(default_factory=dict)
    rules: list[Rule] = Field(default_factory=list)
    restart: RestartField = Restart()
    healing: HealingDocument = HealingDocument()
    health: HealthDocument | None = None
    wait: Wait = Wait.RUNNING
    timeout: Duration = 120.0
    stop: StopDocument = StopDocument()
    labels: dict[str, Scalar] = Field(default_factory=dict)
    user: Scalar | None = None
    workdir: str | None = Field(default=None, pattern="^/")
    hostname: str | None = None
    capabilities: list[str] = Field(default_factory=list)
    privileged: bool = False
    read_only: bool = False
    ssh: bool = False

    @field_validator("needs", "secrets", mode="before")
    @classmethod
    def _may_be_a_list(cls, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            if len(set(value)) != len(value):
                raise Unfit("must not name anything twice")
            return dict.fromkeys(value)
        return value

    @field_validator("wait", mode="before")
    @classmethod
    def _is_known(cls, value: Any) -> Any:
        if value not in list(Wait):
            raise Unfit(f"must be {', '.join(Wait)}")
        return value

    @field_validator("files")
    @classmethod
    def _are_absolute(cls, value: dict[str, FileDocument]) -> dict[str, FileDocument]:
        for target in value:
            if not target.startswith("/") or target.endswith("/") or ".." in target.split("/"):
                raise Unfit(f"must have absolute paths of files, and {target!r} is none")
        return value


class BlueprintDocument(Strict):
    application: Label
    services: Annotated[dict[str, ServiceDocument], Field(min_length=1)]
    defaults: ServiceDocument = ServiceDocument()
    networks: Names = Field(default_factory=list)
    shared_networks: Names = Field(default_factory=list)
    volumes: Names = Field(default_factory=list)
    shared_volumes: Names = Field(default_factory=list)
    secrets: dict[str, SecretDocument] = Field(default_factory=dict)

    @field_validator("services")
    @classmethod
    def _have_names(cls, value: dict[str, ServiceDocument]) -> dict[str, ServiceDocument]:
        for name in value:
            try:
                dns_label(name)
            except ValueError:
                raise Unfit(
                    f"must have names of small letters, digits and inner hyphens, and {name!r} is "
                    "none"
                ) from None
        return value

    @field_validator("shared_networks", "shared_volumes")
    @classmethod
    def _are_not_its_own(cls, value: list[str], info: ValidationInfo) -> list[str]:
        own = info.data.get((info.field_name or "").removeprefix("shared_"), ())
        if both := sorted(set(value) & set(own)):
            raise Unfit(f"must not be the application's own as well, as {both[0]!r} is")
        return value
