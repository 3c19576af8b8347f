"""The options of ``clocker run`` that say what is installed in its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from clocker.model import Install

OPTIONS = (
    click.option(
        "--install", multiple=True, metavar="PACKAGE", help="Installed in the image, and kept."
    ),
    click.option(
        "--install-file",
        multiple=True,
        metavar="SRC:DST[:MODE]",
        help="Put into the image before the packages.",
    ),
    click.option(
        "--install-run", multiple=True, metavar="COMMAND", help="Run as root after the packages."
    ),
    click.option("--install-script", metavar="FILE", help="Run after these commands."),
    click.option(
        "--install-arg", multiple=True, metavar="K=V", help="A variable for them; no secret."
    ),
    click.option("--install-ttl", metavar="TIME", help="How long the outcome is good (always)."),
    click.option(
        "--install-timeout",
        default="15m",
        metavar="TIME",
        show_default=True,
        help="For the whole install.",
    ),
    click.option("--install-once", is_flag=True, help="For this container only; not kept."),
    click.option("--rebuild", is_flag=True, help="Install anew, whatever was kept."),
)


def install_of(given: dict[str, Any]) -> Install | None:
    """BadInput for what cannot be read, and for a manner of installing without anything to
    install."""
    from dataclasses import replace
    from pathlib import Path

    from clocker.errors import BadInput

    steps = _steps(given)
    if not any(steps.values()):
        if lonely := [name for name in _MANNERS if given[name]]:
            option = "--" + lonely[0].replace("_", "-")
            raise BadInput(
                "there is nothing to install", where=option, remedy="add --install PACKAGE"
            )
        return None
    from clocker.config import image_documents

    install = image_documents.install_of({**steps, **_manner(given)}, Path.cwd(), "--install")
    return replace(install, ttl_s=0.0) if given["rebuild"] else install


_MANNERS = ("install_arg", "install_ttl", "install_once", "rebuild")


def _steps(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "packages": list(given["install"]),
        "files": [_file(item) for item in given["install_file"]],
        "commands": list(given["install_run"]),
        "script": given["install_script"],
    }


def _manner(given: dict[str, Any]) -> dict[str, Any]:
    manner = {
        "args": list(given["install_arg"]),
        "timeout": given["install_timeout"],
        "keep": not given["install_once"],
    }
    return {**manner, "ttl": given["install_ttl"]} if given["install_ttl"] else manner


def _file(item: str) -> dict[str, str]:
    from clocker.errors import BadInput

    parts = item.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise BadInput(
            f"{item!r} cannot be understood",
            where="--install-file",
            remedy="give SRC:DST or SRC:DST:MODE, such as app.conf:/etc/app.conf:600",
        )
    return dict(zip(("source", "target", "mode"), parts, strict=False))
