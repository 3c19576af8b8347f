"""Which images of a host may go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clocker.images.kinds import LAYER_LABEL, ImageKind
from clocker.images.prune import ImageFinding, Limits, findings
from clocker.model import ImageInfo

DAY = 86400.0
NOW = 1000 * DAY


def image(name: str, days: float, size: int = 100, kind: str = "generated") -> ImageInfo:
    labels = {} if kind == "named" else {LAYER_LABEL: kind}
    return ImageInfo(f"id-{name}", (f"{name}:1",), size, labels=labels, created_at=NOW - days * DAY)


def verdicts(found: tuple[ImageFinding, ...]) -> dict[str, bool]:
    return {finding.name.partition(":")[0]: finding.goes for finding in found}


def test_what_is_old_and_unused_goes() -> None:
    images = [image("old", 8), image("new", 6), image("used", 9), image("theirs", 9, kind="named")]
    found = findings("h", images, {"id-used": {"web"}}, Limits(), NOW)
    assert verdicts(found) == {"old": True, "new": False, "used": False, "theirs": False}
    reasons = {finding.name: finding.reason for finding in found}
    assert reasons["used:1"] == "used by web" and all(reasons.values())


def test_with_all_what_others_brought_goes_too() -> None:
    images = [image("theirs", 9, kind="named"), image("base", 9, kind="base")]
    assert verdicts(findings("h", images, {}, Limits(all_kinds=True), NOW)) == {
        "theirs": True,
        "base": True,
    }


def test_for_room_the_oldest_go_first() -> None:
    images = [image("a", 1), image("b", 2), image("c", 3), image("u", 4, size=150)]
    limits = Limits(most_bytes=350)
    found = verdicts(findings("h", images, {"id-u": ["web"]}, limits, NOW))
    assert found == {"a": False, "b": False, "c": True, "u": False}


def test_what_was_for_one_container_goes_with_it_however_new() -> None:
    once = ImageInfo("id-once", ("clocker/install:once-77",), created_at=NOW)
    assert findings("h", [once], {}, Limits(), NOW)[0].goes
    assert not findings("h", [once], {"id-once": {"web"}}, Limits(), NOW)[0].goes


def test_what_is_made_of_others_goes_before_them() -> None:
    images = [image("base", 9, kind="named"), image("gen", 9), image("ssh", 9, kind="ssh")]
    found = findings("h", images, {}, Limits(all_kinds=True), NOW)
    assert [finding.name for finding in found] == ["ssh:1", "gen:1", "base:1"]


@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.integers(0, 1000), st.sampled_from(list(ImageKind))),
        max_size=12,
    ),
    st.sets(st.integers(0, 11)),
    st.one_of(st.none(), st.floats(0.1, 20)),
    st.one_of(st.none(), st.integers(0, 5000)),
    st.booleans(),
)
def test_none_in_use_goes_and_no_more_than_must(
    given_images: list[tuple[float, int, ImageKind]],
    used: set[int],
    older: float | None,
    most: int | None,
    all_kinds: bool,
) -> None:
    images = [image(f"i{n}", days, size, kind) for n, (days, size, kind) in enumerate(given_images)]
    limits = Limits(None if older is None else older * DAY, most, all_kinds)
    found = findings("h", images, {f"id-i{n}": {"x"} for n in used}, limits, NOW)
    assert len(found) == len(images) and all(finding.reason for finding in found)
    for finding in found:
        number = int(finding.name[1:].partition(":")[0])
        assert not (finding.goes and number in used)
    for_room = [f for f in found if "too much" in f.reason]
    stays = [f for f in found if not f.goes]
    total = sum(f.image.size_bytes for f in stays)
    free = [f for f in stays if f.reason == "it is new enough"]
    if most is not None:
        assert total <= most or not free, "all that may go has gone"
        youngest = min(for_room, key=lambda f: -f.image.created_at, default=None)
        assert youngest is None or total + youngest.image.size_bytes > most
        assert all(f.image.created_at >= g.image.created_at for f in free for g in for_room)
