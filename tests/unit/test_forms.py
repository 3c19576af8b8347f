"""One application, written down in three ways, is one application."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clocker.applications import resolve
from clocker.config.applications import load_application
from clocker.model import Application

SHOP = Path(__file__).parents[2] / "examples" / "shop"
ENVIRON = {"SHOP_DB_PASSWORD": "tell-nobody"}


def _application(form: str) -> Application:
    loaded = load_application(SHOP / f"{form}.yaml", ENVIRON)
    assert loaded.form == form
    assert not loaded.warnings
    assert "tell-nobody" not in str(loaded)
    return replace(loaded.application, origin="")


@pytest.mark.parametrize("form", ["compose", "camp"])
def test_the_shop(form: str) -> None:
    ours, theirs = _application("blueprint"), _application(form)
    assert theirs == ours
    assert resolve(theirs).wanted == resolve(ours).wanted
