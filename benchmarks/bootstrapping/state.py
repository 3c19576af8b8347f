"""The state that all ways reach: the files, the packages, and a look at the hosts that says
whether it was reached."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from shlex import quote

from bootstrapping.machines import Machines
from clocker.bootstrap.registries import registries_step
from clocker.model import Host

_LOOK = """
echo "packages $(dpkg-query -W | sha256sum)"
for unit in docker.service {units}; do
    echo "$unit $(systemctl is-enabled "$unit") $(systemctl is-active "$unit")"
done
for script in {scripts}/*; do "$script" check >/dev/null && echo "$script holds"; done
docker network inspect --format '{{{{json .IPAM.Config}}}} {{{{json .Options}}}}' {network}
docker info --format 'live restore: {{{{.LiveRestoreEnabled}}}}'
ip -o link show | awk '{{ print $2 }}' | sort
ip -4 -o address show dev {bridge} | awk '{{ print $4 }}'
ip -4 route show type blackhole
bridge fdb show dev {device} | grep ^00:00:00:00:00:00 | sort
iptables -S && iptables -t raw -S
for file in {files}; do
    stat -c "%n %a" "$file" && cat "$file"
done
"""


@dataclass(frozen=True)
class File:
    path: str
    text: str
    mode: str = "644"


def engine_options(host: Host) -> File:
    """What Clocker writes where the host's own resolver is on a loopback address."""
    options = {"dns": [host.gateway], "live-restore": True}
    text = json.dumps(options, indent=2, sort_keys=True) + "\n"
    return File("/etc/docker/daemon.json", text)


def files(there: Machines, host: Host) -> tuple[File, ...]:
    """Of the network, the names and the registries, as Clocker's own steps have them."""
    parts, layout = there.parts, there.layout
    network, names = parts.network.step(host).values, parts.names.step(host).values
    registries = registries_step(parts.spec.name, ()).values
    units = "/etc/systemd/system"
    return (
        File(f"{layout.etc}/net", network["net"]),
        File(layout.members, parts.network.membership(_oldest_first(there.hosts))),
        File(f"{layout.scripts}/network", network["host_script"], "755"),
        File(f"{units}/{layout.network_unit}", network["unit"]),
        File(f"{layout.scripts}/names", names["host_script"], "755"),
        File(f"{layout.etc}/dnsmasq.conf", names["config"]),
        File(f"{units}/{layout.names_unit}", names["unit"]),
        File(registries["script"], registries["text"], "755"),
    )


def packages(there: Machines, host: Host) -> list[str]:
    """Nothing is asked of the host itself: it would have its package lists at hand from then on."""
    steps = (there.parts.network.step(host), there.parts.names.step(host))
    wanted = {debian for step in steps for _, debian, _ in step.values["packages"]}
    return sorted(wanted | {"iproute2", "iptables", "ca-certificates", *there.image.engine})


def look(there: Machines) -> list[str]:
    """Of each host, line by line; names and addresses, which differ from machine to machine, are
    replaced by what they are."""
    parts, layout = there.parts, there.layout
    generated = (f"{layout.etc}/servers", f"{layout.etc}/resolv.conf")
    found = []
    for number, host in enumerate(_oldest_first(there.hosts)):
        paths = (engine_options(host).path, *(file.path for file in files(there, host)), *generated)
        script = _LOOK.format(
            units=f"{layout.network_unit} {layout.names_unit}",
            scripts=layout.scripts,
            network=layout.network,
            bridge=layout.bridge,
            device=layout.device,
            files=" ".join(map(quote, paths)),
        )
        result = parts.connections.shell(host).run("sh -s", stdin=script.encode(), timeout_s=60)
        if not result.ok:
            raise SystemExit(f"host {number} is not ready: {result.stderr.decode()}{result.text}")
        found += [f"host {number}: {line}" for line in _plain(result.text, there.hosts)]
    return found


def _plain(text: str, hosts: tuple[Host, ...]) -> list[str]:
    for number, host in enumerate(_oldest_first(hosts)):
        known = {host.name: "NAME", host.address: "ADDRESS", host.gateway: "GATEWAY"}
        for value, what in known.items():
            text = re.sub(rf"(?<![\w.]){re.escape(str(value))}(?![\w.])", f"{what}-{number}", text)
    text = re.sub(r"@if\d+", "", text)
    # The hash of the lines below it.
    return sorted(re.sub(r"^# clocker-members .*", "", text, flags=re.MULTILINE).splitlines())


def _oldest_first(hosts: tuple[Host, ...]) -> list[Host]:
    return sorted(hosts, key=lambda host: (host.created_at, host.name))
