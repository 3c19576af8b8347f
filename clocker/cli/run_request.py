"""The options of ``clocker run`` as the request that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from clocker.model import Build, ContainerRequest


def request_of(given: dict[str, Any]) -> ContainerRequest:
    from clocker.cli import request_options as parse
    from clocker.cli.heal_options import healing_of, stop_signal_of
    from clocker.cli.install_options import install_of
    from clocker.model import ContainerRequest, Resources, Wait

    image, words, build = _image(given)
    return ContainerRequest(
        image=image,
        resources=Resources(parse.cores(given["cores"]), parse.ram(given["ram"])),
        name=_maybe(parse.name, given["name"]),
        env=parse.env(given["env"]),
        secrets=(
            *(parse.secret(text) for text in given["secret"]),
            *(parse.secret(text, as_env=True) for text in given["secret_env"]),
        ),
        volumes=tuple(map(parse.volume, given["volume"])),
        labels=parse.labels(given["label"]),
        ports=tuple(map(parse.port, given["publish"])),
        command=_command(words),
        entrypoint=_maybe(lambda text: parse.words("--entrypoint", text), given["entrypoint"]),
        user=given["user"],
        workdir=_maybe(parse.workdir, given["workdir"]),
        hostname=given["hostname"],
        capabilities=tuple(map(parse.capability, given["cap_add"])),
        privileged=given["privileged"],
        read_only=given["read_only"],
        restart=parse.restart(given["restart"]),
        health=parse.health(
            given["health_cmd"],
            given["health_interval"],
            given["health_timeout"],
            given["health_retries"],
            given["health_start_period"],
        ),
        ssh=given["ssh"],
        wait=Wait(given["wait"] or ("ssh" if given["ssh"] else "running")),
        timeout_s=parse.duration("--timeout", given["timeout"]),
        rules=tuple(map(parse.rule, given["rule"])),
        address=_maybe(parse.address, given["ip"]),
        networks=tuple(map(parse.network, given["network"])),
        aliases=tuple(map(parse.alias, given["alias"])),
        install=install_of(given),
        healing=healing_of(given),
        stop_signal=stop_signal_of(given),
        stop_grace_s=parse.duration("--stop-grace", given["stop_grace"]),
        build=build,
    )


def _image(given: dict[str, Any]) -> tuple[str, tuple[str, ...], Build | None]:
    """What it is made of, and the words of its command: with a build there is no image to name."""
    from clocker.cli.build_options import build_of, lonely

    image, words = given["image"], tuple(given["command"])
    if given.get("build") is not None:
        return "", (image, *words) if image else words, build_of(given["build"], given)
    if option := lonely(given):
        raise click.UsageError(f"{option} goes with --build CONTEXT")
    if not image:
        raise click.UsageError("Missing argument 'IMAGE', or --build CONTEXT instead of it")
    return image, words, None


def _maybe(parse: Any, text: str | None) -> Any:
    return None if text is None else parse(text)


def _command(words: tuple[str, ...]) -> tuple[str, ...] | None:
    given = words[1:] if words[:1] == ("--",) else words
    return tuple(given) or None
