"""Every verb: its module, and the line that ``clocker --help`` shows without importing it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """``command``: module of this package and the click command in it."""

    command: str
    summary: str


SECTIONS: dict[str, dict[str, Verb]] = {
    "The cloud": {
        "init": Verb("init:init", "Write a clocker.yaml to begin with."),
        "providers": Verb("providers:providers", "List the providers that hosts can be made at."),
        "doctor": Verb("doctor:doctor", "Check a provider before anything is spent."),
        "plan": Verb("plan:plan", "Show what up would make, and at what price."),
        "up": Verb("up:up", "Make the cloud's hosts."),
        "status": Verb("status:status", "Show the cloud in one look."),
        "hosts": Verb("status:hosts", "List the hosts and what is booked on them."),
        "host": Verb("host:host", "Add, label, cordon, drain, repair and remove hosts."),
        "scale": Verb("scale:scale", "Keep room for more containers: make or remove hosts."),
        "heal": Verb("heal:heal", "Restart what failed, replace hosts that died."),
        "watch": Verb("watch:watch", "Heal the cloud within seconds, for as long as it runs."),
        "events": Verb("events:events", "Show what was done, by whom, and how it ended."),
        "adopt": Verb("adopt:adopt", "Rebuild a lost store from tags and labels."),
        "gc": Verb("gc:gc", "Remove what is left of the cloud at its providers."),
        "rotate-certs": Verb(
            "rotate:rotate_certs", "Replace the keys and certificates of engines reached by TLS."
        ),
        "down": Verb("down:down", "Remove all containers and hosts of the cloud."),
    },
    "Containers": {
        "run": Verb("run:run", "Ask for a container, or several."),
        "explain": Verb("explain:explain", "Show which hosts would take a container, and why."),
        "ps": Verb("ps:ps", "List the containers."),
        "inspect": Verb("inspect:inspect", "Show all that is known of a container or host."),
        "exec": Verb("exec:exec_", "Run a command in a container."),
        "ssh": Verb("ssh:ssh", "Log in to a container or host."),
        "cp": Verb("cp:cp", "Copy files to or from a container."),
        "logs": Verb("logs:logs", "Show what a container has printed."),
        "start": Verb("power:start", "Start containers that are stopped."),
        "stop": Verb("power:stop", "Stop containers; they keep their name and address."),
        "restart": Verb("power:restart", "Stop and start containers."),
        "move": Verb("move:move", "Take a container to another host."),
        "rm": Verb("rm:rm", "Remove containers."),
    },
    "Applications": {
        "deploy": Verb("deploy:deploy", "Make what runs what a file describes."),
        "apps": Verb("app:apps", "List the applications."),
        "app": Verb("app:app", "Look at an application, scale, restart or remove it."),
    },
    "Images": {
        "build": Verb("build:build", "Build an image on a host from a Dockerfile."),
        "image": Verb("image:image", "List the images on the hosts, and look after them."),
        "registry": Verb("registry:registry", "Run a registry in the cloud, list and check them."),
    },
    "Networks": {
        "network": Verb("network:network", "Make, fill, look at and check the networks."),
        "dns": Verb("network:dns", "Show the names, and ask every host for them."),
    },
    "This machine": {
        "ssh-config": Verb("ssh:ssh_config", "Print a config for plain ssh, scp and rsync."),
        "completion": Verb("completion:completion", "Print the completion script of a shell."),
    },
}

VERBS = {name: verb for verbs in SECTIONS.values() for name, verb in verbs.items()}
