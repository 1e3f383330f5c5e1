"""An app that signs users in, and a minimal browser for the pages that users see."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from tests.support.local_google import ANNA, AUTH

CALLBACK = "http://localhost:9/callback"
APP_CREATED = AUTH + "calendar.app.created"
FREEBUSY = AUTH + "calendar.events.freebusy"
EMAIL_SCOPE = AUTH + "userinfo.email"


class Form(HTMLParser):
    """The last form of a page: its address, its hidden fields and its checkboxes, ticked or not."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.action = str(page.url)
        self.hidden: dict[str, str] = {}
        self.boxes: dict[str, bool] = {}
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = urljoin(self.action, attributes.get("action", ""))
        elif attributes.get("type") == "hidden":
            self.hidden[attributes["name"]] = attributes["value"]
        elif attributes.get("type") == "checkbox":
            self.boxes[attributes["value"]] = "checked" in attributes


@dataclass
class OAuthApp:
    """One OAuth client of the local Google at ``url``."""

    url: str
    client_id: str = "app"
    login: dict[str, str] = field(default_factory=lambda: {"login_hint": ANNA})

    def ask(self, *scopes: str, **parameters: str) -> httpx.Response:
        """Return the page that the user gets from the app's authorization request."""
        asked = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": " ".join(scopes),
            "state": "s/1 &",
            **self.login,
            **parameters,
        }
        return httpx.get(f"{self.url}/o/oauth2/v2/auth", params={k: v for k, v in asked.items() if v})

    def decide(
        self, page: httpx.Response, decision: str = "allow", ticked: tuple[str, ...] | None = None
    ) -> httpx.Response:
        """Tick these checkboxes, or all if ``ticked`` is None, and send the form with this decision."""
        form = Form(page)
        boxes = list(form.boxes) if ticked is None else list(ticked)
        assert set(boxes) <= set(form.boxes)
        return httpx.post(form.action, data={**form.hidden, "scope": boxes, "decision": decision})

    def code(self, *scopes: str, **parameters: str) -> str:
        """Return the code after the user has allowed everything, with or without a consent page."""
        page = self.ask(*scopes, **parameters)
        return returned(page if page.is_redirect else self.decide(page))["code"]

    def redeem(self, code: str, **form: str) -> httpx.Response:
        """Return the token endpoint's answer to a code."""
        return self.token(grant_type="authorization_code", code=code, **{"redirect_uri": CALLBACK, **form})

    def refresh(self, token: str, **form: str) -> httpx.Response:
        """Return the token endpoint's answer to a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=token, **form)

    def token(self, **form: str) -> httpx.Response:
        """Return the token endpoint's answer; empty values are not sent."""
        sent = {"client_id": self.client_id, "client_secret": "secret", **form}
        return httpx.post(f"{self.url}/token", data={name: value for name, value in sent.items() if value})

    def userinfo(self, access_token: str) -> httpx.Response:
        """Return the answer of userinfo for the token."""
        return httpx.get(f"{self.url}/oauth2/v3/userinfo", headers={"Authorization": f"Bearer {access_token}"})

    def revoke(self, token: str) -> httpx.Response:
        """Revoke the grant of the token."""
        return httpx.post(f"{self.url}/revoke", data={"token": token})


def returned(response: httpx.Response) -> dict[str, str]:
    """Return the query that came back to the app's redirect_uri."""
    assert response.status_code == 302, response.text
    parts = urlsplit(response.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == CALLBACK
    return dict(parse_qsl(parts.query))


def token_error(response: httpx.Response) -> tuple[int, str]:
    """Return the status and the error of a refused token request."""
    return response.status_code, response.json()["error"]
