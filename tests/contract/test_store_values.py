"""Whatever is put into a store comes back the same, in every field."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import hypothesis
from hypothesis import given, settings
from hypothesis import strategies as st

from clocker.interfaces import Store
from clocker.model import (
    Container,
    ContainerRequest,
    Event,
    HealthCheck,
    Host,
    Move,
    Port,
    Resources,
    Restart,
    RuleSpec,
    SshAccess,
    Volume,
    Work,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
short = st.text("abc-é", min_size=1, max_size=12)


def whole(kind: type[Any], **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of ``kind`` in which every field is made up, also those with a default."""
    return st.builds(kind, **{field.name: ... for field in fields(kind)} | known)


st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**53), 2**53))
for part in (Resources, Volume, Restart, HealthCheck, SshAccess, Work, ContainerRequest):
    st.register_type_strategy(part, whole(part))
any_options = st.dictionaries(st.text(), json_values, max_size=3)
st.register_type_strategy(RuleSpec, whole(RuleSpec, options=any_options))
any_port = whole(Port, host_port=st.integers(0, 65535), protocol=st.sampled_from(["tcp", "udp"]))
st.register_type_strategy(Port, any_port)
no_ports_twice = st.lists(
    any_port, unique_by=lambda port: (port.host_port, port.protocol), max_size=3
).map(tuple)
any_host = whole(Host, id=short, name=short)
any_move = whole(Move, host_id=st.just("elsewhere"), ports=no_ports_twice)
any_container = whole(
    Container,
    id=short,
    name=short,
    host_id=short,
    ports=no_ports_twice,
    move=st.none() | any_move,
)
any_value = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@any_value
@given(value=any_host)
def test_every_field_of_a_host_comes_back(store: Store, value: Host) -> None:
    store.erase()
    with store.transaction() as tx:
        tx.put_host(value)
    with store.read() as tx:
        assert tx.host(value.id) == value


@any_value
@given(value=any_container)
def test_every_field_of_a_container_comes_back(store: Store, value: Container) -> None:
    store.erase()
    with store.transaction() as tx:
        tx.put_container(value)
    with store.read() as tx:
        assert tx.container(value.name) == value


@any_value
@given(value=whole(Event))
def test_every_field_of_an_event_comes_back(store: Store, value: Event) -> None:
    with store.transaction() as tx:
        tx.append_event(value)
        newest = tx.events(limit=1)[0]
    assert newest == replace(value, seq=newest.seq)
