import subprocess
from pathlib import Path

from starter.local.processes import write_environment

AWKWARD = {"PLAIN": "sqlite:///here.db", "SPACED": "two words", "QUOTED": """it's "so" $HOME `pwd` \\""", "EMPTY": ""}


def test_a_shell_that_sources_it_has_every_value_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    write_environment(file, AWKWARD)

    result = subprocess.run(["sh", "-c", f". '{file}'; env -0"], capture_output=True, text=True, check=True).stdout

    found = dict(line.split("=", 1) for line in result.split("\0") if line)
    assert {name: found.get(name) for name in AWKWARD} == AWKWARD
