"""Whatever a file says, it is an application or a ConfigError."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from clocker.applications import resolve
from clocker.config.applications import load_application
from clocker.config.compose.alike import judged, one_of_each
from clocker.config.compose.keys import TABLES
from clocker.config.compose.schema import schema
from clocker.errors import BadInput

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [
            "${A}",
            "${A:-",
            "$",
            "a",
            "0",
            "1g",
            "1h5m",
            "80:80",
            "a:/b",
            "b",
            "../x",
            "~root/x",
            "é\n",
        ]
    ),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=6), inner, max_size=3),
    ),
    max_leaves=6,
)
KEYS = sorted({path.rpartition(".")[2] for table in TABLES.values() for path in table} - {"*"})


def _of(part: Any) -> st.SearchStrategy[Any]:
    """Something that the schema allows there, as far as it goes, or something else."""
    branches = [_of(each) for each in part.get("oneOf", ()) if isinstance(each, dict)]
    kinds = part.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if "object" in kinds or "properties" in part:
        branches.append(_mapping(part))
    if "array" in kinds:
        branches.append(st.deferred(lambda: st.lists(_of(part.get("items", {})), max_size=3)))
    return st.one_of(*branches, SCALARS)


def _mapping(part: Any) -> st.SearchStrategy[Any]:
    known = {name: _of(inner) for name, inner in part.get("properties", {}).items()}
    free = [
        _of(inner)
        for pattern, inner in part.get("patternProperties", {}).items()
        if not pattern.startswith("^x-") and isinstance(inner, dict)
    ]
    fixed = st.fixed_dictionaries({}, optional=known) if known else st.just({})
    if not free:
        return fixed
    names = st.sampled_from(["a", "b", "A_B", "web-2"])
    return st.builds(lambda f, m: {**f, **m}, fixed, st.dictionaries(names, free[0], max_size=3))


SERVICE = _of(schema()["properties"]["services"]["patternProperties"]["^[a-zA-Z0-9._-]+$"])
KEYED = st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=4)


def _loads(folder: Path, data: Any) -> None:
    path = folder / "compose.yaml"
    path.write_text(json.dumps(data, ensure_ascii=True))
    try:
        resolve(load_application(path, {"A": "1"}).application)
    except BadInput as error:
        assert str(error)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(["a", "b", "web"]), st.one_of(SERVICE, KEYED), max_size=3))
def test_services(folder: Path, services: dict[str, Any]) -> None:
    for service in services.values():
        if isinstance(service, dict):
            service.setdefault("image", "x")
    _loads(folder, {"services": services, "volumes": {"a": None}, "networks": {"b": {}}})


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(SERVICE, KEYED), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_one_of_those_alike_stands_for_all(services: list[Any], names: list[str]) -> None:
    """It is no worse than the others: a document is as it must be when these are."""
    data = {"services": {f"s{n}": {"image": "x"} for n in range(120)}}
    data["services"] |= dict(zip(names, services, strict=False))
    data["services"] |= {f"t{n}": json.loads(json.dumps(s)) for n, s in enumerate(services)}
    fewer = one_of_each(data, judged(schema()))
    assert len(fewer["services"]) <= 9
    validator = Draft202012Validator(schema())
    assert validator.is_valid(fewer) == validator.is_valid(data)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(_of(schema()))
def test_documents(folder: Path, data: Any) -> None:
    _loads(folder, {"services": {"a": {"image": "x"}}, **data} if isinstance(data, dict) else data)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200), st.sampled_from(["", "services:\n  a:\n    image: x\n    "]))
def test_bytes(folder: Path, content: bytes, before: str) -> None:
    path = folder / "bytes.yaml"
    path.write_bytes(before.encode() + content)
    try:
        load_application(path, {})
    except BadInput as error:
        assert str(error)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=60))
def test_files_of_variables(folder: Path, text: str) -> None:
    (folder / "x.env").write_text(text, encoding="utf-8", errors="replace")
    _loads(folder, {"services": {"a": {"image": "x", "env_file": "x.env"}}})
