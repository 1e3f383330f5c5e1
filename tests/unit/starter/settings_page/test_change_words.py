"""Each entry of the audit log has words for merchants, in each language."""

import pytest

from slotsync.domain.audit import DEFAULTS, Actor, ActorKind, AuditAction, AuditDetail, AuditValue
from slotsync.domain.calendars.owner import OwnerChanges, OwnerDefaults
from slotsync.domain.merchant import MerchantDetails
from slotsync.translations import LANGUAGES
from starter.settings_page.change_words import describe_action, describe_actor, describe_values, name_subject
from starter.settings_page.language import Language

ENGLISH = Language(code="en").translate
DEFAULTED = {f"{DEFAULTS}{name}" for name in OwnerDefaults.model_fields}
SETTINGS = {*OwnerChanges.model_fields, *MerchantDetails.model_fields, *DEFAULTED, "remove_events"} - {"defaults"}


def detail(before: dict[str, AuditValue], after: dict[str, AuditValue]) -> AuditDetail:
    return AuditDetail(by=Actor(kind=ActorKind.KEY), subject="product:tour", before=before, after=after)


@pytest.mark.parametrize("action", AuditAction)
@pytest.mark.parametrize("code", LANGUAGES)
def test_every_action_has_words_in_every_language(action: AuditAction, code: str) -> None:
    words = describe_action(Language(code=code).translate, action, "Tour", None)
    assert words not in {"", action}
    assert "%" not in words


@pytest.mark.parametrize("kind", ActorKind)
@pytest.mark.parametrize("code", LANGUAGES)
def test_every_actor_has_words_in_every_language(kind: ActorKind, code: str) -> None:
    words = describe_actor(Language(code=code).translate, Actor(kind=kind, name="name", address="here"), "visit")
    assert words
    assert "%" not in words


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_setting_has_a_label(name: str) -> None:
    (words,) = describe_values(ENGLISH, AuditAction.SETTINGS_CHANGED, detail({name: None}, {name: "x"}))
    assert name not in words.label


def test_a_default_for_new_products_is_told_from_a_setting() -> None:
    (words,) = describe_values(
        ENGLISH, AuditAction.MERCHANT_CHANGED, detail({f"{DEFAULTS}sync": None}, {f"{DEFAULTS}sync": True})
    )
    assert (words.label, words.after) == ("New products: On or off", "On")


def test_an_answer_about_drift_says_for_which_booking_and_what_was_answered_before() -> None:
    answered = detail({"answer": "keep"}, {"reservation": "R-1", "drift": "moved", "answer": "repair"})
    words = [(each.label, each.before, each.after) for each in describe_values(ENGLISH, "drift.answered", answered)]
    assert words == [("Booking", "", "R-1"), ("Answer", "Keep it as it is", "Put ours back")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "On"),
        (False, "Off"),
        (0, "0"),
        ("busy", "Only that it is reserved"),
        ("last_known:4", "Use the last known times, for at most this many hours: 4"),
        ("Europe/Helsinki", "Europe/Helsinki"),
    ],
)
def test_values_are_shown_in_words(value: AuditValue, text: str) -> None:
    (words,) = describe_values(ENGLISH, AuditAction.SETTINGS_CHANGED, detail({"x": None}, {"x": value}))
    assert (words.before, words.after) == ("\N{EN DASH}", text)


def test_of_a_new_product_and_of_a_grant_no_values_are_shown() -> None:
    assert not [*describe_values(ENGLISH, AuditAction.SETTINGS_CHANGED, detail({}, {"sync": True}))]
    assert not [*describe_values(ENGLISH, AuditAction.GRANT_GIVEN, detail({}, {"scopes": ("openid",)}))]


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("merchant", "everything"),
        ("connection", "the connection to Google"),
        ("product:tour", "Sunset tour"),
        ("calendar:product:tour", "Sunset tour"),
        ("availability:tour", "Sunset tour"),
        ("resource:guide-1", "guide-1"),
        ("reservation:R-1", "reservation R-1"),
    ],
)
def test_subjects_are_called_by_their_names(subject: str, name: str) -> None:
    assert name_subject(ENGLISH, subject, {"product:tour": "Sunset tour"}) == name
