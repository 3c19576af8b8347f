"""What a host is told of registries: whose certificates its engine accepts, which it asks first,
and where those of the cloud are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clocker.interfaces import Step
from clocker.model import Registry
from clocker.network.layout import Layout
from clocker.templating import render


def registries_step(cloud: str, registries: Sequence[Registry]) -> Step:
    """The files; those that are no longer wanted go. The engine reads them when it asks."""
    layout = Layout(cloud)
    script = f"{layout.scripts}/registries"
    by_host = {registry.host: registry for registry in registries if registry.ca}
    text = render(
        "bootstrap/registries_script.sh.j2",
        {
            "mark": f"# clocker {cloud} registry",
            "ours": f"{layout.etc}/registries",
            "trusted": tuple(by_host[host] for host in sorted(by_host)),
            "placed": tuple(registry for registry in registries if registry.address),
        },
    )
    return Step("registries", "bootstrap/registries.sh.j2", {"script": script, "text": text})


def with_registries(
    options: Mapping[str, object], registries: Sequence[Registry]
) -> dict[str, object]:
    """The engine's options with what they must say of registries, behind what they say already."""
    mirrors = [_url(registry) for registry in registries if registry.mirror]
    insecure = [registry.host for registry in registries if registry.insecure]
    added = {"registry-mirrors": mirrors, "insecure-registries": insecure}
    made = dict(options)
    for key, values in added.items():
        said = options.get(key) or []
        if values:
            made[key] = list(dict.fromkeys([*(said if isinstance(said, list) else []), *values]))
    return made


def _url(registry: Registry) -> str:
    return f"{'http' if registry.insecure else 'https'}://{registry.host}"
