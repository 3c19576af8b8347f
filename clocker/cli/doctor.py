from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from clocker.cli import names as complete
from clocker.cli.output import print_json, printable
from clocker.cli.providers import listed, state
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.config import ProviderListing
    from clocker.model import Check

_WRONG = 4


@click.command()
@json_option
@click.argument("provider", shell_complete=complete.providers)
@pass_session
@click.pass_context
def doctor(ctx: click.Context, session: Session, provider: str, as_json: bool) -> None:
    """Check a provider before anything is spent: credentials, quota, image, size, key, firewall.

    It is asked with what `up` would ask for; nothing is made. PROVIDER need not be one of the
    cloud's. Exits with 4 when something is wrong; what a provider has no way to tell is `unknown`.

    \b
    Example:
      clocker doctor ec2
      clocker doctor ec2 --json
    """
    from clocker.model import Verdict

    found = []
    for check in _checks(session, provider, silent=as_json):
        found.append(check)
        if not as_json:
            _show(check)
    ok = all(check.verdict is not Verdict.WRONG for check in found)
    if as_json:
        from clocker.cli import shapes

        checks = [shapes.check(check) for check in found]
        print_json({"ok": ok, "provider": provider, "checks": checks})
    ctx.exit(0 if ok else _WRONG)


def _checks(session: Session, provider: str, *, silent: bool) -> Iterator[Check]:
    """The provider is asked only with an entry that holds."""
    from clocker.model import Verdict

    (entry,) = listed(session, [provider])
    own = list(_of_entry(entry))
    yield from own
    if any(check.verdict is Verdict.WRONG for check in own):
        return
    with session.open(silent=silent, also=(provider,)) as cloud:
        yield from cloud.examine(provider)


def _of_entry(entry: ProviderListing) -> Iterator[Check]:
    from clocker.model import Check, Verdict

    for problem in entry.problems:
        text = f"{problem.where}: {problem.what}"
        yield Check("entry", Verdict.WRONG, text, problem.remedy)
    for reference in entry.references:
        verdict = Verdict.WRONG if reference.is_set is False else Verdict.FINE
        text = f"{reference.argument}: {state(reference)}"
        yield Check("credentials", verdict, text, reference.remedy)


def _show(check: Check) -> None:
    click.echo(f"{check.verdict:<8} {check.subject:<12} {printable(check.text)}")
    if check.remedy:
        click.echo(f"  remedy: {printable(check.remedy)}")
