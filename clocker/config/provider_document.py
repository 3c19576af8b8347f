"""An entry of ``providers.yaml``, a ProviderDocument: its fields, and what each may hold."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from clocker.config.fields import Names, Number, Size, Strict
from clocker.config.problems import Unfit

_ARCHITECTURES = {"amd64": "x86_64", "aarch64": "arm64", "x86_64": "x86_64", "arm64": "arm64"}
_RESERVED_TAG = "clocker-"


def _named_image(value: Any) -> Any:
    """``image: debian-12`` is short for ``image: {name: debian-12}``."""
    if value is None or isinstance(value, dict):
        return value or {}
    if isinstance(value, str):
        return {"name": value}
    raise Unfit("must be a name, or {distribution, version, architecture}", "put it in quotes")


def _named_sizes(value: Any) -> Any:
    """``size: [a, b]`` is short for ``size: {names: [a, b]}``."""
    if value is None or isinstance(value, dict):
        return value or {}
    if isinstance(value, str | list):
        return {"names": value}
    raise Unfit("must be a name, a list of names, or {cores, ram, disk, price}", "put it in quotes")


def _or_none(value: Any) -> Any:
    """``location: null`` takes away what the entry extends."""
    return [] if value is None else value


def _version(value: Any) -> Any:
    # 24.10 as a number would be 24.1.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _architecture(value: str) -> str:
    if value not in _ARCHITECTURES:
        raise Unfit("must be x86_64 or arm64")
    return _ARCHITECTURES[value]


def _cidr(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError:
        raise Unfit("must be a CIDR without host bits", "such as 203.0.113.0/24") from None


def _free_tags(value: dict[str, str]) -> dict[str, str]:
    if any(key.startswith(_RESERVED_TAG) for key in value):
        raise Unfit(f"must not have tags that begin with {_RESERVED_TAG}: Clocker sets those")
    return value


def _text_or_file(value: Any) -> Any:
    if isinstance(value, dict) and set(value) != {"file"}:
        raise Unfit("must be text, or {file: PATH}")
    return value


class ImageDocument(Strict):
    name: str | None = None
    distribution: str | None = Field(default=None, pattern="^[a-z][a-z0-9-]{0,31}$")
    version: Annotated[str | None, BeforeValidator(_version)] = Field(
        default=None, pattern="^[0-9][0-9.]{0,15}$"
    )
    architecture: Annotated[str, AfterValidator(_architecture)] | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> ImageDocument:
        if self.name and (self.distribution or self.version or self.architecture):
            raise Unfit(
                "must be a name, or distribution, version and architecture, not both",
                "write  image: NAME  to replace what the entry extends",
            )
        return self


class SizeDocument(Strict):
    names: Names = Field(default_factory=list)
    cores: Number = 0.0
    ram: Size = 0
    disk: Size = 0
    price: Number | None = None


class FirewallDocument(Strict):
    groups: Names = Field(default_factory=list)
    sources: list[Annotated[str, AfterValidator(_cidr)]] = Field(default_factory=list, alias="from")
    published: bool = False

    @model_validator(mode="after")
    def _is_one_of_both(self) -> FirewallDocument:
        if self.groups and (self.sources or self.published):
            raise Unfit("must not have groups, which are used as they are, and from or published")
        return self


class ProviderDocument(Strict):
    driver: str
    extends: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    create: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    image: Annotated[ImageDocument, BeforeValidator(_named_image)] = ImageDocument()
    size: Annotated[SizeDocument, BeforeValidator(_named_sizes)] = SizeDocument()
    location: Annotated[Names, BeforeValidator(_or_none)] = Field(default_factory=list)
    network: str | None = None
    subnet: str | None = None
    spot: bool = False
    tags: Annotated[dict[str, str], AfterValidator(_free_tags)] = Field(default_factory=dict)
    firewall: FirewallDocument = FirewallDocument()
    user_data: Annotated[str | dict[str, str] | None, BeforeValidator(_text_or_file)] = None
    ssh_user: str = Field(default="root", pattern="^[a-z_][a-z0-9_-]{0,31}$")
    interface: str = Field(default="public", pattern="^(public|private)$")
