"""``.dockerignore``: Docker's own rules as a table, and held against a plain reading of them."""

from __future__ import annotations

import posixpath
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clocker.contexts.ignore import parse_ignore
from clocker.errors import BadInput


@pytest.mark.parametrize(
    ("patterns", "out", "kept"),
    [
        ("a", ["a", "a/b", "a/b/c"], ["ab", "b/a"]),
        ("/a", ["a", "a/b"], ["b/a"]),
        ("a/", ["a", "a/b"], ["b"]),
        ("./a/../b", ["b", "b/c"], ["a"]),
        ("*.log", ["x.log", ".log", "x.log/y"], ["d/x.log", "x.logs"]),
        ("*/*.log", ["d/x.log"], ["x.log", "d/e/x.log"]),
        ("**/*.log", ["x.log", "d/x.log", "d/e/x.log", "d/x.log/y"], ["x.txt"]),
        ("**/node_modules", ["node_modules/x", "a/b/node_modules/c/d"], ["node_modules2"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["a/zz", "z"]),
        ("**", ["a", "a/b"], []),
        ("a**", ["a", "ab", "ab/c", "a/b"], ["b"]),
        ("a**b", ["ab", "a/b", "ax/b", "a/x/y/b", "ax/y/b"], ["axb", "b"]),
        ("a**/b", ["ab", "a/b", "ax/b"], ["axb", "a"]),
        ("**a", ["a", "x/a", "x/y/a"], ["xa", "b"]),
        ("?", ["a", "a/b"], ["ab", ""]),
        ("temp?", ["tempa", "temp1/x"], ["temp", "tempab"]),
        ("[a-c]x", ["ax", "bx"], ["dx", "abx"]),
        ("[^a]x", ["bx"], ["ax"]),
        (r"\*.txt", ["*.txt"], ["a.txt"]),
        ("a.b+c", ["a.b+c"], ["axb+c", "a.bbc"]),
        ("*.md\n!README.md", ["a.md"], ["README.md", "d/a.md"]),
        ("*.md\n!README*.md\nREADME-secret.md", ["a.md", "README-secret.md"], ["README-1.md"]),
        ("docs\n!docs/keep", ["docs/a", "docs"], ["docs/keep", "docs/keep/x"]),
        ("*\n!src/**\n", ["a", "src"], ["src/x", "src/y/z"]),
        ("# comment\n\n  a  \n", ["a"], ["# comment"]),
        (" #a", ["#a"], []),
        ("!  b\nb\n! b", [], ["b"]),
        ("\ufeffa", ["a"], []),
        ("Dockerfile\n.dockerignore\n*", ["x"], ["Dockerfile", ".dockerignore"]),
        (".", [], ["a"]),
        ("..", [], ["a"]),
        ("a/***", ["a/b", "a/b/c"], ["b"]),
    ],
)
def test_what_is_left_out(patterns: str, out: list[str], kept: list[str]) -> None:
    ignore = parse_ignore(patterns, always=("Dockerfile", ".dockerignore"))
    assert [path for path in [*out, *kept] if ignore.leaves_out(path)] == out


@pytest.mark.parametrize("pattern", ["!", "[", "a[b", "\\", "a\\", "[b-a]", "x" * 1001])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(BadInput, match="cannot be understood") as refused:
        parse_ignore(f"fine\n{pattern}\n")
    assert refused.value.where == ".dockerignore:2"


def test_too_many_patterns() -> None:
    with pytest.raises(BadInput, match="more than 1000"):
        parse_ignore("a\n" * 1001)


def test_a_folder_is_looked_into_only_if_something_may_be_kept() -> None:
    assert parse_ignore("node_modules").leaves_out_all_below("node_modules")
    assert not parse_ignore("node_modules").leaves_out_all_below("src")
    assert not parse_ignore("a\n!a/keep").leaves_out_all_below("a")
    assert not parse_ignore("docker", always=("docker/Dockerfile",)).leaves_out_all_below("docker")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 200 + "b", "a" * 250 + "c"),
        ("**a" * 4 + "z", "/".join(["a" * 40] * 90)),
        ("**/a/" * 100 + "z", "a/" * 99 + "b"),
        ("/".join(["**", "*a*a*a*a*a*b"] * 50), "/".join(["a" * 200] * 90)),
    ],
)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    began = time.process_time()
    parse_ignore(pattern).leaves_out(path)
    assert time.process_time() - began < 1


def plainly(pattern: str, path: str) -> bool:
    """As the engine's own library reads a pattern: by one regular expression, for the path and
    for all folders above it."""
    left, expression = pattern, ""
    while left:
        if left.startswith("**"):
            left = left[2:].removeprefix("/")
            expression += "(.*/)?" if left else ".*"
            continue
        letter, left = left[0], left[1:]
        expression += {"*": "[^/]*", "?": "[^/]"}.get(letter, re.escape(letter))
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(re.fullmatch(expression, each, re.DOTALL) for each in above)


PATTERNS = st.text("ab*?/", min_size=1, max_size=9).map(posixpath.normpath)
PATHS = st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


@settings(max_examples=3000, deadline=None)
@example("?****?", "aa")
@example("a*****b", "a/ab")
@given(PATTERNS, PATHS)
def test_it_is_read_as_the_engine_reads_it(pattern: str, path: str) -> None:
    pattern = pattern.lstrip("/")
    if pattern in ("", "."):
        return
    assert parse_ignore(pattern).leaves_out(path) == plainly(pattern, path)
