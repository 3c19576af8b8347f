"""A fresh machine becomes a host: an engine, the overlay network and dnsmasq."""

from pyinfra import host
from pyinfra.operations import apt, files, server, systemd

data = host.data

for folder in data.folders:
    files.directory(name=f"Folder {folder}", path=folder, mode="755")

# Before the engine, which then starts with them.
configured = files.put(
    name="Options of the engine",
    src=data.options["source"],
    dest=data.options["path"],
    mode=data.options["mode"],
    create_remote_dir=False,
)
installed = apt.packages(name="Packages", packages=data.packages, no_recommends=True)
systemd.service(name="Engine", service="docker", running=True, enabled=True)
systemd.service(
    name="Engine with other options",
    service="docker",
    restarted=True,
    _if=lambda: configured.did_change() and not installed.did_change(),
)

written = [
    files.put(
        name=file["path"],
        src=file["source"],
        dest=file["path"],
        mode=file["mode"],
        create_remote_dir=False,
    )
    for file in data.files
]


def any_written() -> bool:
    return any(file.did_change() for file in written)


systemd.daemon_reload(name="Units", _if=any_written)
systemd.service(name="Network", service=data.network_unit, running=True, enabled=True)
server.shell(
    name="Names, as the members have it",
    commands=[f"{data.names_script} sync"],
    _if=any_written,
)
systemd.service(name="Names", service=data.names_unit, running=True, enabled=True)
