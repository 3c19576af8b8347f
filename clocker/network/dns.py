"""Asks a name server on a host, from that host, with what every host has: bash. The questions and
answers are DNS messages (RFC 1035) in hexadecimal; all else is done here."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from shlex import quote

from clocker.interfaces import Answer, Shell
from clocker.network import verbs

_A, _INTERNET = 1, 1
_NO_ERROR, _NO_SUCH_NAME = 0, 3
_WAIT_S = 2

# One line "QUESTION" in gives one line "ANSWER" out, empty when none comes. Eight at a time.
_SCRIPT = r"""
ask() {
    escaped=$(printf '%s' "$2" | sed 's/../\\x&/g')
    exec 3<>"/dev/udp/$1/53" || return 0
    printf "$escaped" >&3 2>/dev/null
    timeout WAIT dd bs=4096 count=1 <&3 2>/dev/null | od -An -v -tx1 | tr -d ' \n'
}
export -f ask
xargs -r -P 8 -I{} bash -c 'answer=$(ask "$0" {} 2>/dev/null); echo "$answer"' "$1"
""".replace("WAIT", str(_WAIT_S))


def ask(shell: Shell, server: str, names: Sequence[str]) -> dict[str, Answer]:
    """The addresses of fully qualified ``names``, as ``server`` says on this host."""
    if not names:
        return {}
    questions = "".join(f"{question(number, name).hex()}\n" for number, name in enumerate(names))
    command = f"bash -c {quote(_SCRIPT)} ask {quote(server)}"
    said = verbs.run(shell, command, "asking for names", stdin=questions)
    found: dict[str, Answer] = dict.fromkeys(names)
    for line in said.split():
        number, addresses = answer(bytes.fromhex(line))
        if number < len(names):
            found[names[number]] = addresses
    return found


def question(number: int, name: str) -> bytes:
    """A question for the IPv4 addresses of ``name``; recursion is desired."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!xHH", _A, 1)


def answer(message: bytes) -> tuple[int, Answer]:
    """The question's number, and what was answered; None for a refusal or a broken message."""
    try:
        number, flags, questions, answers = struct.unpack_from("!4H", message)
        if flags & 15 not in (_NO_ERROR, _NO_SUCH_NAME):
            return number, None
        at, found = 12, set()
        for _ in range(questions):
            at = _after_name(message, at) + 4
        for _ in range(answers):
            at = _after_name(message, at)
            kind, family, _ttl, length = struct.unpack_from("!HHIH", message, at)
            at += 10
            if (kind, family, length) == (_A, _INTERNET, 4):
                found.add(".".join(map(str, message[at : at + 4])))
            at += length
    except (struct.error, IndexError):
        return 0xFFFF, None
    return number, frozenset(found)


def _after_name(message: bytes, at: int) -> int:
    while length := message[at]:
        if length >= 0xC0:  # the rest of the name stands elsewhere
            return at + 2
        at += 1 + length
    return at + 1
