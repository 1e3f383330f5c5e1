"""The environment of parts that run on one machine: for the processes started here, and for a person's shell."""

import shlex
from collections.abc import Mapping
from pathlib import Path


def write_environment(file: Path, variables: Mapping[str, str]) -> None:
    """Keeps the variables as lines that a shell can source, readable by their owner alone: keys are among them."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(lines))
