"""Which image is meant: by name or id, or the newest of a distribution, read from what the
infrastructures call their images."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clocker.errors import ProviderError
from clocker.model import ImageWish
from clocker.providers.tagging import Driver

Image = Any
Search = Callable[[Driver, Any, ImageWish], Sequence[Image]]

DEFAULT_ARCHITECTURE = "x86_64"

CODENAMES = {
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
    "jammy": "22.04",
    "noble": "24.04",
    "resolute": "26.04",
}
ARCHITECTURES = (
    ("arm64", r"arm64|aarch64|arm 64"),
    ("x86_64", r"amd64|x86[_-]64|x64|64[ -]?bit|intel"),
)
# Images that start with these words are the distributions' own; others are somebody's product.
OWN = re.compile(r"^(?:linux )?(debian|ubuntu)\b")
PRODUCTS = re.compile(
    r"minimal|pro\b|fips|daily|gpu|docker|backports|sql|\blamp\b|testing"
    r"|\b(32[ -]?bit|i[36]86|x32)\b"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an image's words say; ``version`` as numbers, so that they compare."""

    distribution: str
    version: tuple[int, ...]
    architecture: str | None


@dataclass(frozen=True, slots=True)
class ImageWay:
    """``search``: candidates for a wish, at a place. ``words``: what tells of an image which it
    is. ``made_at``: compares, the newest is the largest. ``fetch``: by an id that matches
    ``fetched``, where listing all would take too long. ``also_named``: a
    second name. ``default``: where no image is given;
    ``planned_default``: instead of one that would have to be made."""

    search: Search = lambda driver, place, wish: driver.list_images()
    words: Callable[[Image], str] = lambda image: str(image.name)
    made_at: Callable[[Image], str] = lambda image: str(
        image.extra.get("created_at")
        or image.extra.get("created")
        or image.extra.get("creation_date")
        or image.extra.get("creationTimestamp")
        or ""
    )
    architecture: Callable[[Image], str | None] = lambda image: None
    fetched: str | None = None
    fetch: Callable[[Driver, Any, str], Image | None] = lambda driver, place, wanted: (
        driver.get_image(wanted)
    )
    also_named: Callable[[Image], str] = lambda image: str(image.name)
    default: Callable[[Driver], Image] | None = None
    planned_default: Callable[[Driver], Image] | None = None


def choose_image(
    way: ImageWay, driver: Driver, place: Any, wish: ImageWish, *, planning: bool = False
) -> Image:
    """ProviderError names what there is instead."""
    if wish.name is not None:
        if way.fetched and re.fullmatch(way.fetched, wish.name):
            image = way.fetch(driver, place, wish.name)
            if image is None:
                raise ProviderError(f"there is no image {wish.name!r}")
            return image
        return named(way.search(driver, place, wish), wish.name, "image", way.also_named)
    if wish.distribution is None:
        default = (planning and way.planned_default) or way.default
        if default is None:
            raise ProviderError(
                "no image is given",
                remedy="set `image` in the provider's entry: a name or an id, or a distribution, "
                "as {distribution: debian, version: 12}",
            )
        return default(driver)
    return _newest(way, way.search(driver, place, wish), wish)


def read(words: str) -> Reading | None:
    """None for what is no plain Debian or Ubuntu."""
    text = re.sub(r"[\s/_]+", " ", words.lower().replace("ubuntu-os-cloud/", ""))
    text = re.sub(r"^(images hvm[\w-]* |ubuntu images hvm[\w-]* )", "", text)
    found = OWN.search(text.replace("gnu linux", "").replace("server", " "))
    if not found or PRODUCTS.search(text):
        return None
    version = _version(found[1], text)
    if version is None:
        return None
    return Reading(found[1], version, _architecture(text))


def named(
    things: Iterable[Any],
    wanted: str,
    what: str,
    also_named: Callable[[Any], str] = lambda thing: str(thing.name),
) -> Any:
    """The one thing with that id or name."""
    known = list(things)
    for thing in known:
        if str(thing.id) == wanted:
            return thing
    same = [thing for thing in known if wanted in (thing.name, also_named(thing))]
    if len(same) == 1:
        return same[0]
    if same:
        raise ProviderError(
            f"{len(same)} {what}s are named {wanted!r}",
            remedy=f"give the id: {', '.join(str(t.id) for t in same[:10])}",
        )
    raise ProviderError(f"there is no {what} {wanted!r}", remedy=f"known: {names_of(known)}")


def names_of(things: Iterable[Any]) -> str:
    names = sorted({str(thing.name) for thing in things})
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") or "none"


def architecture_of(way: ImageWay, image: Image, wish: ImageWish) -> str | None:
    """What the image runs on, as far as anything says so."""
    said = way.architecture(image) or _architecture(way.words(image).lower())
    return wish.architecture or said


def _newest(way: ImageWay, images: Sequence[Image], wish: ImageWish) -> Image:
    fitting = []
    for image in images:
        reading = read(way.words(image))
        if reading and _fits(reading, way.architecture(image), wish):
            fitting.append((reading.version, way.made_at(image), str(image.name), image))
    if fitting:
        return max(fitting, key=lambda entry: entry[:3])[3]
    wanted = " ".join(filter(None, (wish.distribution, wish.version, wish.architecture)))
    raise ProviderError(
        f"there is no image of {wanted}",
        remedy=f"name one in `image`; there are: {names_of(images)}",
    )


def _fits(reading: Reading, said: str | None, wish: ImageWish) -> bool:
    architecture = said or reading.architecture or DEFAULT_ARCHITECTURE
    if reading.distribution != wish.distribution:
        return False
    if architecture != (wish.architecture or DEFAULT_ARCHITECTURE):
        return False
    asked = _numbers(wish.version) if wish.version else ()
    return reading.version[: len(asked)] == asked


def _version(distribution: str, text: str) -> tuple[int, ...] | None:
    for codename, version in CODENAMES.items():
        if codename in text:
            return _numbers(version)
    rest = text.split(distribution, 1)[1]
    rest = re.sub(r"(amd|arm|x86[-_ ]|x)64|64[ -]?bit|gen[12]|v?20\d{6}\S*", " ", rest)
    if found := re.search(r"\b(\d{2})[.](\d{2})\b", rest):
        return int(found[1]), int(found[2])
    if distribution == "ubuntu" and (found := re.search(r"\b(\d{2})[- ]?(\d{2})\b", rest)):
        return int(found[1]), int(found[2])
    if found := re.search(r"\b(\d{1,2})\b", rest):
        return (int(found[1]),)
    return None


def _architecture(text: str) -> str | None:
    return next((name for name, words in ARCHITECTURES if re.search(words, text)), None)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
