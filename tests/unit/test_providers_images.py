from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from clocker.errors import ProviderError
from clocker.model import ImageWish
from clocker.providers.dialects import DIALECTS
from clocker.providers.images import ImageWay, Reading, choose_image, read

X86, ARM = "x86_64", "arm64"

# What infrastructures call their images: from their own lists, and from libcloud's fixtures.
NAMES: tuple[tuple[str, Reading | None], ...] = (
    ("debian-12-amd64-20240717-1811", Reading("debian", (12,), X86)),
    ("debian-12-arm64-20240717-1811", Reading("debian", (12,), ARM)),
    ("debian-13-amd64-daily-20250717-1", None),
    (
        "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20240523.1",
        Reading("ubuntu", (24, 4), X86),
    ),
    (
        "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-20240523",
        Reading("ubuntu", (22, 4), ARM),
    ),
    ("ubuntu-minimal/images/hvm-ssd/ubuntu-noble-24.04-amd64-minimal-20240523", None),
    ("debian-12-bookworm-v20240110", Reading("debian", (12,), None)),
    ("debian-12-bookworm-arm64-v20240110", Reading("debian", (12,), ARM)),
    ("debian-7-wheezy-v20131120", Reading("debian", (7,), None)),
    ("backports-debian-7-wheezy-v20131127", None),
    ("ubuntu-2404-noble-amd64-v20240523", Reading("ubuntu", (24, 4), X86)),
    ("ubuntu-2204-jammy-v20240614", Reading("ubuntu", (22, 4), None)),
    ("ubuntu-1404-trusty-v20141212", Reading("ubuntu", (14, 4), None)),
    ("ubuntu-pro-2204-jammy-v20240614", None),
    ("Ubuntu 20.04 (LTS) x64", Reading("ubuntu", (20, 4), X86)),
    ("Debian 12 x64", Reading("debian", (12,), X86)),
    ("Ubuntu Docker on 24.04", None),
    ("Debian 10", Reading("debian", (10,), None)),
    ("Ubuntu 16.04 LTS", Reading("ubuntu", (16, 4), None)),
    ("Kubernetes 1.15.12 on Debian 9", None),
    ("Debian 12 x64 (bookworm)", Reading("debian", (12,), X86)),
    ("Ubuntu 24.04 LTS x64", Reading("ubuntu", (24, 4), X86)),
    ("Debian Bookworm", Reading("debian", (12,), None)),
    ("Ubuntu 24.04 Noble Numbat", Reading("ubuntu", (24, 4), None)),
    ("Debian GNU/Linux 12 (Bookworm)", Reading("debian", (12,), None)),
    ("Ubuntu Server 24.04 LTS (Noble Numbat)", Reading("ubuntu", (24, 4), None)),
    ("Linux Debian 12 (Bookworm) 64-bit", Reading("debian", (12,), X86)),
    ("Debian version 10.0 (buster) 64-bit", Reading("debian", (10,), X86)),
    ("Debian version 9.11 (stretch) 64-bit", Reading("debian", (9,), X86)),
    ("Ubuntu Server version 18.04 LTS (bionic) 64-bit", Reading("ubuntu", (18, 4), X86)),
    ("Debian version 8.9 (jessie) 32-bit", None),
    ("Debian 12 i386 (bookworm)", None),
    ("debian-12-generic-amd64", Reading("debian", (12,), X86)),
    ("debian-12 12-gen2", Reading("debian", (12,), None)),
    ("ubuntu-24_04-lts server", Reading("ubuntu", (24, 4), None)),
    ("ubuntu-server-jammy 22_04-lts-gen2", Reading("ubuntu", (22, 4), None)),
    ("CentOS 7", None),
    ("Windows Server 2022", None),
    ("Fedora 40 x64", None),
    ("Debian testing", None),
    ("", None),
)


@pytest.mark.parametrize(("words", "reading"), NAMES)
def test_what_an_images_name_says(words: str, reading: Reading | None) -> None:
    assert read(words) == reading


def image(name: str, **extra: Any) -> Any:
    return SimpleNamespace(id=f"id-of-{name}", name=name, extra=extra)


SHELF = (
    image("Debian 11 x64"),
    image("Debian 12 x64", created_at="2024-01-01"),
    image("debian-12-amd64", created_at="2024-06-01"),
    image("Debian 12 arm64"),
    image("Ubuntu 22.04 LTS x64"),
    image("Ubuntu 24.04 LTS x64"),
    image("Windows 2022"),
)
WAY = ImageWay(search=lambda driver, place, wish: SHELF)


@pytest.mark.parametrize(
    ("wish", "chosen"),
    [
        (ImageWish(distribution="debian"), "debian-12-amd64"),
        (ImageWish(distribution="debian", version="11"), "Debian 11 x64"),
        (ImageWish(distribution="debian", architecture=ARM), "Debian 12 arm64"),
        (ImageWish(distribution="ubuntu"), "Ubuntu 24.04 LTS x64"),
        (ImageWish(distribution="ubuntu", version="22.04"), "Ubuntu 22.04 LTS x64"),
        (ImageWish("Windows 2022"), "Windows 2022"),
        (ImageWish("id-of-Debian 11 x64"), "Debian 11 x64"),
    ],
)
def test_the_newest_that_fits(wish: ImageWish, chosen: str) -> None:
    assert choose_image(WAY, None, None, wish).name == chosen


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        (ImageWish(distribution="debian", version="14"), "no image of debian 14"),
        (ImageWish(distribution="ubuntu", architecture=ARM), "no image of ubuntu arm64"),
        (ImageWish("plan9"), "no image 'plan9'"),
        (ImageWish(), "no image is given"),
    ],
)
def test_what_there_is_not_is_named(wish: ImageWish, text: str) -> None:
    with pytest.raises(ProviderError, match=text) as caught:
        choose_image(WAY, None, None, wish)

    assert caught.value.remedy


def test_an_image_has_a_slug_besides_its_name_at_digitalocean() -> None:
    slugs = [
        image("12 x64", distribution="Debian", slug="debian-12-x64"),
        image("12 x64", distribution="Other", slug="other-12-x64"),
    ]
    driver = SimpleNamespace(list_images=lambda: slugs)
    way = DIALECTS["digitalocean"].images

    assert choose_image(way, driver, None, ImageWish("debian-12-x64")) is slugs[0]
    assert choose_image(way, driver, None, ImageWish(distribution="debian")) is slugs[0]


def test_ec2_is_never_asked_for_all_its_images() -> None:
    asked: list[dict[str, Any]] = []

    def list_images(**filters: Any) -> list[Any]:
        asked.append(filters)
        return [image("debian-12-amd64-20240717-1811", architecture=X86)]

    driver = SimpleNamespace(list_images=list_images)
    choose_image(
        DIALECTS["ec2"].images, driver, None, ImageWish(distribution="debian", version="12")
    )

    assert asked == [
        {
            "ex_owner": "136693071363",
            "ex_filters": {
                "name": "debian-12-amd64-*",
                "architecture": X86,
                "state": "available",
            },
        }
    ]
