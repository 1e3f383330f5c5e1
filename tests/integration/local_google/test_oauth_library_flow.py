"""The web-server flow of google-auth-oauthlib, which comes with gcsa."""

from typing import Any

import httpx
import pytest
from google_auth_oauthlib.flow import Flow  # type: ignore[import-untyped]  # the library has no types

from localgoogle.server import RunningLocalGoogle
from tests.support.local_google import ANNA
from tests.support.oauth_app import APP_CREATED, CALLBACK, EMAIL_SCOPE, FREEBUSY, OAuthApp, returned


@pytest.fixture
def flow(local_google: RunningLocalGoogle, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    endpoints = {"auth_uri": f"{local_google.url}/o/oauth2/v2/auth", "token_uri": f"{local_google.url}/token"}
    config = {"web": {"client_id": "app", "client_secret": "secret", **endpoints}}
    return Flow.from_client_config(config, ["openid", EMAIL_SCOPE, APP_CREATED, FREEBUSY], redirect_uri=CALLBACK)


def consent(flow: Any, local_google: RunningLocalGoogle, *ticked: str) -> str:
    url, state = flow.authorization_url(access_type="offline", login_hint=ANNA, include_granted_scopes="true")
    answer = returned(OAuthApp(local_google.url).decide(httpx.get(url), ticked=ticked))
    assert answer["state"] == state
    return answer["code"]


def test_the_library_signs_in_with_a_challenge_of_its_own(flow: Any, local_google: RunningLocalGoogle) -> None:
    with flow.oauth2session:
        flow.fetch_token(code=consent(flow, local_google, APP_CREATED, FREEBUSY))
    credentials = flow.credentials
    assert set(credentials.granted_scopes) == {"openid", EMAIL_SCOPE, APP_CREATED, FREEBUSY}
    assert credentials.refresh_token
    assert OAuthApp(local_google.url).userinfo(credentials.token).json()["email"] == ANNA


def test_the_library_notices_that_less_was_granted(flow: Any, local_google: RunningLocalGoogle) -> None:
    with flow.oauth2session, pytest.raises(Warning, match="Scope has changed"):
        flow.fetch_token(code=consent(flow, local_google, APP_CREATED))
