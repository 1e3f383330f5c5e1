"""The commands of slotsync: their arguments and help texts.

Each command imports its part when it runs, so that a process loads only what it needs: all parts together take almost
two CPU seconds to import, and ``slotsync dev`` starts several processes.
"""
# ruff: noqa: PLC0415  see above

from pathlib import Path
from typing import Annotated

import typer

from starter.local.demo import SHIPPED_BOOKINGS

app = typer.Typer(
    name="slotsync",
    help="Keeps a booking platform's reservations and its merchants' Google Calendars in step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
database = typer.Typer(help="The database.", no_args_is_help=True)
keys = typer.Typer(help="The keys of what is encrypted in the database.", no_args_is_help=True)
secrets = typer.Typer(help="The former name of `slotsync keys`.", no_args_is_help=True)
app.add_typer(database, name="db")
app.add_typer(keys, name="keys")
visits = typer.Typer(help="Visits of settings pages.", no_args_is_help=True)
app.add_typer(secrets, name="secrets", hidden=True)
app.add_typer(visits, name="visits")
webhooks = typer.Typer(help="The messages to the platform.", no_args_is_help=True)
app.add_typer(webhooks, name="webhooks")

Merchant = Annotated[str, typer.Argument(help="The merchant's id.")]
Product = Annotated[str, typer.Argument(help="The product's id.")]
ReservationId = Annotated[str, typer.Argument(metavar="RESERVATION", help="The reservation's id.")]
SnapshotFile = Annotated[typer.FileText, typer.Argument(help="A snapshot as JSON; - reads standard input.")]
Time = Annotated[
    str, typer.Argument(help="ISO 8601, such as 2027-07-01T18:00; without an offset in the product's time zone.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
AcceptUnbound = Annotated[
    bool,
    typer.Option(help="Also take what a process of a former version wrote after a rotation, bound to no merchant."),
]
From = Annotated[str | None, typer.Option("--from", help="Only those made at this time or later, ISO 8601.")]
To = Annotated[str | None, typer.Option(help="Only those made before this time.")]
MessageId = Annotated[str, typer.Argument(metavar="MESSAGE", help="The message's id: its webhook-id.")]
Inherited = Annotated[int | None, typer.Option(hidden=True, help="Listen on this socket, which is inherited.")]
Ready = Annotated[Path | None, typer.Option(help="Write all addresses to this file, once everything answers.")]


@app.command()
def demo(
    bookings: Annotated[
        Path, typer.Option(help="Bookings to report; the first 1,000 of a real hotel by default.", exists=True)
    ] = SHIPPED_BOOKINGS,
    limit: Annotated[int | None, typer.Option(help="Report only the first ones.", min=1)] = None,
    exit_: Annotated[bool, typer.Option("--exit", help="End after the comparison.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the result to this file, as JSON.")] = None,
    ready: Ready = None,
) -> None:
    """Report a real hotel's bookings, then compare Google's calendars with them."""
    from starter.cli.local import run_demo

    run_demo(bookings, limit, report, ready, stay=not exit_)


@app.command()
def dev(ready: Ready = None) -> None:
    """Run all parts for building on slotsync, with a sample merchant."""
    from starter.cli.local import run_dev

    run_dev(ready)


@app.command()
def worker() -> None:
    """Run the worker until SIGTERM: workflows, and calls to Google."""
    from worker import main

    main()


@app.command()
def api(
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 is all of them.")] = "127.0.0.1",
    fd: Inherited = None,
) -> None:
    """Run the HTTP API until SIGTERM; its documentation is at /docs."""
    from starter.api.app import main

    main(host, port, fd)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="The port to listen on, on 127.0.0.1.")] = 8085,
    state: Annotated[Path | None, typer.Option(help="Keep the state in this file.")] = None,
    quotas: Annotated[bool, typer.Option(help="Count calls as Google does.")] = True,
    fd: Inherited = None,
) -> None:
    """Run the local Google until SIGTERM."""
    from localgoogle.options import LocalGoogleOptions
    from localgoogle.server import serve

    serve(LocalGoogleOptions(state_file=state) if quotas else LocalGoogleOptions.unlimited(state), port, fd=fd)


@app.command()
def report(file: SnapshotFile) -> None:
    """Report one reservation: its whole state, at one version."""
    from starter.cli.reservations import report_snapshot

    report_snapshot(file.read())


@app.command()
def cancel(
    merchant: Merchant,
    reservation: ReservationId,
    version: Annotated[int, typer.Option(help="A version newer than all reported before.")],
) -> None:
    """Cancel a reservation: its events are deleted from Google."""
    from starter.cli.reservations import cancel_reservation

    cancel_reservation(merchant, reservation, version)


@app.command()
def resume(
    merchant: Merchant,
    reservation: Annotated[str | None, typer.Argument(help="One of its reservations.")] = None,
) -> None:
    """Go on with what an operator stopped: one reservation, or all of the merchant's."""
    from starter.cli.reservations import resume_reservations

    resume_reservations(merchant, reservation)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="One snapshot a line, as JSON.", exists=True, dir_okay=False)],
) -> None:
    """Report many reservations; bad lines are listed and skipped."""
    from starter.cli.reservations import import_snapshots

    import_snapshots(file)


@app.command()
def status(
    merchant: Annotated[str | None, typer.Argument(help="A merchant's id.")] = None,
    reservation: Annotated[str | None, typer.Argument(help="One of its reservations.")] = None,
    json: Json = False,
) -> None:
    """Show what is in step, retrying or parked, why, and since when."""
    from starter.cli.reservations import show_status

    show_status(merchant, reservation, as_json=json)


@app.command()
def audit(
    merchant: Merchant,
    repair: Annotated[bool, typer.Option("--repair", help="Put right what was found.")] = False,
    calendar: Annotated[str | None, typer.Option(help="Only this one: its id, or product:ID or resource:ID.")] = None,
    json: Json = False,
) -> None:
    """Compare a merchant's managed calendars with its reservations, and show what people changed."""
    from starter.cli.audits import audit_calendars

    audit_calendars(merchant, calendar, repair=repair, as_json=json)


@app.command()
def explain(merchant: Merchant, product: Product, time: Time, json: Json = False) -> None:
    """Show why a product is free, busy or unknown at a time."""
    from starter.cli.availability import show_explanation

    show_explanation(merchant, product, time, as_json=json)


@app.command()
def erase(  # noqa: PLR0913, PLR0917  each is an option of the command
    merchant: Merchant,
    reservation: Annotated[str | None, typer.Option(help="Erase only this reservation.")] = None,
    guest: Annotated[bool, typer.Option("--guest", help="Erase only what is said of guests; Google follows.")] = False,
    google: Annotated[bool, typer.Option("--google", help="Delete our calendars and events in Google, too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Hardly wait for Google: leave there what is there.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Erase a merchant, a reservation or guests for good, and print what was done and what remains where."""
    from starter.cli.erasure import erase, erase_guests

    if guest:
        erase_guests(merchant, reservation, yes=yes, as_json=json)
    else:
        erase(merchant, reservation, google=google, force=force, yes=yes, as_json=json)


@app.command()
def export(merchant: Merchant) -> None:
    """Print everything that is stored of a merchant, as JSON Lines: decrypted, without tokens."""
    from starter.cli.export import export_merchant

    export_merchant(merchant)


@app.command()
def doctor(json: Json = False) -> None:
    """Check configuration, database, Temporal and Google, and show each problem with its remedy."""
    from starter.cli.doctor import show_findings

    show_findings(as_json=json)


@app.command()
def link(merchant: Merchant, json: Json = False) -> None:
    """Print a new link to the merchant's settings page. It works once, within ten minutes."""
    from starter.cli.visits import show_link

    show_link(merchant, as_json=json)


@visits.callback()
def _visits() -> None:
    """Manage visits of settings pages."""


@visits.command()
def end(merchant: Merchant) -> None:
    """End all visits of the merchant's settings page, in all browsers."""
    from starter.cli.visits import end_visits

    end_visits(merchant)


@webhooks.command(name="list")
def list_webhooks(  # noqa: PLR0913, PLR0917  each is an option of the command
    merchant: Merchant,
    type_: Annotated[str | None, typer.Option("--type", help="Only of this type, such as conflict.found.")] = None,
    product: Annotated[str | None, typer.Option(help="Only about this product.")] = None,
    state: Annotated[str | None, typer.Option(help="Only waiting, accepted, skipped or unreadable ones.")] = None,
    start: From = None,
    to: To = None,
    json: Json = False,
) -> None:
    """List the merchant's messages that wait, and those that were accepted or skipped in the last days."""
    from starter.cli.webhooks import choose_messages, show_messages

    show_messages(merchant, choose_messages(type_, product, state, start, to), as_json=json)


@webhooks.command(name="show")
def show_webhook(merchant: Merchant, message: MessageId, json: Json = False) -> None:
    """Show a message with its body, and the last attempts to deliver it."""
    from starter.cli.webhooks import show_message

    show_message(merchant, message, as_json=json)


@webhooks.command()
def resend(  # noqa: PLR0913, PLR0917  each is an option of the command
    merchant: Merchant,
    message: Annotated[str | None, typer.Argument(help="One message, by its id.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only of this type.")] = None,
    product: Annotated[str | None, typer.Option(help="Only about this product.")] = None,
    start: From = None,
    to: To = None,
) -> None:
    """Send one message again, or all of a time, that were accepted or skipped."""
    from starter.cli.webhooks import choose_messages, resend_messages

    resend_messages(merchant, message, choose_messages(type_, product, None, start, to))


@webhooks.command()
def skip(
    merchant: Merchant,
    message: MessageId,
    reason: Annotated[str, typer.Option(help="Why; it stands in the audit log.")],
) -> None:
    """Give up a message that holds up those after it."""
    from starter.cli.webhooks import skip_message

    skip_message(merchant, message, reason)


@webhooks.command(name="test")
def send_test() -> None:
    """Send a message of the type `test` to SLOTSYNC_WEBHOOK_URL now, once, and print the answer."""
    from starter.cli.webhooks import send_test_message

    send_test_message()


@webhooks.command()
def listen() -> None:
    """Receive messages at SLOTSYNC_WEBHOOK_URL, on this machine, and print each with whether its signature is right."""
    from starter.cli.webhook_listener import listen

    listen()


@database.command()
def upgrade() -> None:
    """Bring the database to the current schema."""
    from starter.cli.database import upgrade_database

    upgrade_database()


@database.command()
def adopt() -> None:
    """Make Temporal's namespace work for this database, after the former one was lost; then start the workers."""
    from starter.cli.database import adopt_database

    adopt_database()


@secrets.callback()
def _group() -> None:
    """Rotate the keys, as `slotsync keys rotate` does."""


@keys.command()
@secrets.command()
def rotate(accept_unbound: AcceptUnbound = False) -> None:
    """Wrap all data keys with the first key of SLOTSYNC_ENCRYPTION_KEYS; safe while workers run."""
    from starter.cli.keys import rotate_keys

    rotate_keys(accept_unbound=accept_unbound)


@keys.command(name="status")
def key_status(json: Json = False) -> None:
    """Show which keys of SLOTSYNC_ENCRYPTION_KEYS are still needed, and for how much."""
    from starter.cli.keys import show_key_status

    show_key_status(as_json=json)
