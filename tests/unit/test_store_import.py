"""What opens no database must not pay for SQLAlchemy, which is slow to import."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("code", "imported"),
    [
        ("import clocker.store", False),
        ("from clocker.store import open_store; open_store('memory:', 'c')", False),
        ("import clocker.store.sql", True),
    ],
)
def test_sqlalchemy_is_imported_only_for_a_database(code: str, imported: bool) -> None:
    script = f"{code}; import sys; print('sqlalchemy' in sys.modules)"
    output = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert output.strip() == str(imported)
