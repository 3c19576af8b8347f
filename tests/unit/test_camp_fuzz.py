"""Whatever a blueprint says, it is an application or a BadInput."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clocker.applications import resolve
from clocker.config.applications import load_application
from clocker.config.camp.cloud import cloud_document
from clocker.config.camp.dsl import parsed
from clocker.config.camp.keys import CLOUD, CONFIG, FLAGS, SERVICE, TOP
from clocker.config.document import APPLICATION, read_document
from clocker.errors import BadInput

EXPRESSIONS = [
    '$brooklyn:component("a").attributeWhenReady("host.address")',
    '$brooklyn:component("b").attributeWhenReady("docker.port.80")',
    '$brooklyn:component("a").config("docker.memory")',
    '$brooklyn:config("docker.image.name")',
    '$brooklyn:formatString("%s-%d", component("a").attributeWhenReady("host.name"), "1")',
    '$brooklyn:component("a")',
    "$brooklyn:",
    "$brooklyn:a(((",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(
        [*EXPRESSIONS, "docker:x", "80", "80-90", "a:/b", "/c", "512m", "NOT TYPE", "a", "b", "."]
    ),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.text(max_size=5),
                st.sampled_from(["type", "brooklyn.config", "$brooklyn:object", "maxContainers"]),
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(
    [
        "docker:x",
        "VanillaDockerApplication",
        "DynamicCluster",
        "BasicApplication",
        "x.VirtualNetwork",
    ]
)
DOCUMENTS = st.dictionaries(st.sampled_from(list(TOP)), ANYTHING, max_size=2)
SERVICES = st.builds(
    lambda kind, config, rest: {"type": kind, "brooklyn.config": config, **rest},
    TYPES,
    st.dictionaries(st.sampled_from(list(CONFIG)), ANYTHING, max_size=4),
    st.dictionaries(st.sampled_from([*SERVICE, *FLAGS]), ANYTHING, max_size=3),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def _loads(folder: Path, data: Any) -> None:
    path = folder / "camp.yaml"
    path.write_text(json.dumps(data))
    try:
        resolve(load_application(path, {"A": "1"}).application)
    except BadInput as error:
        assert str(error)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(SERVICES, max_size=3), DOCUMENTS)
def test_services(folder: Path, services: list[Any], top: dict[str, Any]) -> None:
    known = [{"type": "docker:x", "id": name} for name in ("a", "b")]
    _loads(folder, {**top, "services": [*known, *services]})


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ANYTHING, max_size=4))
def test_anything(folder: Path, services: list[Any]) -> None:
    _loads(folder, {"services": services})


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(list(CLOUD)), ANYTHING, max_size=5), ANYTHING)
def test_clouds(folder: Path, config: dict[str, Any], location: Any) -> None:
    path = folder / "cloud.yaml"
    service = {"type": "docker-cloud", "brooklyn.config": config}
    path.write_text(json.dumps({"location": location, "services": [service]}))
    try:
        assert cloud_document(read_document(path, dialect=APPLICATION), {})
    except BadInput as error:
        assert str(error)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet='abc$:brokly()".,\\ 1', max_size=40))
def test_expressions(text: str) -> None:
    try:
        parsed(f"$brooklyn:{text}")
    except ValueError as error:
        assert str(error).startswith("is ")
