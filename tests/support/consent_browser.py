"""A simple browser for Google's consent pages."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.support.oauth_app import Form


@dataclass(frozen=True)
class ConsentReturn:
    """Google's answer, as the parameters of the redirection."""

    state: str
    code: str | None
    error: str


def decide(url: str, email: str, *, ticked: frozenset[str] | None = None, decision: str = "allow") -> ConsentReturn:
    """Sign in at the URL from slotsync, tick the boxes (all if ``ticked`` is None) and press the button."""
    page = httpx.get(httpx.URL(url).copy_merge_params({"login_hint": email}))
    assert page.status_code == 200, page.text
    form = Form(page)
    boxes = set(form.boxes) if ticked is None else ticked & set(form.boxes)
    redirection = httpx.post(form.action, data={**form.hidden, "scope": list(boxes), "decision": decision})
    assert redirection.status_code == 302, redirection.text
    parts = urlsplit(redirection.headers["location"])
    assert parts.path == "/google/callback"
    answer = dict(parse_qsl(parts.query))
    return ConsentReturn(state=answer["state"], code=answer.get("code"), error=answer.get("error", ""))
