"""Names by dnsmasq: one instance per host and cloud, on the host's address in the network.

A few hosts hold the zone, one file per name; the others ask them, over the network. All that a
change of a name touches is a file on each of the few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from shlex import quote

from clocker.interfaces import Answer, Record, Shell, Step
from clocker.model import DEFAULT_NETWORK, CloudSpec, Host, Net
from clocker.network import dns, verbs
from clocker.network.layout import Layout
from clocker.templating import render

_PACKAGES = (("dnsmasq", "dnsmasq-base", "dnsmasq"), ("flock", "util-linux", "util-linux"))


class DnsmasqNames:
    """Of one network of a cloud: the default one, or ``net``."""

    def __init__(self, spec: CloudSpec, net: Net | None = None) -> None:
        self._spec = spec
        self._layout = Layout(spec.name, net.name if net else DEFAULT_NETWORK)
        self._subnet = net.subnet if net else spec.network.subnet

    def of(self, net: Net) -> DnsmasqNames:
        return DnsmasqNames(self._spec, net)

    def step(self, host: Host) -> Step:
        values = {
            "layout": self._layout,
            "host": host.name,
            "gateway": host.gateway,
            "reverse_zones": reverse_zones(self._subnet),
            "upstream": self._spec.network.upstream,
        }
        rendered = {
            "host_script": render("names/dnsmasq.sh.j2", values),
            "config": render("names/dnsmasq.conf.j2", values),
            "unit": render("names/unit.j2", values),
        }
        values = {"layout": self._layout, "packages": _PACKAGES, **rendered}
        return Step(verbs.step_name("dnsmasq", self._layout), "names/step.sh.j2", values)

    def servers(self, hosts: Sequence[Host]) -> Sequence[Host]:
        """The oldest: a newcomer never takes the place of one that holds the names."""
        oldest = sorted(hosts, key=lambda host: (host.created_at, host.name))
        return tuple(oldest[: self._spec.network.name_servers])

    def publish(self, shell: Shell, records: Sequence[Record]) -> None:
        self._send(shell, "publish", [_line(record) for record in records])

    def withdraw(self, shell: Shell, names: Sequence[str]) -> None:
        self._send(shell, "withdraw", names)

    def replace(self, shell: Shell, records: Sequence[Record]) -> None:
        self._send(shell, "replace", [_line(record) for record in records])

    def ask(self, shell: Shell, host: Host, names: Sequence[str]) -> Mapping[str, Answer]:
        zone = self._layout.zone
        questions = {f"{name}.{zone}": name for name in names}
        answers = dns.ask(shell, host.gateway, list(questions))
        return {name: answers.get(question) for question, name in questions.items()}

    def held(self, shell: Shell) -> Sequence[Record]:
        command = f"{quote(self._layout.scripts)}/names show"
        said = verbs.run(shell, command, "names: show").splitlines()
        return [_record(line.split()) for line in said if line.strip()]

    def _send(self, shell: Shell, verb: str, lines: Sequence[str]) -> None:
        command = f"{quote(self._layout.scripts)}/names {verb}"
        stdin = "".join(f"{line}\n" for line in (*lines, "."))
        verbs.run(shell, command, f"names: {verb}", stdin=stdin)


def _line(record: Record) -> str:
    return " ".join((record.name, record.address, *record.aliases))


def _record(words: Sequence[str]) -> Record:
    """Of a line "ADDRESS NAME.ZONE NAME ALIAS.ZONE ALIAS ..."."""
    return Record(words[2], words[0], tuple(words[4::2]))


def reverse_zones(subnet: str) -> tuple[str, ...]:
    """The zones of whole octets that cover ``subnet``: 10.210.0.0/20 needs sixteen."""
    network = IPv4Network(subnet)
    octets = max(1, min(3, -(-network.prefixlen // 8)))
    parts = [network] if network.prefixlen > 24 else network.subnets(new_prefix=octets * 8)
    labels = (str(part.network_address).split(".")[:octets] for part in parts)
    return tuple(".".join((*reversed(label), "in-addr.arpa")) for label in labels)
