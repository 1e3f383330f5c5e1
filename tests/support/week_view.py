"""Read the week page: its events, their places and its text."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

import httpx


@dataclass
class Drawn:
    """An event on the page: a bar or a block, and its place."""

    title: str
    label: str
    kind: str
    style: dict[str, str]
    tentative: bool
    href: str
    day: int
    """The day of a block, 0 is Monday; -1 for bars, which are above the hours."""

    @property
    def place(self) -> str:
        """A bar's row, first column and number of columns."""
        return self.style["grid-area"]

    def number(self, name: str) -> int:
        """Return a number from the style that places the block."""
        return int(self.style[name])


class WeekView(HTMLParser):
    """The events of a page, and its other text."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        assert page.status_code == 200, page.text
        self.html = page.text
        self.events: list[Drawn] = []
        self.links: dict[str, str] = {}
        self._days = 0
        self._open: Drawn | None = None
        self._href = ""
        self.feed(page.text)

    def titles(self) -> list[str]:
        """Return the titles of all events of the week."""
        return [event.title for event in self.events]

    def event(self, title: str) -> Drawn:
        """Return the only event with this title."""
        (found,) = [event for event in self.events if event.title == title]
        return found

    @property
    def panel(self) -> str:
        """The text of the panel, without its markup."""
        _, _, panel = self.html.partition('id="panel"')
        return re.sub(r"<[^>]*>", " ", panel)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        classes = attributes.get("class", "").split()
        self._days += tag == "div" and "day" in classes
        self._href = attributes.get("href", "") if tag == "a" else self._href
        if tag == "a" and "event" in classes:
            style = dict(part.split(": ", 1) for part in attributes["style"].split("; "))
            tentative = "tentative" in classes
            self._open = Drawn(
                "", attributes["aria-label"], classes[1], style, tentative, attributes["href"], self._days - 1
            )
            self.events.append(self._open)

    def handle_data(self, data: str) -> None:
        if self._open and not self._open.title:
            self._open.title = data
        self.links.setdefault(data.strip(), self._href)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._open = None
