"""Containers that keep apart, and a reason for each host: run it beside a clocker.yaml.

python examples/placement.py IMAGE
"""

from __future__ import annotations

import sys

from clocker import ContainerRequest, open_cloud
from clocker.placement.rules import Affinity, DifferentHost, Soft
from clocker.plugins import spec_of


def main(image: str) -> None:
    request = ContainerRequest(
        image,
        labels={"application": "shop", "tier": "web"},
        rules=(
            spec_of(DifferentHost()),  # no two of this image on one host
            spec_of(Soft(Affinity("NOT LABEL tier=db"))),  # rather not beside a database
        ),
    )
    with open_cloud() as cloud:
        for judgement in cloud.explain(request).hosts:
            why = "; ".join(map(str, judgement.refusals or judgement.reasons))
            print(f"{judgement.host.name}: {judgement.rank or 'no'}: {why}")
        for planned in cloud.plan_obtain([request] * 3):
            made = f", to be made at {planned.new.provider}" if planned.new else ""
            print(f"would be on {planned.host}{made}")


if __name__ == "__main__":
    main(sys.argv[1])
