"""The imports of the command line, which every process of ``python -m starter`` pays for."""

import subprocess
import sys

HEAVY = {"fastapi", "googleapiclient", "httpx", "pydantic", "sqlalchemy", "temporalio"}


def test_the_command_line_itself_imports_no_heavy_library() -> None:
    program = "import sys, starter.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "typer" in loaded.split()
    assert HEAVY & set(loaded.split()) == set()


def test_the_client_of_a_platform_loads_nothing_that_talks_to_google() -> None:
    program = "import sys, starter.client; print(*{name.partition('.')[0] for name in sys.modules})"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(answer.stdout.split())
    assert "temporalio" in loaded
    assert not loaded & {"googleapiclient", "google_auth_httplib2", "httplib2", "workflows", "activities"}
