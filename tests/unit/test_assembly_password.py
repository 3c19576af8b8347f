from __future__ import annotations

from pathlib import Path

from clocker.assembly import open_cloud
from clocker.model import Host, HostState, Resources

HOST = Host("h1", "demo-1", "local", HostState.READY, Resources(), "10.210.0.2", "192.0.2.1")


def made_for(folder: Path, state: str) -> str:
    file = folder / "clocker.yaml"
    file.write_text("name: demo\nhosts: {provider: local}\nnetwork: {driver: weave}\n")
    cloud = open_cloud(str(file), environ={"HOME": str(folder), "XDG_STATE_HOME": state})
    return str(cloud._parts.network.step(HOST).values["tunnel"].script)


def test_a_password_that_nobody_gave_follows_from_the_clouds_key(tmp_path: Path) -> None:
    first = made_for(tmp_path, str(tmp_path / "one"))
    assert made_for(tmp_path, str(tmp_path / "one")) == first
    assert made_for(tmp_path, str(tmp_path / "two")) != first
    kept = {path.name for path in (tmp_path / "one").rglob("*") if path.is_file()}
    assert not {name for name in kept if "password" in name}
