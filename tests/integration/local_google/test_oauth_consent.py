"""The consent page: its content and the user's decisions."""

import httpx
import pytest

from localgoogle.server import RunningLocalGoogle
from tests.support.local_google import ANNA
from tests.support.oauth_app import APP_CREATED, EMAIL_SCOPE, FREEBUSY, Form, OAuthApp, returned


@pytest.fixture
def app(local_google: RunningLocalGoogle) -> OAuthApp:
    return OAuthApp(local_google.url)


def test_the_user_comes_back_with_a_code_the_state_and_what_was_granted(app: OAuthApp) -> None:
    answer = returned(app.decide(app.ask("openid", "email", APP_CREATED)))
    assert answer["state"] == "s/1 &"
    assert set(answer["scope"].split()) == {"openid", EMAIL_SCOPE, APP_CREATED}
    assert app.redeem(answer["code"]).status_code == 200


def test_an_unticked_scope_is_missing_from_the_token(app: OAuthApp) -> None:
    page = app.ask("openid", APP_CREATED, FREEBUSY, access_type="offline")
    answer = returned(app.decide(page, ticked=(FREEBUSY,)))
    tokens = app.redeem(answer["code"]).json()
    assert set(tokens["scope"].split()) == {"openid", FREEBUSY}
    assert set(app.refresh(tokens["refresh_token"]).json()["scope"].split()) == {"openid", FREEBUSY}


def test_boxes_start_unticked_and_all_can_be_ticked_at_once(app: OAuthApp) -> None:
    assert Form(app.ask(APP_CREATED, FREEBUSY)).boxes == {APP_CREATED: False, FREEBUSY: False}
    assert Form(app.ask(APP_CREATED, FREEBUSY, select="all")).boxes == {APP_CREATED: True, FREEBUSY: True}


def test_a_single_scope_has_no_box_and_is_shown_in_plain_words(app: OAuthApp) -> None:
    page = app.ask("openid", "email", APP_CREATED)
    assert Form(page).boxes == {}
    assert "Make secondary Google calendars" in page.text


def test_nothing_ticked_is_a_refusal(app: OAuthApp) -> None:
    assert returned(app.decide(app.ask(APP_CREATED, FREEBUSY), ticked=()))["error"] == "access_denied"


def test_cancel_returns_access_denied_to_the_app(app: OAuthApp) -> None:
    answer = returned(app.decide(app.ask(APP_CREATED), decision="cancel"))
    assert answer == {"error": "access_denied", "state": "s/1 &"}


def test_without_a_hint_the_user_chooses_an_account(app: OAuthApp) -> None:
    app.login = {}
    page = app.ask(APP_CREATED)
    assert "Choose an account" in page.text
    form = Form(page)
    consent = httpx.get(form.action.partition("?")[0], params={**form.hidden, "login_hint": ANNA})
    assert returned(app.decide(consent))["code"]


def test_an_account_that_does_not_exist_is_named_and_another_can_be_chosen(app: OAuthApp) -> None:
    page = app.ask(APP_CREATED, login_hint="<nobody>@example.com")
    assert "&lt;nobody&gt;@example.com" in page.text
    assert "<nobody>" not in page.text
    assert "Choose an account" in page.text


def test_a_consent_that_was_given_before_is_not_requested_again(app: OAuthApp) -> None:
    app.code(APP_CREATED)
    assert returned(app.ask(APP_CREATED))["code"]
    assert app.ask(APP_CREATED, FREEBUSY).status_code == 200
    assert app.ask(APP_CREATED, prompt="consent").status_code == 200


def test_prompt_none_shows_no_page(app: OAuthApp) -> None:
    assert returned(app.ask(APP_CREATED, prompt="none"))["error"] == "interaction_required"
    app.code(APP_CREATED)
    assert returned(app.ask(APP_CREATED, prompt="none"))["code"]


def test_select_account_shows_the_choice_even_with_one_known_account(app: OAuthApp) -> None:
    app.code(APP_CREATED)
    assert "Choose an account" in app.ask(APP_CREATED, prompt="select_account").text


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"client_id": ""}, "client_id"),
        ({"redirect_uri": ""}, "redirect_uri"),
        ({"redirect_uri": "/callback"}, "redirect_uri"),
        ({"redirect_uri": "http://booking.example.com/callback"}, "https"),
        ({"redirect_uri": "https://booking.example.com/callback#x"}, "fragment"),
        ({"response_type": ""}, "response_type"),
        ({"response_type": "banana"}, "unsupported_response_type"),
        ({"scope": ""}, "scope"),
        ({"scope": "https://www.googleapis.com/auth/calendar.nonsense"}, "invalid_scope"),
        ({"access_type": "sometimes"}, "access_type"),
        ({"prompt": "none consent"}, "prompt"),
        ({"code_challenge": "short"}, "code_challenge"),
        ({"code_challenge_method": "S512", "code_challenge": "c" * 43}, "code_challenge_method"),
    ],
)
def test_a_wrong_request_is_shown_to_the_user_without_a_redirect(
    app: OAuthApp, parameters: dict[str, str], said: str
) -> None:
    page = app.ask(APP_CREATED, **parameters)
    assert page.status_code == 400
    assert "Access blocked" in page.text
    assert said in page.text


def test_the_pages_run_no_script_and_cannot_be_framed(app: OAuthApp) -> None:
    policy = app.ask(APP_CREATED).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy.replace("style-src-attr 'unsafe-inline'", "")
