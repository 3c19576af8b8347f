"""How infrastructures refuse a machine because a quota is used up: libcloud ships no answer for
that. After the documentation or the sources of each API; ``status: document``."""

from __future__ import annotations

import json
from typing import Any

from vendor_accounts import Answer

CLOUDSTACK = {
    "deployvirtualmachineresponse": {
        "errorcode": 535,
        "errortext": "Maximum number of resources of type 'user_vm' for account name=admin "
        "in domain id=1 has been exceeded.",
    }
}
GCE = {
    "domain": "usageLimits",
    "reason": "quotaExceeded",
    "message": "Quota 'CPUS' exceeded. Limit: 24.0 in region us-central1.",
}
REFUSALS: dict[str, tuple[int, Any]] = {
    "digitalocean": (
        422,
        {
            "id": "unprocessable_entity",
            "message": "creating this/these droplet(s) will exceed your droplet limit",
        },
    ),
    "linode": (
        400,
        {"errors": [{"reason": "Account Limit reached. Please open a support ticket."}]},
    ),
    "vultr": (
        400,
        {
            "error": "Server add failed: You have reached the maximum number of active virtual "
            "machines for this account.",
            "status": 400,
        },
    ),
    "openstack": (
        403,
        {
            "forbidden": {
                "code": 403,
                "message": "Quota exceeded for instances: Requested 1, but already used 10 of 10",
            }
        },
    ),
    "cloudstack": (535, CLOUDSTACK),
    "exoscale": (535, CLOUDSTACK),
    "gce": (403, {"error": {"code": 403, "errors": [GCE], "message": GCE["message"]}}),
    "azure_arm": (
        409,
        {
            "error": {
                "code": "OperationNotAllowed",
                "message": "Operation could not be completed as it results in exceeding approved "
                "Total Regional Cores quota.",
            }
        },
    ),
    "scaleway": (
        403,
        {"type": "quotas_exceeded", "message": "quota(s) exceeded for this resource"},
    ),
    "ovh": (403, {"message": "Quota exceeded for cores, instances"}),
}


def over_quota(driver: str) -> Answer:
    status, document = REFUSALS[driver]
    return status, json.dumps(document), {}, "refused"
