"""The ways to make machines into hosts. Each is a command, timed from the start of its process to
its end; what it needs to know of the machines is written down before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from bootstrapping.machines import Machines
from bootstrapping.state import engine_options, files, packages
from clocker.model import Host

_PEERS = Path(__file__).parent / "peers"
_TIMEOUT_S = 600


class Way(Protocol):
    name: str

    def prepare(self, there: Machines) -> None: ...

    def run(self, there: Machines) -> tuple[float, bool]:
        """Seconds; and whether, by its own word, it changed anything."""
        ...


class Clocker:
    name = "clocker"

    def prepare(self, there: Machines) -> None:
        pass

    def run(self, there: Machines) -> tuple[float, bool]:
        return clocker_up(there.folder, there.environ, len(there.hosts))


class Ansible:
    """With pipelining, forks for all hosts, connections that persist, no facts gathered, and no
    host waiting for another (ansible.cfg)."""

    name = "ansible"

    def __init__(self, programs: Path) -> None:
        self._command = [str(programs / "ansible-playbook"), "-i", "inventory.json"]

    def prepare(self, there: Machines) -> None:
        ssh = {
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_private_key_file": there.parts.keys.private_path,
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={_known_hosts(there)}",
            "ansible_control_path_dir": str(there.folder / "run"),
        }
        hosts = {
            host.name: {"ansible_host": host.address, **data} for host, data in _described(there)
        }
        inventory = {"all": {"vars": ssh, "hosts": hosts}}
        (there.folder / "inventory.json").write_text(json.dumps(inventory))

    def run(self, there: Machines) -> tuple[float, bool]:
        environ = {**there.environ, "ANSIBLE_CONFIG": str(_PEERS / "ansible.cfg")}
        command = [*self._command, str(_PEERS / "playbook.yml")]
        taken_s, said = timed(command, there.folder, environ)
        recap = said[said.index("PLAY RECAP") :]
        return taken_s, recap.count("changed=0 ") != len(there.hosts)


class Pyinfra:
    """Parallel, as it is by default, with no host waiting for another, and without the round of
    facts that only serves to ask whether to go on."""

    name = "pyinfra"

    def __init__(self, programs: Path) -> None:
        self._command = [str(programs / "pyinfra"), "-y", "--no-wait", "inventory.py"]

    def prepare(self, there: Machines) -> None:
        ssh = {
            "ssh_user": "root",
            "ssh_key": there.parts.keys.private_path,
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
            "ssh_known_hosts_file": str(_known_hosts(there)),
            "ssh_strict_host_key_checking": "yes",
        }
        hosts = [
            (host.name, {"ssh_hostname": host.address, **ssh, **data})
            for host, data in _described(there)
        ]
        (there.folder / "inventory.py").write_text(f"hosts = {hosts!r}\n")

    def run(self, there: Machines) -> tuple[float, bool]:
        command = [*self._command, str(_PEERS / "deploy.py")]
        taken_s, said = timed(command, there.folder, there.environ)
        return taken_s, "] Success" in said


def clocker_up(folder: Path, environ: Mapping[str, str], count: int) -> tuple[float, bool]:
    """Seconds, and whether any of so many hosts was not as it should be."""
    command = [str(Path(sys.executable).with_name("clocker")), "up", "--yes", "--json"]
    taken_s, said = timed(command, folder, environ)
    return taken_s, len(json.loads(said)["unchanged"]) != count


def timed(command: list[str], folder: Path, environ: Mapping[str, str]) -> tuple[float, str]:
    """Seconds, and what it said. With it end all processes that it has begun in its group."""
    begun = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, complained = process.communicate(timeout=_TIMEOUT_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    taken_s = time.perf_counter() - begun
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{said[-4000:]}\n{complained[-4000:]}")
    return taken_s, said + complained


def _described(there: Machines) -> Iterator[tuple[Host, dict[str, object]]]:
    """What a playbook is told of each host; the files lie in a folder per host."""
    wanted = packages(there, there.hosts[0])
    layout = there.layout
    for host in there.hosts:
        folder = there.folder / host.name
        folder.mkdir()
        described = []
        for file in (engine_options(host), *files(there, host)):
            source = folder / file.path.replace("/", "_")
            source.write_text(file.text)
            described.append({"source": str(source), "path": file.path, "mode": file.mode})
        about: dict[str, object] = {
            "folders": ["/etc/docker", f"{layout.etc}/names.d", layout.scripts],
            "packages": wanted,
            "options": described[0],
            "files": described[1:],
            "network_unit": layout.network_unit,
            "names_unit": layout.names_unit,
            "names_script": f"{layout.scripts}/names",
        }
        yield host, about


def _known_hosts(there: Machines) -> Path:
    path = there.folder / "known_hosts"
    lines = [
        f"{host.address} {key}\n"
        for host in there.hosts
        if host.access
        for key in host.access.host_keys
    ]
    path.write_text("".join(lines))
    return path
