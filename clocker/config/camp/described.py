"""The services of a blueprint: found among children and members of clusters, and named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from clocker.config.camp.keys import CONFIG, FLAGS, SERVICE, TOP
from clocker.config.standing import Key, Standing, judge_flat
from clocker.config.tree import Node, Report

_MOST_DEEP = 20
_CLOUDS = ("docker-cloud", "docker-infrastructure", "DockerInfrastructure")
_GROUPS = ("BasicApplication", "BasicEntity", "Application", "StartableApplication")
_APPLICATIONS = ("VanillaDockerApplication", "DockerfileApplication")
_CLUSTERS = ("DynamicCluster", "DockerCluster", "cluster")
_NETWORKS = ("VirtualNetwork",)
_IMAGES = {
    "Tomcat": "tomcat",
    "JBoss": "jboss/wildfly",
    "Jetty": "jetty",
    "MySql": "mysql",
    "MariaDb": "mariadb",
    "PostgreSql": "postgres",
    "MongoDB": "mongo",
    "Redis": "redis",
    "Solr": "solr",
    "Couchbase": "couchbase",
    "Riak": "basho/riak-kv",
    "Cassandra": "cassandra",
    "Nginx": "nginx",
    "HAProxy": "haproxy",
    "NodeJs": "node",
    "Rabbit": "rabbitmq",
    "ActiveMQ": "apache/activemq-classic",
    "Kafka": "apache/kafka",
    "ZooKeeper": "zookeeper",
    "Etcd": "quay.io/coreos/etcd",
    "ElasticSearch": "elasticsearch",
}
_FLAG_KEYS: Mapping[str, Key] = {flag: CONFIG[key] for flag, key in FLAGS.items()}


@dataclass(slots=True)
class Described:
    """A service. ``config``: its own before what it inherits. ``cluster``: the node of the
    cluster that it is the member of."""

    node: Node
    kind: str
    name: str = ""
    config: dict[str, Node] = field(default_factory=dict)
    cluster: dict[str, Node] = field(default_factory=dict)
    policies: list[Node] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Blueprint:
    """``networks``: names of its own. ``clouds``: descriptions of clouds that are in it.
    ``broken``: ids of what was refused."""

    root: Node
    services: list[Described] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    clouds: list[Node] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def by_id(self) -> dict[str, Described]:
        return {each: service for service in self.services for each in service.ids}


def blueprint(root: Node, report: Report) -> Blueprint:
    found = Blueprint(root)
    judge_flat(root, TOP, report)
    listed = root.get("services")
    services = listed.list() if listed else []
    for node in services:
        _collect(node, _config(root, report), found, report, 0)
    if not (found.services or found.clouds or report.problems):
        report.refuse(listed or root, "there are no services", "write  - type: docker:IMAGE")
    _name(found, report)
    return found


def slug(text: str) -> str:
    """A DNS label made of what people write."""
    made = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return made[:40].strip("-")


def kind_of(node: Node) -> Node | None:
    return node.get("type") or node.get("serviceType") or node.get("service_type")


def simple(kind: str) -> str:
    """A Java class without its package, an item of the catalogue without its version."""
    return kind.partition(":")[0].rpartition(".")[2]


def is_known(kind: str) -> bool:
    """Of one that is not, nothing else is looked at."""
    known = (*_GROUPS, *_APPLICATIONS, *_CLUSTERS, *_NETWORKS)
    return kind.startswith("docker:") or is_cloud(kind) or simple(kind) in known


def is_cloud(kind: str) -> bool:
    return not kind.startswith("docker:") and simple(kind).startswith(_CLOUDS)


def _collect(
    node: Node, above: Mapping[str, Node], found: Blueprint, report: Report, depth: int
) -> None:
    if not isinstance(node.value, dict):
        report.refuse(node, "must be a mapping", "write  type: docker:IMAGE")
        return
    kind_node = kind_of(node)
    if kind_node is None or not isinstance(kind_node.value, str) or depth > _MOST_DEEP:
        report.refuse(node, "has no type", "write  type: docker:IMAGE")
        return
    kind = kind_node.value.strip()
    if is_cloud(kind):
        found.clouds.append(node)
        return
    own = {**above, **_config(node, report)}
    if simple(kind) in _NETWORKS:
        _network(node, found, report)
        return
    if is_known(kind):
        judge_flat(node, {**CONFIG, **SERVICE, **_FLAG_KEYS}, report)
    _sort(node, kind_node, kind, own, found, report, depth)
    children = node.get("brooklyn.children")
    for child in children.list() if children else ():
        _collect(child, own, found, report, depth + 1)


def _sort(
    node: Node,
    kind_node: Node,
    kind: str,
    own: dict[str, Node],
    found: Blueprint,
    report: Report,
    depth: int,
) -> None:
    policies = node.get("brooklyn.policies")
    ids = _texts(node, "id")
    if kind.startswith("docker:") or simple(kind) in _APPLICATIONS:
        listed = policies.list() if policies else []
        found.services.append(Described(node, kind, "", own, {}, listed, ids))
    elif simple(kind) in _CLUSTERS:
        _cluster(node, own, policies.list() if policies else [], ids, found, report, depth)
    elif simple(kind) not in _GROUPS:
        found.broken.update(ids)
        report.refuse(
            kind_node, f"{simple(kind)} is a Java entity, which is not run", _instead(kind)
        )


def _cluster(
    node: Node,
    own: dict[str, Node],
    policies: list[Node],
    ids: list[str],
    found: Blueprint,
    report: Report,
    depth: int,
) -> None:
    spec = own.get("dynamiccluster.memberspec") or own.get("memberSpec")
    member = _spec(spec) if spec is not None else None
    if member is None:
        report.refuse(
            spec or node,
            "has no members",
            "write  memberSpec: {$brooklyn:entitySpec: {type: docker:IMAGE}}",
        )
        return
    inherited = {
        k: v for k, v in own.items() if k not in ("memberSpec", "dynamiccluster.memberspec")
    }
    before = len(found.services)
    _collect(member, inherited, found, report, depth + 1)
    for service in found.services[before:]:
        service.cluster = inherited
        service.policies += policies
        service.ids += ids
        if ids:
            service.name = ids[0]


def _spec(node: Node) -> Node | None:
    """What an entitySpec holds, in either of the ways to write it."""
    inner = node.get("$brooklyn:entitySpec") or node
    return inner if isinstance(inner.value, dict) and kind_of(inner) is not None else None


def _network(node: Node, found: Blueprint, report: Report) -> None:
    config = {**dict(node.items()), **_config(node, report)}
    name = config.get("networkId") or config.get("network.id") or config.get("id")
    if name is None or not slug(str(name.value)):
        report.refuse(node, "has no networkId")
        return
    for key in ("cidr", "network.cidr"):
        if key in config:
            report.warn(config[key], "is not used: a subnet is carved from the cloud's pool")
    found.networks.append(slug(str(name.value)))


def _config(node: Node, report: Report) -> dict[str, Node]:
    """``brooklyn.config``, and the flags that may stand beside it."""
    made: dict[str, Node] = {}
    section = node.get("brooklyn.config")
    if section is not None and not isinstance(section.value, dict):
        report.refuse(section, "must be a mapping of keys to values")
    elif section is not None:
        kind = kind_of(node)
        if kind is None or (is_known(str(kind.value)) and not is_cloud(str(kind.value))):
            judge_flat(section, {**CONFIG, **_FLAG_KEYS}, report)
        made.update(section.items())
    made.update((key, item) for key, item in node.items() if key in CONFIG and key not in TOP)
    for flag, key in FLAGS.items():
        for place in (section, node):
            value = place.get(flag) if place is not None else None
            if value is not None and kind_of(node) is not None:
                made.pop(flag, None)
                made[key] = value
    return {key: value for key, value in made.items() if _is_used(key)}


def _is_used(key: str) -> bool:
    known = CONFIG.get(key)
    return known is None or known.standing not in (Standing.IGNORED, Standing.REFUSED)


def _name(found: Blueprint, report: Report) -> None:
    """By id, container's name, name, or image; numbered where only the image says it."""
    taken: dict[str, Described] = {}
    for service in found.services:
        written = service.name or next(iter(_candidates(service)), "")
        service.name = slug(written) or "service"
        if not service.ids and service.name in taken:
            service.name = next(
                name for n in range(2, 100_000) if (name := f"{service.name}-{n}") not in taken
            )
        other = taken.setdefault(service.name, service)
        if other is not service:
            where = (other.node.get("id") or other.node).problem("").where
            report.refuse(
                service.node.get("id") or service.node,
                f"is a second service called {service.name} (the first: {where})",
                "give it another id",
            )


def _candidates(service: Described) -> Iterator[str]:
    yield from service.ids[:1]
    name = service.config.get("docker.container.name")
    yield from ([str(name.value)] if name is not None else [])
    yield from _texts(service.node, "name")
    image = service.config.get("docker.image.name")
    kind = service.kind.removeprefix("docker:") if service.kind.startswith("docker:") else ""
    written = kind or (str(image.value) if image is not None else "application")
    yield written.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _texts(node: Node, key: str) -> list[str]:
    found = node.get(key)
    return [str(found.value)] if found is not None and str(found.value).strip() else []


def _instead(kind: str) -> str:
    image = next((image for part, image in _IMAGES.items() if part in simple(kind)), "IMAGE")
    return f"write  type: docker:{image}  with its configuration as variables or files of the image"
