"""Codes, tokens, and how they die."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import google_auth_httplib2  # type: ignore[import-untyped]  # the library has no types
import httplib2
import httpx
import pytest
from google.auth.exceptions import RefreshError
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials

from localgoogle.server import RunningLocalGoogle
from localgoogle.state.accounts import GoogleAccounts
from tests.support.clocks import SettableClock
from tests.support.local_google import ANNA
from tests.support.oauth_app import APP_CREATED, EMAIL_SCOPE, FREEBUSY, OAuthApp, token_error

VERIFIER = "v" * 43
S256 = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def app(local_google: RunningLocalGoogle) -> OAuthApp:
    return OAuthApp(local_google.url)


@pytest.fixture
def transport() -> Iterator[Any]:
    http = httplib2.Http(timeout=10)
    yield google_auth_httplib2.Request(http)
    http.close()


def offline(app: OAuthApp, *scopes: str, **parameters: str) -> str:
    """Return a refresh token, after consent."""
    code = app.code(*scopes, access_type="offline", prompt="consent", **parameters)
    return str(app.redeem(code).json()["refresh_token"])


def test_a_code_becomes_tokens_of_an_hour(app: OAuthApp) -> None:
    answer = app.redeem(app.code(APP_CREATED, access_type="offline"))
    tokens = answer.json()
    assert tokens.keys() == {"access_token", "expires_in", "refresh_token", "scope", "token_type"}
    assert (tokens["expires_in"], tokens["token_type"], tokens["scope"]) == (3599, "Bearer", APP_CREATED)
    assert "no-store" in answer.headers["cache-control"]


def test_a_code_works_once(app: OAuthApp) -> None:
    code = app.code(APP_CREATED)
    assert app.redeem(code).status_code == 200
    assert token_error(app.redeem(code)) == (400, "invalid_grant")


def test_a_code_is_valid_for_ten_minutes(app: OAuthApp, clock: SettableClock) -> None:
    early, late = app.code(APP_CREATED), app.code(APP_CREATED)
    clock.advance(timedelta(minutes=9, seconds=59))
    assert app.redeem(early).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert token_error(app.redeem(late)) == (400, "invalid_grant")


def test_a_code_is_for_its_app_and_its_redirect(app: OAuthApp) -> None:
    other = {"redirect_uri": "http://localhost:9/other"}
    assert token_error(app.redeem(app.code(APP_CREATED), **other)) == (400, "redirect_uri_mismatch")
    assert token_error(app.redeem(app.code(APP_CREATED), client_id="other")) == (400, "invalid_grant")


@pytest.mark.parametrize(("method", "challenge"), [("S256", S256), ("plain", VERIFIER)])
def test_a_challenged_code_needs_its_verifier(app: OAuthApp, method: str, challenge: str) -> None:
    def code() -> str:
        return app.code(APP_CREATED, code_challenge=challenge, code_challenge_method=method)

    assert app.redeem(code(), code_verifier=VERIFIER).status_code == 200
    assert token_error(app.redeem(code(), code_verifier="w" * 43)) == (400, "invalid_grant")
    assert token_error(app.redeem(code())) == (400, "invalid_grant")


def test_an_app_without_a_secret_needs_a_verifier(app: OAuthApp) -> None:
    assert token_error(app.redeem(app.code(APP_CREATED), client_secret="")) == (401, "invalid_client")
    code = app.code(APP_CREATED, code_challenge=S256, code_challenge_method="S256", access_type="offline")
    tokens = app.redeem(code, client_secret="", code_verifier=VERIFIER).json()
    assert app.refresh(tokens["refresh_token"], client_secret="").status_code == 200


def test_the_secret_may_come_in_a_header(app: OAuthApp) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": offline(app, APP_CREATED)}
    header = {"Authorization": f"Basic {b64encode(b'app:secret').decode()}"}
    assert httpx.post(f"{app.url}/token", data=form, headers=header).status_code == 200
    assert token_error(app.refresh(form["refresh_token"], client_secret="")) == (401, "invalid_client")


def test_a_refresh_token_comes_only_offline_and_first_or_on_consent(app: OAuthApp) -> None:
    def comes(**parameters: str) -> bool:
        return "refresh_token" in app.redeem(app.code(APP_CREATED, **parameters)).json()

    assert not comes()
    assert comes(access_type="offline")
    assert not comes(access_type="offline")
    assert comes(access_type="offline", prompt="consent")


def test_a_refresh_may_ask_for_less_but_not_for_more(app: OAuthApp) -> None:
    token = offline(app, APP_CREATED, FREEBUSY)
    assert app.refresh(token, scope=FREEBUSY).json()["scope"] == FREEBUSY
    assert token_error(app.refresh(token, scope=f"{FREEBUSY} openid")) == (400, "invalid_scope")


def test_incremental_consent_gives_the_union(app: OAuthApp) -> None:
    app.code(APP_CREATED)
    alone = app.redeem(app.code(FREEBUSY)).json()["scope"]
    both = app.redeem(app.code(FREEBUSY, include_granted_scopes="true")).json()["scope"]
    assert alone == FREEBUSY
    assert set(both.split()) == {APP_CREATED, FREEBUSY}


def test_a_refresh_token_is_for_its_app(app: OAuthApp) -> None:
    assert token_error(app.refresh(offline(app, APP_CREATED), client_id="other")) == (401, "unauthorized_client")


def test_the_oldest_of_more_than_a_hundred_refresh_tokens_dies(app: OAuthApp, local_google: RunningLocalGoogle) -> None:
    accounts = local_google.google.accounts
    first, second, *_ = [accounts.grant(ANNA, "app", [APP_CREATED]) for _ in range(101)]
    of_another_app = accounts.grant(ANNA, "other", [APP_CREATED])
    assert token_error(app.refresh(first)) == (400, "invalid_grant")
    assert app.refresh(second).status_code == 200
    assert app.refresh(of_another_app, client_id="other").status_code == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_any_token_ends_the_whole_grant_and_no_other(app: OAuthApp, which: str) -> None:
    tokens = app.redeem(app.code("openid", access_type="offline")).json()
    other = OAuthApp(app.url, "other")
    kept = offline(other, "openid")
    assert app.revoke(tokens[which]).status_code == 200
    assert app.userinfo(tokens["access_token"]).status_code == 401
    answer = app.refresh(tokens["refresh_token"])
    assert answer.json() == {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    assert answer.status_code == 400
    assert other.refresh(kept).status_code == 200
    assert app.ask("openid").status_code == 200


def test_revoking_an_unknown_token_is_an_error(app: OAuthApp) -> None:
    assert token_error(app.revoke("ya29.unknown")) == (400, "invalid_token")


def test_an_access_token_ends_by_the_clock(app: OAuthApp, clock: SettableClock) -> None:
    access = app.redeem(app.code("openid")).json()["access_token"]
    clock.advance(timedelta(seconds=3598))
    assert app.userinfo(access).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert app.userinfo(access).status_code == 401


def test_userinfo_shows_as_much_as_was_granted(app: OAuthApp, local_google: RunningLocalGoogle) -> None:
    def get_userinfo(*scopes: str) -> httpx.Response:
        return app.userinfo(app.redeem(app.code(*scopes, prompt="consent")).json()["access_token"])

    number = local_google.google.accounts.get(ANNA).sub
    assert get_userinfo("openid").json() == {"sub": number}
    assert get_userinfo("openid", "email").json() == {"sub": number, "email": ANNA, "email_verified": True}
    assert get_userinfo(APP_CREATED).status_code == 401


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"grant_type": ""}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "refresh_token"}, (400, "invalid_request")),
        ({"grant_type": "refresh_token", "refresh_token": "1//unknown"}, (400, "invalid_grant")),
        ({"grant_type": "authorization_code", "code": "4/unknown"}, (400, "invalid_grant")),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_id": ""}, (400, "invalid_request")),
    ],
)
def test_a_wrong_token_request_is_refused_by_name(
    app: OAuthApp, form: dict[str, str], expected: tuple[int, str]
) -> None:
    assert token_error(app.token(**form)) == expected


def test_the_id_token_is_verified_by_googles_own_library(app: OAuthApp, transport: Any) -> None:
    tokens = app.redeem(app.code("openid", "email", nonce="n-1")).json()
    # The clock of the tests may lie ahead of the machine's or behind it; the library reads the machine's.
    claims = id_token.verify_token(
        tokens["id_token"], transport, "app", f"{app.url}/oauth2/v1/certs", clock_skew_in_seconds=10**9
    )
    assert (claims["iss"], claims["email"], claims["nonce"]) == ("https://accounts.google.com", ANNA, "n-1")


def test_googles_own_library_refreshes_until_the_grant_is_revoked(app: OAuthApp, transport: Any) -> None:
    token = offline(app, "openid", "email", APP_CREATED)
    endpoint = {"token_uri": f"{app.url}/token", "client_id": "app", "client_secret": "secret"}
    scopes = ["openid", EMAIL_SCOPE, APP_CREATED]
    credentials: Any = Credentials(None, token, scopes=scopes, **endpoint)  # type: ignore[no-untyped-call]  # untyped
    credentials.refresh(transport)
    assert app.userinfo(credentials.token).json()["email"] == ANNA
    assert set(credentials.granted_scopes) == set(scopes)
    app.revoke(token)
    with pytest.raises(RefreshError, match="invalid_grant") as refused:
        credentials.refresh(transport)
    assert refused.value.retryable is False


def test_grants_outlive_a_restart(app: OAuthApp, local_google: RunningLocalGoogle, clock: SettableClock) -> None:
    tokens = app.redeem(app.code("openid", access_type="offline")).json()
    before = local_google.google.accounts
    after = GoogleAccounts(clock)
    after.restore(before.snapshot())
    assert after.all() == before.all()
    assert after.find_caller(tokens["access_token"]) == before.find_caller(tokens["access_token"])
    assert after.grants.find_refresh_token(tokens["refresh_token"]).caller.email == ANNA
