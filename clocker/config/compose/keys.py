"""Every key of the Compose specification, and what becomes of it. docs/compose.md shows these
tables, and a test holds them against the specification's schema."""

from __future__ import annotations

from collections.abc import Mapping

from clocker.config.compose.service_keys import BUILD, DEPLOY, MOUNTS, SERVICE
from clocker.config.standing import Key, Standing, keys_of

_S, _A = Standing.SUPPORTED, Standing.APPROXIMATED
_I, _R = Standing.IGNORED, Standing.REFUSED
_LABELS = Key(_I, "networks, volumes, secrets and configurations have no labels here")

TOP: Mapping[str, Key] = {
    "version": Key(_I, "the specification has given it up"),
    "name": Key(_S, "the application's name; `--name` and COMPOSE_PROJECT_NAME come before it"),
    "include": Key(_S, "files whose services join; each with its own folder and variables"),
    "services": Key(_S, "names are DNS labels, since the containers are found by them"),
    "networks": Key(_S),
    "volumes": Key(_S),
    "secrets": Key(_S),
    "configs": Key(_S),
    "models": Key(_R, "run the model's server as a service"),
    "jobs": Key(_R, "write a service with `restart: 'no'`, and run it by a timer of the system"),
}
INCLUDE: Mapping[str, Key] = {
    "include.*.path": Key(_S, "one file; override files are not joined"),
    "include.*.env_file": Key(_S),
    "include.*.project_directory": Key(_S),
}
NETWORKS: Mapping[str, Key] = {
    "networks.*.name": Key(_A, "the name of an external network; else one derives from the application's"),
    "networks.*.external": Key(_S, "a network of the cloud: `clocker network create NAME`"),
    "networks.*.external.name": Key(_S, "the older way to write it"),
    "networks.*.driver": Key(_R, "all networks have the driver of clocker.yaml", ("bridge", "overlay", "default", "")),
    "networks.*.driver_opts": Key(_R, "the cloud's driver has its options in clocker.yaml"),
    "networks.*.ipam": Key(
        _I, "a subnet is carved from the cloud's pool; one of your own: make the network with `clocker network create NAME --subnet CIDR`, and say `external: true`"
    ),
    "networks.*.internal": Key(
        _R, "containers may reach what is outside: keep it off by the firewall of the hosts", ("false",)
    ),
    "networks.*.enable_ipv4": Key(_R, "networks have IPv4", ("true",)),
    "networks.*.enable_ipv6": Key(_R, "networks have no IPv6", ("false",)),
    "networks.*.attachable": Key(_S, "any container of the cloud may join: `clocker network attach`"),
    "networks.*.labels": _LABELS,
}  # fmt: skip
VOLUMES: Mapping[str, Key] = {
    "volumes.*.name": Key(_S, "a volume of the cloud by this name, and not the application's own"),
    "volumes.*.external": Key(_S, "the same, under its own name where none is said"),
    "volumes.*.external.name": Key(_S, "the older way to write it"),
    "volumes.*.driver": Key(_R, "volumes are on the hosts' disks", ("local", "")),
    "volumes.*.driver_opts": Key(_R, "mount it on the hosts, and write its path there"),
    "volumes.*.labels": _LABELS,
}
SECRETS: Mapping[str, Key] = {
    "secrets.*.file": Key(_S, "read when a container is made, where the command runs"),
    "secrets.*.environment": Key(_S, "a variable where the command runs"),
    "secrets.*.x-command": Key(_S, "not of the specification: a command's output, `[pass, show, NAME]`"),
    "secrets.*.name": Key(_I, "it is the application's own"),
    "secrets.*.external": Key(_R, "say where its value is: `file`, `environment` or `x-command`", ("false",)),
    "secrets.*.labels": _LABELS,
    "secrets.*.driver": Key(_R, "say where its value is: `file`, `environment` or `x-command`"),
    "secrets.*.driver_opts": Key(_R, "say where its value is: `file`, `environment` or `x-command`"),
    "secrets.*.template_driver": Key(_R, "write the value as it is to be"),
    "configs.*.file": Key(_A, "read when the document is, and on record"),
    "configs.*.environment": Key(_S, "a variable where the command runs"),
    "configs.*.content": Key(_A, "on record: what is secret belongs into `secrets`"),
    "configs.*.name": Key(_I, "it is the application's own"),
    "configs.*.external": Key(_R, "say `file`, `content` or `environment`", ("false",)),
    "configs.*.labels": _LABELS,
    "configs.*.template_driver": Key(_R, "write the content as it is to be"),
}  # fmt: skip

TABLES: Mapping[str, Mapping[str, Key]] = {
    "The document": {**TOP, **INCLUDE},
    "A service": SERVICE,
    "Its build": BUILD,
    "Its volumes": MOUNTS,
    "Its deploy": DEPLOY,
    "Networks": NETWORKS,
    "Volumes": VOLUMES,
    "Secrets and configs": SECRETS,
}
KEYS = keys_of({path: key for table in TABLES.values() for path, key in table.items()})
