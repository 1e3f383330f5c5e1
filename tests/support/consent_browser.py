"""A merchant's browser at Google: just good enough for the pages that it sees."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.support.oauth_app import Form


@dataclass(frozen=True)
class ConsentReturn:
    """What Google sends back with the browser."""

    state: str
    code: str | None
    error: str


def decide(url: str, email: str, *, ticked: frozenset[str] | None = None, decision: str = "allow") -> ConsentReturn:
    """Signs in at the address that slotsync gave, ticks boxes (all where none are named) and presses a button."""
    page = httpx.get(httpx.URL(url).copy_merge_params({"login_hint": email}))
    assert page.status_code == 200, page.text
    form = Form(page)
    boxes = set(form.boxes) if ticked is None else ticked & set(form.boxes)
    back = httpx.post(form.action, data={**form.hidden, "scope": list(boxes), "decision": decision})
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["location"])
    assert parts.path == "/google/callback"
    answer = dict(parse_qsl(parts.query))
    return ConsentReturn(state=answer["state"], code=answer.get("code"), error=answer.get("error", ""))
