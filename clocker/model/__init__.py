"""The nouns, as frozen dataclasses: values that every layer shares and none of them changes."""

from clocker.model.cloud import (
    CloudSpec,
    EngineOptions,
    NetworkSpec,
    NodePool,
    WeaveOptions,
)
from clocker.model.container import Container, ContainerState, Move, Work
from clocker.model.engine import (
    Attachment,
    ContainerSpec,
    ContainerStatus,
    EngineInfo,
    ImageInfo,
)
from clocker.model.event import Event, Lease
from clocker.model.host import Host, HostState, Node, SshAccess
from clocker.model.network import DEFAULT_NETWORK, Endpoint, LinkStatus, Net
from clocker.model.placement import HostView, Judgement, Placement, Reason, Refusal, Usage
from clocker.model.provider import (
    Check,
    FirewallWish,
    ImageWish,
    Offer,
    Opening,
    ProviderEntry,
    Remnant,
    RemnantKind,
    SizeWish,
    Source,
    Verdict,
    shared_mark,
    shared_name,
)
from clocker.model.request import (
    ContainerRequest,
    HealthCheck,
    HostRequest,
    Port,
    Restart,
    RuleSpec,
    Volume,
    Wait,
)
from clocker.model.resources import Resources
from clocker.model.result import Result

__all__ = [
    "DEFAULT_NETWORK",
    "Attachment",
    "Check",
    "CloudSpec",
    "Container",
    "ContainerRequest",
    "ContainerSpec",
    "ContainerState",
    "ContainerStatus",
    "Endpoint",
    "EngineInfo",
    "EngineOptions",
    "Event",
    "FirewallWish",
    "HealthCheck",
    "Host",
    "HostRequest",
    "HostState",
    "HostView",
    "ImageInfo",
    "ImageWish",
    "Judgement",
    "Lease",
    "LinkStatus",
    "Move",
    "Net",
    "NetworkSpec",
    "Node",
    "NodePool",
    "Offer",
    "Opening",
    "Placement",
    "Port",
    "ProviderEntry",
    "Reason",
    "Refusal",
    "Remnant",
    "RemnantKind",
    "Resources",
    "Restart",
    "Result",
    "RuleSpec",
    "SizeWish",
    "Source",
    "SshAccess",
    "Usage",
    "Verdict",
    "Volume",
    "Wait",
    "WeaveOptions",
    "Work",
    "shared_mark",
    "shared_name",
]
