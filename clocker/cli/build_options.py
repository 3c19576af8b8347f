"""The options that say what an image is built from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from clocker.model import Build

F = TypeVar("F", bound=Callable[..., Any])


def options(dockerfile: str, *short: str) -> tuple[Callable[[F], F], ...]:
    """``dockerfile``: the option that names it; with ``short`` in front."""
    return (
        click.option(
            *short,
            dockerfile,
            "dockerfile",
            metavar="PATH",
            help="The Dockerfile within the context (default: Dockerfile).",
        ),
        click.option(
            "--build-arg", multiple=True, metavar="K=V", help="For an ARG; no secret: images tell."
        ),
        click.option("--target", metavar="STAGE", help="Build up to this stage."),
        click.option(
            "--set",
            "substitutions",
            multiple=True,
            metavar="K=V",
            help="Put into the Dockerfile for {{ K }}; without, it is taken as it is.",
        ),
        click.option(
            "--checksum", metavar="SUM", help="sha256:... of what the context's URL gives."
        ),
        click.option(
            "--build-timeout",
            default="20m",
            metavar="TIME",
            show_default=True,
            help="For the build.",
        ),
    )


def build_of(context: str, given: dict[str, Any]) -> Build:
    """BadInput for what cannot be read."""
    from pathlib import Path

    from clocker.config import image_documents

    fields = {
        "context": context,
        "dockerfile": given["dockerfile"],
        "args": _pairs("--build-arg", given["build_arg"]),
        "target": given["target"],
        "substitutions": _pairs("--set", given["substitutions"]),
        "checksum": given["checksum"],
        "timeout": given["build_timeout"],
    }
    said = {name: value for name, value in fields.items() if value is not None}
    return image_documents.build_of(said, Path.cwd(), "build")


def lonely(given: dict[str, Any]) -> str | None:
    """An option that was given though nothing is built."""
    names = {"dockerfile": "--dockerfile", "build_arg": "--build-arg", "target": "--target"}
    names |= {"substitutions": "--set", "checksum": "--checksum"}
    return next((option for name, option in names.items() if given.get(name)), None)


def _pairs(option: str, items: tuple[str, ...]) -> dict[str, str]:
    from clocker.errors import BadInput

    found = {}
    for item in items:
        key, assigned, value = item.partition("=")
        if not key or not assigned:
            raise BadInput("must be NAME=VALUE", where=option, remedy=f"such as {option} VERSION=1")
        found[key] = value
    return found
