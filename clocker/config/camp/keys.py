"""Every key of the original's blueprints, and what becomes of it. docs/camp.md shows these
tables."""

from __future__ import annotations

from collections.abc import Mapping

from clocker.config.standing import Key, Standing

_S, _A = Standing.SUPPORTED, Standing.APPROXIMATED
_I, _R = Standing.IGNORED, Standing.REFUSED
_CLOUD = "containers go to the cloud of clocker.yaml: name another with --file"
_SHOWN = "nothing of it is run"
_HOSTS = "hosts are described in clocker.yaml"
_SENSORS = (
    "there are no sensors: write what is to be computed into the image, or see `clocker app status`"
)
_LIST_PORTS = "list the ports in `docker.container.openPorts` or `.directPorts`"
_LATCH = Key(_A, "another service's `service.isUp`: this one is started after it")

TOP: Mapping[str, Key] = {
    "id": Key(_S, "the application's name, small letters, digits and hyphens made of it"),
    "name": Key(_S, "the application's name where there is no `id`"),
    "origin": Key(_S, _SHOWN),
    "description": Key(_S, _SHOWN),
    "version": Key(_S, _SHOWN),
    "iconUrl": Key(_S, _SHOWN),
    "icon_url": Key(_S, _SHOWN),
    "location": Key(_I, _CLOUD),
    "locations": Key(_I, _CLOUD),
    "services": Key(_S),
    "brooklyn.config": Key(_S, "the services have it, unless they say otherwise"),
    "brooklyn.policies": Key(_R, "write it at the services"),
    "brooklyn.enrichers": Key(_I, _SENSORS),
    "brooklyn.initializers": Key(_R, "there are no effectors: `clocker exec` runs a command"),
    "brooklyn.parameters": Key(_R, "write `${NAME}`, and set the variable when it is deployed"),
    "brooklyn.catalog": Key(_R, "deploy a blueprint: there is no catalogue"),
    "brooklyn.tags": Key(_S, _SHOWN),
}
SERVICE: Mapping[str, Key] = {
    "type": Key(_S, "as below"),
    "serviceType": Key(_S, "the same as `type`"),
    "service_type": Key(_S, "the same as `type`"),
    "id": Key(_S, "the service's name, small letters, digits and hyphens made of it"),
    "name": Key(_S, "the service's name where there is no `id` and no `docker.container.name`"),
    "location": Key(_I, _CLOUD),
    "locations": Key(_I, _CLOUD),
    "description": Key(_S, _SHOWN),
    "iconUrl": Key(_S, _SHOWN),
    "brooklyn.config": Key(_S),
    "brooklyn.children": Key(_A, "services of the same application"),
    "brooklyn.policies": Key(_S, "as below"),
    "brooklyn.enrichers": Key(_I, _SENSORS),
    "brooklyn.initializers": Key(_R, "there are no effectors: `clocker exec` runs a command"),
    "brooklyn.parameters": Key(_R, "write `${NAME}`, and set the variable when it is deployed"),
    "brooklyn.tags": Key(_S, _SHOWN),
}
CONFIG: Mapping[str, Key] = {
    "docker.image.name": Key(_S, "the image, with `docker.image.tag`"),
    "docker.image.tag": Key(_S),
    "docker.image.id": Key(_S, "an image that the hosts have"),
    "docker.imageId": Key(_S, "the older name of `docker.image.id`"),
    "docker.registry.url": Key(_S, "stands before the image's name"),
    "docker.registry.username": Key(_R, "registries have their credentials in clocker.yaml"),
    "docker.registry.password": Key(_R, "registries have their credentials in clocker.yaml"),
    "docker.container.name": Key(
        _A, "the service's name; the container is called APPLICATION-SERVICE"
    ),
    "docker.container.openPorts": Key(
        _S, "published on ports of the host that are chosen; numbers, `8000-8010`"
    ),
    "docker.openPorts": Key(_S, "the older name of `docker.container.openPorts`"),
    "docker.open.ports": Key(_S, "an older name of the same"),
    "docker.container.directPorts": Key(_S, "published on the same ports of the host"),
    "docker.directPorts": Key(_S, "the older name of `docker.container.directPorts`"),
    "docker.direct.ports": Key(_S, "an older name of the same"),
    "docker.container.portBindings": Key(_S, "host's port to container's"),
    "docker.container.openPorts.configKeys": Key(_R, _LIST_PORTS),
    "docker.container.directPorts.configKeys": Key(_R, _LIST_PORTS),
    "docker.container.environment": Key(
        _S, "a mapping, or a list of NAME=VALUE; values may be of other services"
    ),
    "docker.container.volumes": Key(
        _A,
        "`/PLACE` is a volume of the service's own, `NAME:/PLACE` one of the application, `/PATH:/PLACE` a folder of the hosts",
    ),
    "docker.container.volumes.export": Key(_A, "as `docker.container.volumes`"),
    "docker.container.volumes.import": Key(
        _R, "name the volume in both services: they are put on one host"
    ),
    "docker.container.volumesFrom": Key(
        _R, "name the volume in both services: they are put on one host"
    ),
    "docker.host.volumes": Key(
        _A, "a folder of the hosts to its place; a URL is refused: build the archive into the image"
    ),
    "docker.container.links": Key(
        _A,
        "started first, and found by the alias as a name; the variables ALIAS_PORT_... are not set",
    ),
    "docker.container.entrypoint": Key(_S),
    "docker.container.commands": Key(_S, "the words of the command"),
    "docker.container.interactive": Key(_S, "a terminal and standard input are held open"),
    "docker.container.privileged": Key(
        _A, "false where nothing is said: the original's were privileged"
    ),
    "docker.cpuShares": Key(_I, "cores are booked: say `minCores` in `provisioning.properties`"),
    "docker.memory": Key(_A, "booked on the host and the most that it may use; bytes, or `512m`"),
    "docker.cpus": Key(_A, "booked on the host and the most that it may use"),
    "docker.dockerfile.url": Key(
        _S, "a file, a folder or `file:` URL; an archive's URL with `docker.dockerfile.checksum`"
    ),
    "docker.dockerfile.checksum": Key(
        _S, "not of the original: `sha256:...` of what is downloaded"
    ),
    "docker.dockerfile.name": Key(_S, "what the image is called that is built"),
    "docker.dockerfile.substitutions": Key(
        _A, "for Jinja templates: `{{ name }}` instead of FreeMarker's `${name}`"
    ),
    "docker.context.url": Key(_R, "name the folder in `docker.dockerfile.url`"),
    "docker.entrypoint.url": Key(_R, "copy it in the Dockerfile"),
    "docker.useSsh": Key(_S, "false where nothing is said"),
    "docker.useHostDnsName": Key(_I, "a container's name is its own"),
    "docker.container.strategies": Key(_S, "as below"),
    "docker.container.strategy": Key(_S, "one of them"),
    "docker.constraint.hostname": Key(_S, "a regular expression for the whole name"),
    "docker.constraint.labels": Key(_S, "all of them; `KEY` or `KEY=VALUE`"),
    "docker.constraint.exclusive": Key(
        _S, "with the strategy of groups: no other application's containers there"
    ),
    "affinity.rules": Key(
        _A,
        "the original's sentences; `TYPE X` asks for one such container on the host (the original: all there are such), PREDICATE is refused",
    ),
    "provisioning.properties": Key(
        _A,
        "`minRam` and `minCores` are booked for the container; others are refused, hosts are clocker.yaml's",
    ),
    "network.list": Key(_A, "networks of the application besides the one that its services share"),
    "launch.latch": _LATCH,
    "start.latch": _LATCH,
    "install.latch": _LATCH,
    "customize.latch": _LATCH,
    "initialSize": Key(_S, "of a DynamicCluster: replicas"),
    "cluster.initial.size": Key(_S, "the same"),
    "dynamiccluster.memberspec": Key(_S, "of a DynamicCluster: an entitySpec of a docker: type"),
    "memberSpec": Key(_S, "the same"),
    "docker.container.autoCheckpointImage": Key(
        _I, "images are generated by `install` of our own blueprints"
    ),
    "docker.policy.ha.enable": Key(_I, "what fails is restarted: `clocker heal`"),
    "start.timeout": Key(_S, "how long a container has to be started"),
    "clocker.service": Key(
        _S,
        "not of the original: what it has no word for, as our own blueprints write it: health, needs, secrets, rules, scale, stop, ...",
    ),
    "shell.env": Key(_R, "write `docker.container.environment`"),
}
"""By their names. The same may stand at the service itself, by its flag."""
FLAGS: Mapping[str, str] = {
    "openPorts": "docker.container.openPorts",
    "directPorts": "docker.container.directPorts",
    "portBindings": "docker.container.portBindings",
    "env": "docker.container.environment",
    "volumes": "docker.container.volumes",
    "volumeMappings": "docker.host.volumes",
    "volumesFrom": "docker.container.volumesFrom",
    "links": "docker.container.links",
    "entrypoint": "docker.container.entrypoint",
    "commands": "docker.container.commands",
    "containerName": "docker.container.name",
    "useSsh": "docker.useSsh",
    "imageName": "docker.image.name",
    "imageTag": "docker.image.tag",
    "initialSize": "initialSize",
    "memberSpec": "dynamiccluster.memberspec",
}
TYPES: Mapping[str, Key] = {
    "docker:IMAGE": Key(_S, "`docker:nginx:1.27`, also with a registry, its port and a digest"),
    "VanillaDockerApplication": Key(_S, "with `docker.image.name` or `docker.dockerfile.url`"),
    "DockerfileApplication": Key(_S, "with `docker.dockerfile.url`"),
    "BasicApplication": Key(_S, "its `brooklyn.children` are the services"),
    "SameServerEntity": Key(
        _R, "write one `docker:` service for each child, with the affinity rule APPLICATION"
    ),
    "DynamicCluster": Key(_S, "one service of `initialSize` replicas of its `memberSpec`"),
    "VirtualNetwork": Key(
        _A,
        "a network of the application, called by its `networkId`; its subnet is the cloud's to choose",
    ),
    "docker-cloud, docker-infrastructure, DockerInfrastructure": Key(
        _A, "a cloud and no application: `clocker init --from FILE` writes its clocker.yaml"
    ),
    "any other Java type": Key(_R, "write `type: docker:IMAGE`, with the program in the image"),
}
POLICIES: Mapping[str, Key] = {
    "AutoScalerPolicy": Key(
        _A,
        "`minPoolSize` and `maxPoolSize` bound the replicas; `clocker app scale` changes them, no metric does",
    ),
    "ServiceRestarter": Key(
        _A, "healing, once within `failOnRecurringFailuresInThisDuration` (3m)"
    ),
    "ServiceReplacer": Key(_A, "healing: what its host is lost of is made anew elsewhere"),
    "ServiceFailureDetector": Key(_I, "failures are told by the engines"),
    "ConnectionFailureDetector": Key(
        _I, "failures are told by the engines: give the image a HEALTHCHECK"
    ),
}
SENSORS: Mapping[str, Key] = {
    "host.address": Key(_S, "the container's address"),
    "host.subnet.address": Key(_S, "the same"),
    "host.name": Key(_S, "the container's host name, with the zone"),
    "host.subnet.hostname": Key(_S, "the same"),
    "docker.container.name": Key(_S, "the container's name"),
    "docker.host.name": Key(_S, "the host's name"),
    "docker.host.address": Key(_S, "the host's address"),
    "docker.port.N": Key(_S, "the host's port at which the container's port N is published"),
    "mapped.docker.port.N": Key(_S, "the host's address and that port, `ADDRESS:PORT`"),
    "service.isUp": Key(_S, "in a latch only"),
}
FUNCTIONS: Mapping[str, Key] = {
    "component(ID), entity(ID)": Key(_S, "a service of the document"),
    ".attributeWhenReady(SENSOR)": Key(_S, "as below"),
    ".config(KEY)": Key(_S, "what stands there in the document"),
    "config(KEY)": Key(_S, "of the service itself"),
    "formatString(FORMAT, ...)": Key(_S, "%s and %d"),
    "literal(TEXT)": Key(_S),
    "object": Key(_S, "for strategies: its `type` and `brooklyn.config`"),
    "entitySpec": Key(_S, "for members of a cluster"),
    "sensor(...), parent(), root(), child(...), descendant(...), regexReplacement(...), external(...)": Key(_R, "write the value, or name the service: `component(ID)`"),
}  # fmt: skip
CLOUD: Mapping[str, Key] = {
    "entity.dynamicLocation.name": Key(_S, "name"),
    "docker.version": Key(_A, "engine.version, as a comment: the engine is a newer one"),
    "docker.host.cluster.initial.size": Key(_S, "hosts.count"),
    "docker.container.cluster.headroom.count": Key(_S, "headroom.count"),
    "docker.container.cluster.headroom.percent": Key(_S, "headroom.percent"),
    "docker.container.cluster.maxSize": Key(_S, "the rule max_containers"),
    "docker.container.cluster.maxCpu": Key(_S, "the rule max_cpu_usage"),
    "docker.container.strategies": Key(_S, "rules"),
    "docker.container.strategy": Key(_S, "rules"),
    "affinity.rules": Key(_S, "the rule affinity"),
    "docker.host.flags": Key(_A, "minRam and minCores: hosts.ram and hosts.cores"),
    "docker.host.spec": Key(_A, "its docker.host.flags and docker.host.driver.storage"),
    "docker.host.driver.storage": Key(_S, "engine.options: storage-driver"),
    "provisioning.properties": Key(_A, "minRam and minCores: hosts.ram and hosts.cores"),
    "sdn.enable": Key(_S, "network.driver"),
    "sdn.provider.spec": Key(_A, "network.driver: weave for WeaveNetwork, else vxlan"),
    "sdn.network.cidr": Key(_S, "network.pool"),
    "weave.enabled": Key(_S, "network.driver"),
    "weave.cidr": Key(_S, "network.pool"),
}
TABLES: Mapping[str, Mapping[str, Key]] = {
    "The blueprint": TOP,
    "A service": SERVICE,
    "Types": TYPES,
    "Its configuration": CONFIG,
    "Policies": POLICIES,
    "The language": FUNCTIONS,
    "Sensors": SENSORS,
    "A cloud": CLOUD,
}
