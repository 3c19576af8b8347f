"""In which country the regions of the big clouds are.

Amazon EC2, Google Compute Engine, Microsoft Azure, DigitalOcean, Hetzner, Linode, Vultr, OVH,
Scaleway, Exoscale, UpCloud, Oracle, IBM, Alibaba. Their names do not collide.
"""

from __future__ import annotations

import re

from clocker.model import Host

ALIASES = {"UK": "GB", "EL": "GR"}
"""What people write instead of the code of ISO 3166."""

_ZONE = re.compile(r"(?<=\d)-?[a-f]$|-\d$")
"""What tells a zone from its region: ``eu-central-1a``, ``europe-west3-a``, ``fr-par-1``."""

_REGIONS = {
    "AE": "me-central-1 uaenorth uaecentral me-dubai-1 me-abudhabi-1",
    "AT": "austriaeast at-vie-1",
    "AU": (
        "ap-southeast-2 ap-southeast-4 australia-southeast1 australia-southeast2 "
        "australiaeast australiasoutheast australiacentral australiacentral2 syd1 syd mel ap- "
        "southeast au-mel ap-sydney-1 ap-melbourne-1 au-syd"
    ),
    "BE": "europe-west1 belgiumcentral",
    "BH": "me-south-1",
    "BR": (
        "sa-east-1 southamerica-east1 brazilsouth brazilsoutheast br-gru sao br-sao sa- "
        "saopaulo-1 sa-vinhedo-1"
    ),
    "CA": (
        "ca-central-1 ca-west-1 northamerica-northeast1 northamerica-northeast2 canadacentral "
        "canadaeast tor1 ca-central bhs yto ca-toronto-1 ca-montreal-1 ca-tor"
    ),
    "CH": (
        "eu-central-2 europe-west6 switzerlandnorth switzerlandwest eu-zurich-1 ch-gva-2 ch- dk-2"
    ),
    "CL": "southamerica-west1 scl sa-santiago-1 chilecentral",
    "CN": (
        "cn-north-1 cn-northwest-1 chinaeast chinaeast2 chinanorth chinanorth2 chinanorth3 "
        "cn-hangzhou cn-shanghai cn-beijing cn-shenzhen"
    ),
    "DE": (
        "eu-central-1 europe-west3 europe-west10 germanywestcentral germanynorth fra1 fsn1 "
        "nbg1 eu-central fra de de-fra-2 eu-frankfurt-1 de-fra-1 de-muc-1 eu-de de1"
    ),
    "DK": "denmarkeast",
    "ES": "eu-south-2 europe-southwest1 spaincentral mad es-mad eu-madrid-1 eu-es es-mad-1",
    "FI": "europe-north1 hel1 finlandcentral",
    "FR": (
        "eu-west-3 europe-west9 francecentral francesouth fr-par fr-par-1 fr-par-2 fr-par-3 "
        "gra sbg rbx cdg eu-paris-1 eu-marseille-1"
    ),
    "GB": (
        "eu-west-2 europe-west2 uksouth ukwest lon1 eu-west lon lhr gb-lon uk uk-london-1 uk- "
        "cardiff-1 man eu-gb gb-lhr"
    ),
    "HK": "ap-east-1 asia-east2 eastasia cn-hongkong",
    "ID": "ap-southeast-3 asia-southeast2 indonesiacentral id-cgk",
    "IE": "eu-west-1 northeurope",
    "IL": "il-central-1 me-west1 israelcentral tlv il-jerusalem-1",
    "IN": (
        "ap-south-1 ap-south-2 asia-south1 asia-south2 centralindia southindia westindia "
        "jioindiawest jioindiacentral blr1 ap-west in-maa in-bom-2 blr bom del ap-mumbai-1 "
        "ap-hyderabad-1"
    ),
    "IT": "eu-south-1 europe-west8 europe-west12 italynorth it-mil eu-milan-1",
    "JP": (
        "ap-northeast-1 ap-northeast-3 asia-northeast1 asia-northeast2 japaneast japanwest "
        "ap-northeast jp-osa jp-tyo-3 nrt itm ap-tokyo-1 ap-osaka-1 jp-tok"
    ),
    "KR": "ap-northeast-2 asia-northeast3 koreacentral koreasouth icn ap-seoul-1 ap-chuncheon-1",
    "MX": "mx-central-1 northamerica-south1 mexicocentral mex mx-queretaro-1",
    "MY": "ap-southeast-5 malaysiawest",
    "NL": (
        "europe-west4 westeurope ams2 ams3 nl-ams nl-ams-1 nl-ams-2 nl-ams-3 ams eu- amsterdam-1"
    ),
    "NO": "norwayeast norwaywest",
    "NZ": "newzealandnorth ap-southeast-6",
    "PL": "europe-central2 polandcentral waw pl-waw pl-waw-1 pl-waw-2 pl-waw-3 pl-waw1",
    "QA": "me-central1 qatarcentral",
    "SA": "me-central2 me-jeddah-1 saudiarabiaeast",
    "SE": "eu-north-1 europe-north2 swedencentral swedensouth se-sto sto eu-stockholm-1",
    "SG": (
        "ap-southeast-1 asia-southeast1 southeastasia sgp1 sgp sin ap-south sg-sin-2 ap- "
        "singapore-1"
    ),
    "TH": "ap-southeast-7 asia-southeast3",
    "TW": "ap-east-2 asia-east1",
    "US": (
        "us-east-1 us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1 us-central1 us- "
        "east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4 eastus eastus2 "
        "centralus northcentralus southcentralus westcentralus westus westus2 westus3 "
        "usgovvirginia usgovarizona usgovtexas nyc1 nyc2 nyc3 sfo1 sfo2 sfo3 atl1 ric1 ash "
        "hil us-east us-central us-west us-southeast us-iad us-ord us-sea us-mia us-lax us- "
        "dal us-phx us-ashburn-1 us-phoenix-1 us-sanjose-1 us-chicago-1 us-south ewr ord dfw "
        "sea lax atl mia sjc hnl vin hil1"
    ),
    "ZA": "af-south-1 africa-south1 southafricanorth southafricawest jnb af-johannesburg-1",
}

_COUNTRIES = {region: country for country, text in _REGIONS.items() for region in text.split()}


def country_of(host: Host) -> str | None:
    """The host's label ``country``, else that of its region or zone, as two capital letters;
    None when neither is known here."""
    if labelled := host.labels.get("country"):
        return ALIASES.get(labelled.upper(), labelled.upper())
    for place in (host.region, host.zone):
        if place and (found := _country_of_place(place.lower())):
            return found
    return None


def _country_of_place(place: str) -> str | None:
    return _COUNTRIES.get(place) or _COUNTRIES.get(_ZONE.sub("", place))
