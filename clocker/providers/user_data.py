"""One user data document out of Clocker's own and the one that the entry brings."""

from __future__ import annotations

import hashlib
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from clocker.errors import ConfigError

# The first line of a document, as cloud-init knows it, and its type as a part.
KINDS = {
    "#cloud-config": "cloud-config",
    "#!": "x-shellscript",
    "#include": "x-include-url",
    "#cloud-boothook": "cloud-boothook",
    "## template: jinja": "jinja2",
}
# Lists and mappings of two documents are joined; in the others' place, the last one wins: ours,
# because the host's key is in it.
MERGE = "list(append)+dict(recurse_array,no_replace)+str()"


def merged_documents(ours: str | None, theirs: str | None) -> str | None:
    """Both, as one MIME document with ours as the last part, or the one that there is."""
    if not ours or not theirs:
        return ours or theirs
    # The same documents make the same text: an idempotency token is refused with another one.
    boundary = hashlib.sha256(f"{theirs}{ours}".encode()).hexdigest()[:32]
    parts = [_part(text, name) for name, text in (("entry", theirs), ("clocker", ours))]
    return MIMEMultipart("mixed", boundary, parts).as_string()


def _part(text: str, name: str) -> MIMEText:
    kind = next((kind for start, kind in KINDS.items() if text.startswith(start)), None)
    if kind is None:
        raise ConfigError(
            f"user data begins with {text.splitlines()[0][:40]!r}, which cloud-init does not know",
            where="user_data",
            remedy=f"begin it with one of: {', '.join(KINDS)}",
        )
    part = MIMEText(text, kind, "us-ascii" if text.isascii() else "utf-8")
    if kind == "cloud-config":
        part["Merge-Type"] = MERGE
    part["Content-Disposition"] = f'attachment; filename="{name}"'
    return part
