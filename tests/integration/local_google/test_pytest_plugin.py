"""The pytest plugin, in the tests of another project."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = ("uvicorn", "starlette", "pydantic", "googleapiclient", "localgoogle.server")
pytest_plugins = ["pytester"]

RESET_TESTS = """
EMAIL = "anna@example.com"

def test_first(local_google):
    local_google.create_account(EMAIL)
    calendars = local_google.build_calendar_service(EMAIL, ["https://www.googleapis.com/auth/calendar"]).calendars()
    local_google.set_fault("slow", "calendars.get", seconds=0.001, count=2)
    assert calendars.get(calendarId="primary").execute()["summary"] == EMAIL
    assert [(call.method, call.account, call.reason) for call in local_google.list_calls()] == [
        ("oauth2.token", "", ""),
        ("calendars.get", EMAIL, "slow"),
    ]

def test_second(local_google):
    assert local_google.state.accounts.all() == []
    assert local_google.state.faults.all() == []
    assert local_google.list_calls() == []
"""
OPTIONS = """
import pytest
from localgoogle.options import LocalGoogleOptions

@pytest.fixture(scope="session")
def local_google_options():
    return LocalGoogleOptions(per_user_per_minute=1)
"""
OPTIONS_TESTS = """
import pytest
from googleapiclient.errors import HttpError

def test_quota(local_google):
    local_google.create_account("anna@example.com")
    google = local_google.build_calendar_service("anna@example.com", ["https://www.googleapis.com/auth/calendar"])
    google.calendars().get(calendarId="primary").execute()
    with pytest.raises(HttpError, match="User Rate Limit Exceeded"):
        google.calendars().get(calendarId="primary").execute()
    local_google.set_fault("quota", per_user_per_minute=2)
    google.calendars().get(calendarId="primary").execute()
    local_google.clear_faults()
    with pytest.raises(HttpError, match="User Rate Limit Exceeded"):
        google.calendars().get(calendarId="primary").execute()
"""
BATCH_TESTS = """
import pytest

def test_batch(local_google):
    local_google.create_account("anna@example.com")
    google = local_google.build_calendar_service("anna@example.com", ["https://www.googleapis.com/auth/calendar"])
    google.calendars().get(calendarId="primary").execute()
    answers = []
    batch = google.new_batch_http_request(lambda *answer: answers.append(answer))
    batch.add(google.calendars().get(calendarId="primary"), request_id="one")
    batch.execute()
    assert [(name, calendar["id"], error) for name, calendar, error in answers] == [("one", "anna@example.com", None)]

def test_unknown_names(local_google):
    with pytest.raises(KeyError):
        local_google.create_credentials("anna@example.com", [])
    with pytest.raises(ValueError, match="no such method: events.add"):
        local_google.set_fault("backendError", "events.add")
"""


@pytest.fixture
def adopter(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with tests of its own, on a machine that has the local Google installed."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return pytester


def passed(project: pytest.Pytester) -> int:
    result = project.runpytest_subprocess("-W", "error", "-p", "no:schemathesis", "-p", "no:cacheprovider")
    assert result.ret == 0, result.stdout.str()
    return result.parseoutcomes()["passed"]


def test_the_test_in_the_docs_passes(adopter: pytest.Pytester) -> None:
    page = (ROOT / "docs" / "local-google.md").read_text()
    (source,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def test_" in block]
    adopter.makepyfile(source)
    assert passed(adopter) == 1


@pytest.mark.parametrize("source", [RESET_TESTS, BATCH_TESTS])
def test_each_test_has_an_empty_google(adopter: pytest.Pytester, source: str) -> None:
    adopter.makepyfile(source)
    assert passed(adopter) == 2


def test_the_options_can_be_overridden(adopter: pytest.Pytester) -> None:
    adopter.makeconftest(OPTIONS)
    adopter.makepyfile(OPTIONS_TESTS)
    assert passed(adopter) == 1


def test_the_plugin_imports_nothing_heavy() -> None:
    program = "import sys, localgoogle.pytest_plugin; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "localgoogle.pytest_plugin" in loaded
    assert loaded & set(HEAVY) == set()
