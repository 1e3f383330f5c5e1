"""A client that follows the sync tokens ends with all that is there, after any changes in between."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localgoogle.local_google import LocalGoogle
from tests.support.local_google import ApiClient, timed

NAME = st.integers(0, 5).map(lambda number: f"event{number}")
STEP = st.tuples(st.sampled_from(["write", "delete", "page", "page"]), NAME)


class Replica:
    """A copy of a calendar, kept by a client that reads a page now and then."""

    def __init__(self, calendar_api: ApiClient, path: str) -> None:
        self._api = calendar_api
        self._path = path
        self._sync = ""
        self._page = ""
        self.etags: dict[str, str] = {}

    def read_page(self) -> bool:
        """Read one page, and return whether it was the last."""
        params = {"maxResults": "2"} | ({"syncToken": self._sync} if self._sync else {})
        answer = self._api.get(self._path, params=params | ({"pageToken": self._page} if self._page else {})).json()
        for event in answer["items"]:
            self.etags[event["id"]] = event["etag"]
            if event["status"] == "cancelled":
                del self.etags[event["id"]]
        self._page = answer.get("nextPageToken", "")
        self._sync = answer.get("nextSyncToken", self._sync)
        return not self._page

    def catch_up(self) -> None:
        """Finish the round, and read the changes that were made meanwhile."""
        while not self.read_page():
            pass
        while not self.read_page():
            pass


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=25))
def test_a_replica_that_follows_the_tokens_is_right(
    calendar_api: ApiClient, google_state: LocalGoogle, steps: list[tuple[str, str]]
) -> None:
    google_state.set_quotas(1_000_000, 1_000_000)
    google_state.quotas.new_calendars = None
    made = calendar_api.post("/calendars", json={"summary": "x"}).json()["id"]
    path = f"/calendars/{made}/events"
    replica = Replica(calendar_api, path)
    for what, name in steps:
        if what == "page":
            replica.read_page()
        elif what == "delete":
            calendar_api.delete(f"{path}/{name}")
        elif calendar_api.post(path, json=timed(id=name)).status_code == 409:
            calendar_api.patch(f"{path}/{name}", json={"status": "confirmed"})
    replica.catch_up()
    assert replica.etags == {event["id"]: event["etag"] for event in calendar_api.get(path).json()["items"]}
