"""Many SSH servers in one process, each a host that thinks for a fixed time when it is asked what
it is, when it is bootstrapped, and when it is told of the others. A program of its own: reads a
JSON document from stdin, prints a JSON list of its ports, and serves until its stdin ends.

    {"think_s": 1, "host_key": PEM, "authorized_key": LINE, "count": N}

Of what it is sent a host keeps what a real one would tell of when it is asked what it is: the
bootstrap's stamp, and the first line of the list of members."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any

import asyncssh

# What Clocker waits for before it believes that a command has begun.
_MARK = re.compile(r"clocker-[0-9a-f]{16}")
_STAMP = re.compile(rb"^stamp='?([0-9a-f]+)'?$", re.MULTILINE)
_CHECK = b"# What this host was last made into"
_MEMBERS = b"# clocker-members "


class Host:
    def __init__(self, think_s: float) -> None:
        self._think_s = think_s
        self._stamp = self._members = b""

    async def attend(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        if mark := _MARK.search(process.command or ""):
            process.stderr.write(f"{mark[0]} 4711\n".encode())
        sent = await process.stdin.read()
        if sent.startswith(_CHECK):
            await asyncio.sleep(self._think_s)
            process.stdout.write(self._told())
        elif sent.startswith(_MEMBERS):
            await asyncio.sleep(self._think_s)
            self._members = sent.partition(b"\n")[0]
        elif stamp := _STAMP.search(sent):
            await asyncio.sleep(self._think_s)
            self._stamp = stamp[1]
        process.exit(0)

    def _told(self) -> bytes:
        stamp = b"bootstrap %b\n" % self._stamp if self._stamp else b""
        return stamp + (b"membership %b\n" % self._members if self._members else b"")


async def main() -> None:
    wanted: dict[str, Any] = json.loads(sys.stdin.readline())
    keys = asyncssh.import_authorized_keys(wanted["authorized_key"])
    servers = [
        await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.import_private_key(wanted["host_key"])],
            authorized_client_keys=keys,
            process_factory=Host(wanted["think_s"]).attend,
            encoding=None,
        )
        for _ in range(wanted["count"])
    ]
    print(json.dumps([server.get_port() for server in servers]), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
