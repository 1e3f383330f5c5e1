"""No stored text commands an operator's terminal, and none is hidden as markup."""

import ast
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console, RenderableType

from slotsync.domain.availability.availability import SlotState
from slotsync.domain.availability.explanation import CalendarExplanation, Explanation
from slotsync.domain.kept_messages import MessageLine
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.webhooks import MessageState, WebhookType
from slotsync.store.key_usage import RingKeyUse
from starter.cli import availability, doctor, keys, reservations, terminal, webhooks
from starter.cli.findings import Finding
from starter.cli.terminal import console, json_visible, plain, visible
from starter.services.status import EventSyncStatus, NeedyConnection, Overview, OverviewLine, SyncStatus

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
COMMANDS = "\x1b]0;owned\x1b\\\x1b[2J\x9b1m\u202efree"
"""It gives the window a title, empties it, and writes backwards."""

NAMES = ("shop[red]", "shop[/]", "R-[bold]7", "[link=https://evil.example]open", "a:dog:1", "back\\slash")


def printed(shown: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=400, emoji=False).print(shown)
    return out.getvalue()


def without_styles(text: str) -> str:
    out = io.StringIO()
    Console(file=out, width=400, emoji=False).print(text)
    return out.getvalue().rstrip("\n")


@pytest.mark.parametrize("name", NAMES)
def test_a_text_is_printed_as_it_is_whatever_looks_like_markup_in_it(name: str) -> None:
    assert without_styles(f"[red]{plain(name)}") == name


@pytest.mark.parametrize("text", [COMMANDS, "a\nb", "a\rb", "\ufeff", "a\u2028b"])
def test_what_a_terminal_would_obey_is_printed_as_code(text: str) -> None:
    assert visible(text).isprintable()
    assert json_visible(json.dumps(text, ensure_ascii=False)).isprintable()
    assert json.loads(json_visible(json.dumps(text, ensure_ascii=False))) == text


def test_letters_and_emojis_of_all_scripts_stay() -> None:
    text = "Mökki 家族 \U0001f468\u200d\U0001f467"
    assert visible(text) == text


def overview() -> RenderableType:
    line = OverviewLine(merchant="shop[red]", state=SyncState.PARKED, count=3, oldest=NOW)
    needy = NeedyConnection(merchant="shop[red]", since=NOW, remedy=COMMANDS)
    shown = Overview(lines=(line,), stopped=(("shop[red]", "R-[bold]7"),), connections=(needy,))
    return reservations._overview_table(shown)


def sync_status() -> RenderableType:
    link = f"https://www.google.com/{COMMANDS}"
    event = EventSyncStatus(
        item="R-[bold]7", owner="shop[red]", state=SyncState.FAILED, version=1, since=NOW, link=link, last_error="x"
    )
    status = SyncStatus(merchant="shop[red]", reservation="R-[bold]7", version=1, settled_version=None, doing=COMMANDS)
    return reservations._status_table(status.model_copy(update={"events": (event,)}))


def explanation() -> RenderableType:
    calendar = CalendarExplanation(
        name=f"shop[red] R-[bold]7 {COMMANDS}", state=SlotState.BUSY, shut=True, why="it is busy"
    )
    found = Explanation(at=NOW, state=SlotState.BUSY, closed=True, because=COMMANDS, calendars=(calendar,))
    return availability._explanation_tree(found, ZoneInfo("UTC"))


def findings() -> RenderableType:
    finding = Finding(subject="shop[red]", message="R-[bold]7", remedy=COMMANDS)
    return doctor._findings_table([finding])


def test_at_80_columns_no_word_of_the_keys_and_no_message_id_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "width", 80)
    uses = [RingKeyUse(ring_key=name * 16, place=place, values=12_345_678) for name, place in (("a", 1), ("b", None))]
    message = MessageLine(
        id=f"msg_grant_{'c' * 40}-0",
        type=WebhookType.AVAILABILITY_CHANGED,
        product="sunset-tour-of-the-archipelago",
        state=MessageState.WAITING,
        created_at=NOW,
        settled_at=None,
        attempts=3,
        last_status=503,
    )
    console.print(keys._use_table(uses))
    webhooks._print_messages([message])
    shown = capsys.readouterr().out
    assert "\u2026" not in shown
    for whole in (
        "slotsync",
        "rotate",
        "missing",
        "12345678",
        "a" * 16,
        message.id,
        message.product or "",
        "3 attempts",
    ):
        assert whole in shown


@pytest.mark.parametrize("shown", [overview, sync_status, explanation, findings])
def test_what_an_operator_sees_of_others_is_text_alone(shown: object) -> None:
    assert callable(shown)
    output = printed(shown())
    assert "shop[red]" in output
    assert "R-[bold]7" in output
    assert not [each for each in ("\x1b]0;", "\x1b[2J", "\x9b", "\u202e") if each in output]


def test_a_reservation_of_which_google_has_shown_nothing_says_so() -> None:
    assert "version 1, last shown in full: none yet" in printed(sync_status())


def test_all_commands_print_at_the_one_console() -> None:
    folder = Path(terminal.__file__).parent
    others = [path for path in folder.glob("*.py") if path.name != "terminal.py"]
    calls = [node for path in others for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert len(calls) > 100
    assert not [call for call in calls if ast.unparse(call.func) in {"Console", "print", "console.print_json"}]
