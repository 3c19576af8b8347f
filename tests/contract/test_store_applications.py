"""The contract of Store over applications: what is deployed is kept whole, cloud by cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis
from hypothesis import given, settings
from hypothesis import strategies as st
from test_store_values import short, whole  # which says, too, how values of the model are made up

from clocker.interfaces import Store
from clocker.model import (
    Application,
    Build,
    Deployment,
    DeploymentState,
    Healing,
    Install,
    InstallFile,
    Need,
    Secret,
    Service,
    ServiceValue,
    Work,
)
from clocker.store import open_store

for part in (ServiceValue, Need, Healing, Secret, InstallFile, Install, Build):
    st.register_type_strategy(part, whole(part))
any_text = st.lists(st.text() | whole(ServiceValue), max_size=3).map(tuple)
any_service = whole(
    Service,
    env=st.dictionaries(st.text(), any_text, max_size=2),
    command=st.none() | st.lists(any_text, max_size=2).map(tuple),
)
any_application = whole(Application, services=st.lists(any_service, max_size=2).map(tuple))
any_deployment = whole(
    Deployment, name=short, application=any_application, former=st.none() | any_application
)


def deployment(name: str, **changes: Any) -> Deployment:
    return replace(
        Deployment(name, Application(name, ()), DeploymentState.DEPLOYING, changed_at=7.0),
        **changes,
    )


def test_applications_come_by_name_and_are_replaced_and_deleted(store: Store) -> None:
    shop, blog = deployment("shop"), deployment("blog", work=Work("me", 3, 9.5))
    with store.transaction() as tx:
        tx.put_application(shop)
        tx.put_application(blog)
        assert tx.application("shop") == shop
    with store.read() as tx:
        assert list(tx.applications()) == [blog, shop]
        assert tx.application("none") is None
    with store.transaction() as tx:
        tx.put_application(replace(shop, state=DeploymentState.DEPLOYED))
        tx.delete_application("blog")
        tx.delete_application("blog")
        assert list(tx.applications()) == [replace(shop, state=DeploymentState.DEPLOYED)]


def test_another_cloud_has_applications_of_its_own(store: Store, store_url: str) -> None:
    with store.transaction() as tx:
        tx.put_application(deployment("shop"))
    with_another_name = open_store(store_url, "d")
    with with_another_name.read() as tx:
        assert not tx.applications()
    with_another_name.close()
    store.erase()
    with store.read() as tx:
        assert not tx.applications()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@given(any_deployment)
def test_a_deployment_comes_back_as_it_was_put(store: Store, put: Deployment) -> None:
    with store.transaction() as tx:
        tx.put_application(put)
        assert tx.application(put.name) == put
        tx.delete_application(put.name)
