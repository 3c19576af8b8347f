"""A node with a script run in it, asked for with nothing but Apache Libcloud's own words.

Run it beside a clocker.yaml:  python examples/libcloud_deploy.py IMAGE
"""

from __future__ import annotations

import sys

from libcloud.compute.deployment import MultiStepDeployment, ScriptDeployment, SSHKeyDeployment
from libcloud.compute.providers import get_driver

import clocker.driver  # noqa: F401 - makes the driver known to libcloud

SCRIPT = """#!/usr/bin/env bash
echo "deployed on $(hostname)" | tee /root/deployed
"""


def main(image_name: str) -> None:
    cls = get_driver("clocker")
    driver = cls()  # for most drivers the credentials go here; for this one a clocker.yaml may

    size = [s for s in driver.list_sizes() if s.ram <= 256][0]
    image = [i for i in driver.list_images() if i.name == image_name]
    key = driver.create_key_pair(name="libcloud-example")

    script = ScriptDeployment(SCRIPT)
    steps = MultiStepDeployment([SSHKeyDeployment(key.public_key), script])
    node = driver.deploy_node(
        name="libcloud-node",
        image=image[0] if image else driver.get_image(image_name),
        size=size,
        deploy=steps,
    )
    print(node.name, node.state, node.private_ips[0])
    print(f"status {script.exit_status}: {script.stdout.strip()}")

    driver.reboot_node(node)
    [(node, addresses)] = driver.wait_until_running([node])
    print(f"rebooted, and still at {addresses[0]}")

    driver.destroy_node(node)
    driver.delete_key_pair(key)
    print(f"nodes left: {len(driver.list_nodes())}")


if __name__ == "__main__":
    main(sys.argv[1])
