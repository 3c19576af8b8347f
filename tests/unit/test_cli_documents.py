"""Help, docs/cli.md and docs/json.md tell what the verbs do."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from cli_cloud import HEALED, SCALED, FakeCloud, Terminal, container, planned

from clocker.cli.main import cli
from clocker.cli.verbs import VERBS
from clocker.cloud import Stay, UpPlan
from clocker.model import Port
from clocker.policies.heal_actions import Trouble

DOCS = Path(__file__).parents[2] / "docs"
BLUEPRINT = Path(__file__).parents[1] / "data" / "blueprints" / "shop.yaml"


def command(path: str) -> click.Command:
    """Of a verb, or of a group's verb: ``network create``."""
    verb, _, inner = path.partition(" ")
    found = cli.get_command(click.Context(cli), verb)
    if inner:
        assert isinstance(found, click.Group)
        found = found.commands[inner]
    assert found is not None
    return found


def paths(verb: str) -> list[str]:
    found = command(verb)
    inner = found.commands if isinstance(found, click.Group) else {}
    return [verb, *(f"{verb} {name}" for name in inner)]


ALL = [path for verb in VERBS for path in paths(verb)]


def sections(text: str, mark: str) -> dict[str, str]:
    parts = re.split(rf"^{mark} (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


CLI = sections((DOCS / "cli.md").read_text(), "####?")
JSON = sections((DOCS / "json.md").read_text(), "##")
JSON_VERBS = [verb for verb in ALL if any(p.name == "as_json" for p in command(verb).params)]


@pytest.mark.parametrize("verb", ALL)
def test_help_has_an_example_of_the_verb(verb: str) -> None:
    found = command(verb)
    assert found.name == verb.rsplit(maxsplit=1)[-1]
    assert re.search(rf"Example:\n\s+clocker .*\b{verb}\b", found.help or "")
    assert all(p.help for p in found.params if isinstance(p, click.Option))


@pytest.mark.parametrize("verb", ALL)
def test_the_page_has_the_verb_with_every_option(verb: str) -> None:
    section = CLI[verb]
    for parameter in command(verb).params:
        if isinstance(parameter, click.Option):
            for word in parameter.opts:
                assert word in section, f"{word} of {verb}"
    assert f"clocker {verb}" in section


def test_the_page_has_no_other_verbs() -> None:
    assert set(CLI) == set(ALL)
    assert set(JSON) == set(JSON_VERBS)


def same_shape(documented: Any, printed: Any, place: str) -> None:
    """Keys and kinds agree; empty collections and nulls of the page stand for anything."""
    if isinstance(documented, dict) and documented:
        assert set(documented) == set(printed), place
        for key, value in documented.items():
            same_shape(value, printed[key], f"{place}.{key}")
    elif isinstance(documented, list) and documented:
        assert printed, place
        same_shape(documented[0], printed[0], f"{place}[0]")
    elif isinstance(documented, int | float) and not isinstance(documented, bool):
        assert isinstance(printed, int | float), place
    elif documented is not None:
        assert type(documented) is type(printed), place


ARGUMENTS = {
    "up": ("--yes",),
    "providers": ("ec2",),
    "doctor": ("local",),
    "run": ("--name", "web", "-p", "80", "nginx"),
    "explain": ("nginx",),
    "build": (".",),
    "inspect": ("web",),
    "move": ("web",),
    "exec": ("web", "true"),
    "down": ("--yes",),
    "gc": ("--yes",),
    "deploy": (str(BLUEPRINT), "--yes"),
    "app status": ("shop",),
    "app scale": ("shop", "web=3"),
    "app restart": ("shop", "web"),
    "app rm": ("shop", "--yes"),
    "host add": ("--yes",),
    "host cordon": ("demo-1",),
    "host uncordon": ("demo-1",),
    "host label": ("demo-1", "disk=ssd"),
    "host drain": ("demo-1",),
    "host rm": ("demo-1",),
    "host repair": ("demo-1",),
    "image copy": ("nginx", "demo-2"),
    "image rm": ("--yes", "nginx"),
    "image prune": ("--yes",),
    "image pull": ("nginx:1.27",),
    "image push": ("shop:1",),
    "registry login-check": ("registry",),
    "network create": ("blue",),
    "network inspect": ("blue",),
    "network attach": ("blue", "web"),
}


# watch prints a document a line: test_cli_watch.py
@pytest.fixture(autouse=True)
def no_mmdebstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    made = "clocker.providers.base_rootfs.make_base_rootfs"
    monkeypatch.setattr(made, lambda tar, release, say: tar.write_bytes(b"files"))


@pytest.mark.parametrize("verb", [verb for verb in JSON_VERBS if verb != "watch"])
def test_the_page_has_the_shape_that_is_printed(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = FakeCloud(
        containers=[container("web", ports=(Port(80),))],
        plan=UpPlan((planned(0.05, currency="EUR"),)),
        scaled=replace(SCALED, stays=(Stay("demo-4", "it has volumes"),)),
        stayed=(Stay("db", "it has volumes"),),
        healed=replace(HEALED, troubles=(Trouble("db", "it has failed", "see why"),)),
    )
    terminal = Terminal(cloud, capsys, monkeypatch)
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", JSON[verb], re.S)]
    variants = [(), ("--dry-run",)][: len(examples)]
    assert examples
    for example, variant in zip(examples, variants, strict=True):
        seen = terminal(*verb.split(), "--json", *variant, *ARGUMENTS.get(verb, ()))
        is_left = example.get("stayed") or example.get("troubles")
        expected = 3 if is_left else 0 if example.get("ok", True) else 4
        assert (seen.status, seen.err) == (expected, "")
        assert "tell-nobody" not in seen.out
        same_shape(example, seen.json, verb)
