from __future__ import annotations

from email import message_from_string

import pytest

from clocker.errors import ConfigError
from clocker.providers.user_data import merged_documents

OURS = "#cloud-config\nhostname: h1\n"
THEIRS = "#!/bin/sh\necho grüße\n"


def test_one_document_stays_as_it_is() -> None:
    assert merged_documents(OURS, None) == OURS
    assert merged_documents(None, THEIRS) == THEIRS
    assert merged_documents(None, None) is None


def test_two_documents_become_one_with_ours_last() -> None:
    text = merged_documents(OURS, THEIRS)

    assert text is not None
    parts = message_from_string(text).get_payload()
    assert isinstance(parts, list)
    found = [
        (part.get_content_type(), (part.get_payload(decode=True) or b"").decode())  # type: ignore[union-attr]
        for part in parts
    ]
    assert found == [("text/x-shellscript", THEIRS), ("text/cloud-config", OURS)]
    assert parts[1]["Merge-Type"]  # type: ignore[index]


def test_the_same_documents_make_the_same_text() -> None:
    """An idempotency token is refused with other arguments."""
    assert merged_documents(OURS, THEIRS) == merged_documents(OURS, THEIRS)


def test_what_cloud_init_would_ignore_is_refused() -> None:
    with pytest.raises(ConfigError, match="hostname: h2"):
        merged_documents(OURS, "hostname: h2\n")
