"""``clocker.yaml``, a CloudDocument: its fields, and what each field may hold."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from clocker.addressing import is_within
from clocker.config.fields import (
    Count,
    Duration,
    Names,
    Number,
    Rest,
    Rule,
    Shaper,
    Size,
    Span,
    Strict,
)
from clocker.config.headroom import HeadroomDocument
from clocker.config.healing import HealingDocument
from clocker.config.problems import Unfit
from clocker.config.quantities import cloud_name
from clocker.config.registries import RegistryDocument

# It ends up in a package manager's arguments.
_VERSION = r"^[0-9][0-9A-Za-z.+:~*-]{0,60}$"
# It ends up in a command.
_IMAGE = r"^[a-z0-9][A-Za-z0-9._/:@-]{0,254}$"
# It is one line of a file.
_ONE_LINE = r"^[^\x00-\x1f]{8,256}$"


class HostsDocument(Strict):
    provider: Annotated[Names, Field(min_length=1)]
    at: dict[str, Annotated[Count, Field(ge=0, le=1000)]] = Field(default_factory=dict)
    count: Count = Field(default=1, ge=0, le=1000)
    maximum: Count | None = Field(default=None, ge=1, le=1000)
    cores: Number = 0.0
    ram: Size = 0
    disk: Size = 0
    concurrency: Count = Field(default=16, ge=1, le=256)
    timeout: Duration = 600.0
    shapers: list[Shaper] = Field(default_factory=list)

    @field_validator("at")
    @classmethod
    def _is_at_providers(cls, value: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        if strange := sorted(set(value) - set(info.data.get("provider", value))):
            raise Unfit(f"must be at providers of the cloud, and {strange[0]!r} is none")
        return value

    @field_validator("count")
    @classmethod
    def _not_below_places(cls, value: int, info: ValidationInfo) -> int:
        placed = sum(info.data.get("at", {}).values())
        if value < placed:
            raise Unfit(f"must not be below the sum of hosts.at, which is {placed}")
        return value

    @field_validator("maximum")
    @classmethod
    def _not_below_count(cls, value: int | None, info: ValidationInfo) -> int | None:
        count = info.data.get("count")
        if value is not None and count is not None and value < count:
            raise Unfit(
                f"must not be below hosts.count, which is {count}",
                "raise maximum, or lower count",
            )
        return value


class EngineDocument(Strict):
    version: str | None = Field(default=None, pattern=_VERSION)
    access: str = "ssh"
    port: Count = Field(default=2376, ge=1, le=65535)
    sources: list[str] = Field(default_factory=list)
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("access")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in ("ssh", "tls"):
            raise Unfit("must be ssh or tls")
        return value

    @field_validator("sources")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        return [_source(text) for text in value]

    @field_validator("options")
    @classmethod
    def _leave_access_alone(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """A certificate is renewed by a restart of the engine, which containers must survive."""
        if info.data.get("access") != "tls":
            return value
        if taken := [key for key in value if key == "hosts" or key.startswith("tls")]:
            raise Unfit(f"must not have {taken[0]} with engine.access tls, which sets it")
        if value.get("live-restore") is False:
            raise Unfit(
                "must not switch live-restore off with engine.access tls",
                "leave it out: containers run on while the engine takes a new certificate",
            )
        return value


ENCRYPTIONS = {
    "vxlan": ("wireguard", "none"),
    "weave": ("password", "none"),
    "bridge": ("none",),
}
"""What a network driver can do with what the hosts send each other; the first by default. A
driver that is not ours says so itself."""


class WeaveDocument(Strict):
    image: str = Field(default="rajchaudhuri/weave:2.9.0", pattern=_IMAGE)
    archive: str | None = None
    password: str | None = Field(default=None, pattern=_ONE_LINE)


class NetworkDocument(Strict):
    driver: str = "vxlan"
    encryption: str = Field(default="", validate_default=True)
    pool: str = "10.210.0.0/16"
    subnet: str | None = None
    port: Count = Field(default=4790, ge=1, le=65535)
    name_servers: Count = Field(default=2, ge=1, le=16)
    upstream: list[str] = Field(default_factory=list)
    reserved: list[Span] = Field(default_factory=list)
    quarantine: Rest = 60.0
    weave: WeaveDocument = Field(default_factory=WeaveDocument)

    @field_validator("encryption")
    @classmethod
    def _is_of_the_driver(cls, value: str, info: ValidationInfo) -> str:
        driver = info.data.get("driver", "")
        known = ENCRYPTIONS.get(driver, (value,))
        if value and value not in known:
            raise Unfit(f"must be {' or '.join(known)} with the driver {driver}")
        return value or known[0]

    @field_validator("pool", "subnet")
    @classmethod
    def _is_cidr(cls, value: str | None) -> str | None:
        return None if value is None else str(_cidr(value))

    @field_validator("subnet")
    @classmethod
    def _is_within_pool(cls, value: str | None, info: ValidationInfo) -> str | None:
        pool = info.data.get("pool")
        if value and pool and not IPv4Network(value).subnet_of(IPv4Network(pool)):
            raise Unfit(f"must lie within network.pool, which is {pool}")
        return value

    @field_validator("reserved")
    @classmethod
    def _are_of_the_subnet(cls, value: list[str], info: ValidationInfo) -> list[str]:
        pool = info.data.get("pool")
        subnet = info.data.get("subnet") or (pool and first_subnet(pool))
        for addresses in value:
            if subnet and not is_within(addresses, subnet):
                raise Unfit(f"must lie within network.subnet, which is {subnet}")
        return value

    @field_validator("upstream")
    @classmethod
    def _are_addresses(cls, value: list[str]) -> list[str]:
        for server in value:
            try:
                ip_address(server)
            except ValueError:
                raise Unfit("must be IP addresses of name servers", "such as [9.9.9.9]") from None
        return value


class SshDocument(Strict):
    key: str | None = None
    authorized_keys: list[str] = Field(default_factory=list)


class CloudDocument(Strict):
    name: str
    hosts: HostsDocument
    engine: EngineDocument = EngineDocument()
    network: NetworkDocument = NetworkDocument()
    rules: list[Rule] = Field(default_factory=list)
    headroom: HeadroomDocument = HeadroomDocument()
    healing: HealingDocument = HealingDocument()
    ssh: SshDocument = SshDocument()
    registries: list[RegistryDocument] = Field(default_factory=list)
    store: str | None = None

    @field_validator("name")
    @classmethod
    def _is_cloud_name(cls, value: str) -> str:
        return cloud_name(value)

    @field_validator("store")
    @classmethod
    def _is_database(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "sqlite://")):
            raise Unfit(
                "must be the URL of a PostgreSQL database, or null for a SQLite file",
                "such as postgresql://user:${PGPASSWORD}@host/database",
            )
        return value


def _source(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise Unfit("must be networks in CIDR, without host bits", "such as 192.0.2.0/24") from None


def first_subnet(pool: str) -> str:
    """Of the default network, where the document does not name it."""
    whole = IPv4Network(pool)
    return str(next(whole.subnets(new_prefix=max(20, whole.prefixlen))))


def _cidr(text: str) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        if "host bits" in str(error):
            whole = IPv4Network(text, strict=False)
            raise Unfit("must be a CIDR without host bits", f"write {whole}") from None
        raise Unfit("must be an IPv4 CIDR", "such as 10.210.0.0/16") from None
    if not 8 <= network.prefixlen <= 28:
        raise Unfit("must be a CIDR between /8 and /28")
    if network.is_loopback or network.is_multicast or network.is_link_local:
        raise Unfit("must be a CIDR that hosts can use, such as 10.210.0.0/16")
    return network
