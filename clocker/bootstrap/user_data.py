"""What a machine is told before its first boot, where its provider takes user data."""

from __future__ import annotations

from clocker.interfaces import KeyPair
from clocker.templating import render


def cloud_config(hostname: str, host_key: KeyPair, authorized_key: str, user: str = "root") -> str:
    """A ``#cloud-config`` document: the machine answers with ``host_key``, so that it is known
    before the first connect, and lets ``authorized_key`` in."""
    return render(
        "bootstrap/user_data.yaml.j2",
        {
            "hostname": hostname,
            "private": host_key.private,
            "public": host_key.public,
            "authorized_key": authorized_key,
            "user": user,
        },
    )
