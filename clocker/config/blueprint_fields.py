"""The kinds of value that a blueprint's fields have."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any

from pydantic import BeforeValidator

from clocker.config.problems import Unfit
from clocker.config.quantities import dns_label, duration_s
from clocker.model import Port, Restart, ServiceValue, Text, Volume

_PORT = re.compile(r"(?:(\d{1,5}):)?(\d{1,5})(?:/(tcp|udp|sctp))?")
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_RESTART = re.compile(r"(no|always|unless-stopped|on-failure)(?::(\d{1,4}))?")
_VALUE = re.compile(
    r"@@\{|@\{(?P<service>[a-z0-9-]+)(?P<every>\.\*)?\."
    r"(?P<value>[a-z_]+|port/\d{1,5})\}|@\{"
)


def port(value: Any) -> Port:
    """``80``, ``8080:80``, ``53/udp``."""
    if isinstance(value, Port):
        return value
    match = None if isinstance(value, bool) else _PORT.fullmatch(str(value))
    if match and 0 < int(match[2]) < 65536 and (match[1] is None or 0 < int(match[1]) < 65536):
        return Port(int(match[2]), int(match[1] or 0), match[3] or "tcp")
    raise Unfit("must be a port: [HOST:]CONTAINER[/PROTOCOL]", "such as 8080:80, or 53/udp")


def volume(value: Any) -> Volume:
    """``NAME:/path``, ``/folder:/path``; with ``:ro`` at the end it cannot be written."""
    if isinstance(value, Volume):
        return value
    parts = str(value).split(":")
    read_only = len(parts) == 3 and parts[2] in ("ro", "rw") and parts.pop() == "ro"
    if len(parts) != 2 or not parts[1].startswith("/"):
        raise Unfit("must be a volume: SOURCE:/PATH[:ro]", "such as data:/var/lib/data")
    source, target = parts
    if not (source.startswith("/") or _VOLUME.fullmatch(source)):
        raise Unfit(
            "must have a volume's name, or the absolute path of a folder of the host, first",
            "such as data:/var/lib/data",
        )
    return Volume(source, target, read_only)


def restart(value: Any) -> Restart:
    if isinstance(value, Restart):
        return value
    word = "no" if value is False else str(value)
    match = _RESTART.fullmatch(word)
    if not match or (match[2] and match[1] != "on-failure"):
        raise Unfit("must be no, on-failure[:N], always or unless-stopped")
    return Restart(match[1], int(match[2] or 0))


def text(value: Any) -> Text:
    """With ``@{SERVICE.VALUE}`` in it; ``@@{`` is a literal ``@{``."""
    if isinstance(value, tuple):
        return value
    written = str(value).lower() if isinstance(value, bool) else value
    if isinstance(written, int | float):
        written = str(written)
    if not isinstance(written, str):
        raise Unfit("must be text or a number")
    pieces: list[str | ServiceValue] = []
    plain, at = "", 0
    for match in _VALUE.finditer(written):
        plain += written[at : match.start()]
        at = match.end()
        if match[0] == "@@{":
            plain += "@{"
        elif match["service"] is None:
            raise Unfit("has an @{ that is not @{SERVICE.VALUE}", "write @@{ for the characters @{")
        else:
            pieces += [plain] if plain else []
            plain = ""
            pieces.append(ServiceValue(match["service"], match["value"], bool(match["every"])))
    plain += written[at:]
    return (*pieces, *([plain] if plain or not pieces else []))


def optional_text(value: Any) -> Text | None:
    return None if value is None else text(value)


def words(value: Any) -> tuple[Text, ...]:
    """A list of words, or a line that is split as a shell would."""
    if isinstance(value, tuple):
        return value
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError:
            raise Unfit("must be a command line with its quotes closed") from None
    if not isinstance(value, list) or not value:
        raise Unfit("must be a command: a line, or a list of words")
    return tuple(text(each) for each in value)


def plain_words(value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple) and all(isinstance(word, str) for word in value):
        return value
    return tuple(_plain(each) for each in words(value))


def scalar(value: Any) -> str:
    return _plain(text(value)) if not isinstance(value, str) else value


def grace(value: Any) -> float:
    return 0.0 if value in (0, "0", "0s") and value is not False else duration_s(value)


def label(value: Any) -> str:
    return dns_label(value) if isinstance(value, str) else value


def _plain(value: Text) -> str:
    if any(isinstance(piece, ServiceValue) for piece in value):
        raise Unfit("must not have values of services in it")
    return "".join(str(piece) for piece in value)


PortField = Annotated[Port, BeforeValidator(port)]
VolumeField = Annotated[Volume, BeforeValidator(volume)]
RestartField = Annotated[Restart, BeforeValidator(restart)]
TextField = Annotated[Any, BeforeValidator(optional_text)]
WordsField = Annotated[Any, BeforeValidator(words)]
PlainWordsField = Annotated[Any, BeforeValidator(plain_words)]
Scalar = Annotated[str, BeforeValidator(scalar)]
Grace = Annotated[float, BeforeValidator(grace)]
Label = Annotated[str, BeforeValidator(label)]
