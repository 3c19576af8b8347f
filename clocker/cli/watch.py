from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from clocker.cli.output import SCHEMA, printable
from clocker.cli.session import Session, pass_session

if TYPE_CHECKING:
    from clocker.cloud import Care, Look


@click.command()
@click.option(
    "--interval",
    default="30s",
    show_default=True,
    metavar="TIME",
    help="Look at all hosts at least so often.",
)
@click.option("--scale", is_flag=True, help="Keep the headroom as well, as clocker scale does.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each (docs/json.md).")
@pass_session
def watch(session: Session, interval: str, scale: bool, as_json: bool) -> None:
    """Heal the cloud for as long as this runs, within seconds of what happens.

    Does what clocker heal does: at once when an engine tells that a container has ended or turned
    unhealthy, or is not heard any more; when something waits for its time; and regularly. Prints
    what was done. Several at once do no harm, nor does clocker heal meanwhile.

    Ctrl-C and SIGTERM end it with 0, once what it is at is done; a second one interrupts that.

    \b
    Example:
      clocker watch --interval 1m
    """
    from clocker.cli.request_options import duration

    interval_s = duration("--interval", interval)
    news = News()
    with session.open(silent=as_json or not session.verbose) as cloud:
        watching = cloud.watch(interval_s, scale=scale)
        with _ended_by_signals(watching.stop):
            for look in watching:
                for item in news.of(look):
                    click.echo(json.dumps({"schema": SCHEMA, **item}) if as_json else _line(item))


class News:
    """What a look has brought. What is left as it is, is told once for as long as it lasts."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def of(self, look: Look[Care]) -> Iterator[dict[str, Any]]:
        for item in _news(look):
            yield {"at": round(time.time(), 3), **item}
        lasting = {(item["event"], item["subject"]): item for item in _lasting(look)}
        if look.is_full and look.error is None:
            self._told &= lasting.keys()
        for key, item in lasting.items():
            if key not in self._told:
                self._told.add(key)
                yield {"at": round(time.time(), 3), **item}


def _news(look: Look[Care]) -> Iterator[dict[str, Any]]:
    if look.outcome is None:
        return
    for item in look.outcome.heal.done:
        error = str(item.error) if item.error else None
        yield {
            "event": "healed" if error is None else "failed",
            "subject": item.subject,
            "did": item.did,
            "host": item.host,
            "why": item.why,
            "error": error,
        }
    scaled = look.outcome.scale
    if scaled and (scaled.added or scaled.removed or scaled.back):
        yield {
            "event": "scaled",
            "subject": "hosts",
            "why": scaled.why,
            "added": list(scaled.added),
            "removed": list(scaled.removed),
            "kept": list(scaled.back),
        }


def _lasting(look: Look[Care]) -> Iterator[dict[str, Any]]:
    errors = [("look", look.error)]
    if look.outcome:
        report = look.outcome.heal
        for trouble in report.troubles:
            yield {
                "event": "trouble",
                "subject": trouble.subject,
                "why": trouble.why,
                "remedy": trouble.remedy,
            }
        if report.breaker:
            yield {"event": "breaker", "subject": "hosts", "why": report.breaker, "remedy": ""}
        errors.append(("scale", look.outcome.failure))
    for subject, error in errors:
        if error:
            yield {
                "event": "error",
                "subject": subject,
                "why": error.what,
                "remedy": error.remedy or "",
            }


def _line(item: dict[str, Any]) -> str:
    when = datetime.fromtimestamp(item["at"]).astimezone().isoformat(" ", "seconds")
    what = f"{item['event']}: {item['why']}"
    if "did" in item:
        what = f"{item['did']} on {item['host']}: {item['why']}"
        if item["error"]:
            what = f"not {item['did']}: {item['error']}"
    remedy = f" ({item['remedy']})" if item.get("remedy") else ""
    return printable(f"{when}  {item['subject']}  {what}{remedy}")


@contextmanager
def _ended_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """The first signal asks it to end, the second one is an interrupt as everywhere."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def as_before() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def asked(_number: int, _frame: FrameType | None) -> None:
        as_before()
        stop()

    for number in before:
        signal.signal(number, asked)
    try:
        yield
    finally:
        as_before()
