"""What a document of an application may have that one of a cloud may not."""

from __future__ import annotations

from typing import Any

import pytest

from clocker.config.document import APPLICATION, CLOUD, parse_document
from clocker.errors import ConfigError


def _value(text: str) -> Any:
    return parse_document(f"key: {text}\n", "x.yaml", dialect=APPLICATION).data["key"]


@pytest.mark.parametrize("word", ["no", "Yes", "on", "OFF", "22:22", "-1:30.5", "190:20:30"])
def test_words_that_yaml_1_1_takes_for_something_else(word: str) -> None:
    assert _value(word) == word


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("False", False), ("0644", 420), ("1.5", 1.5), ("~", None)]
)
def test_what_is_no_word(text: str, value: Any) -> None:
    assert _value(text) == value


def test_words_are_keys() -> None:
    document = parse_document("no: 1\non: 2\n8080: 3\n", "x.yaml", dialect=APPLICATION)
    assert document.data == {"no": 1, "on": 2, "8080": 3}


def test_a_document_of_a_cloud_keeps_its_reading() -> None:
    assert parse_document("key: no\n", "x.yaml").data == {"key": False}
    with pytest.raises(ConfigError, match="a key must be text"):
        parse_document("no: 1\n", "x.yaml", dialect=CLOUD)


def test_ten_thousand_entries() -> None:
    text = "".join(f"e{n}: {{a: [1, 2, 3], b: {{c: d}}}}\n" for n in range(15_000))
    assert len(parse_document(text, "x.yaml", dialect=APPLICATION).data) == 15_000
    with pytest.raises(ConfigError):
        parse_document(text, "x.yaml")


def test_an_alias_bomb() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(ConfigError, match="expand without bound"):
        parse_document("\n".join(lines), "x.yaml", dialect=APPLICATION)
