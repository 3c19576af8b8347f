"""Makes a machine into a host of the cloud: one script, sent and run once.

The script is rendered from the steps of the engine, the network and the names. It may be
interrupted anywhere and run again; a host that it has finished carries its hash, the stamp.
"""

from clocker.bootstrap.check import HostStamp, check
from clocker.bootstrap.engine_access import engine_port
from clocker.bootstrap.host import (
    Networks,
    Outcome,
    bootstrap,
    change_networks,
    expected_stamp,
)
from clocker.bootstrap.restore import restore
from clocker.bootstrap.user_data import cloud_config
from clocker.network.membership import membership_hash

__all__ = [
    "HostStamp",
    "Networks",
    "Outcome",
    "bootstrap",
    "change_networks",
    "check",
    "cloud_config",
    "engine_port",
    "expected_stamp",
    "membership_hash",
    "restore",
]
