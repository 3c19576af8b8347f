"""docs/placement.md: every rule with every option, and examples that work."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from clocker import plugins
from clocker.config.rules import rule_spec

PAGE = (Path(__file__).parents[2] / "docs" / "placement.md").read_text()


@pytest.mark.parametrize("name", plugins.RULES)
def test_every_rule_is_listed_with_its_options(name: str) -> None:
    rows = [row for row in PAGE.splitlines() if re.match(r"\|[^|]*`" + name + "`", row)]
    assert rows
    for field in fields(plugins.rule_class(name)):
        assert all(f"`{field.name}`" in row.split("|")[2] for row in rows), field.name


def test_the_examples_are_rules() -> None:
    (document,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len([rule_spec(rule) for rule in yaml.safe_load(document)["rules"]]) == 6


def test_the_python_example_runs() -> None:
    given: dict[str, object] = {}
    exec(re.findall(r"```python\n(from.*?)```", PAGE, re.DOTALL)[0], given)
    assert len(given["request"].rules) == 2  # type: ignore[attr-defined]


def test_the_rules_in_the_tables_are_rules() -> None:
    """What stands in code with a colon, such as ``same_host: db``."""
    shown = re.findall(r"`([a-z_]+: [^`]+)`", PAGE)
    shown = [text for text in shown if text.partition(":")[0] in plugins.RULES]
    assert len(shown) > 8
    for text in shown:
        rule_spec(yaml.safe_load(text))
