"""Build the command of Temporal's development server, with the features that slotsync needs."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from temporalio.common import SearchAttributeIndexedValueType

from slotsync.errors import SettingsError
from slotsync.temporal.search_attributes import ALL_ATTRIBUTES

_FAIRNESS = ("matching.useNewMatcher=true", "matching.enableFairness=true")
"""Off by default in server 1.32; without them fairness keys and their rate limits are ignored."""

_ONE_PARTITION = ("matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1")
"""Rate limits and fairness are exact within one partition only; one is enough for one machine."""

_FAST_TIMERS = ('history.timerProcessorMaxTimeShift="1ms"', 'history.workflowIdReuseMinimalInterval="0s"')
"""Measured: without them every short timer takes a second more, and a quick continue-as-new another."""

_FAST_DELETIONS = (
    'history.transferProcessorUpdateAckInterval="1s"',
    'history.visibilityProcessorUpdateAckInterval="1s"',
)
"""Measured: by default a workflow that has ended is deleted 34 seconds after it was asked for, with these 4."""

_SHORT_IDS = ("limit.maxIDLength=255",)
"""The limit of clusters on PostgreSQL and MySQL. SQLite would store longer ids, which then fail in production only."""

_TIME_SKIPPING = ("frontend.WorkflowTimeSkippingEnabled=true",)

_SQLITE = ("journal_mode=wal", "synchronous=normal")
"""The data survives a killed server, and a write does not wait for the disk."""

_TYPES = {
    SearchAttributeIndexedValueType.KEYWORD: "Keyword",
    SearchAttributeIndexedValueType.KEYWORD_LIST: "KeywordList",
    SearchAttributeIndexedValueType.DATETIME: "Datetime",
}


def server_path() -> str:
    """Return the path of the server's executable: beside this Python, else on the PATH.

    Raises:
        SettingsError: There is none.
    """
    bundled = Path(sys.executable).parent / "temporal"
    path = str(bundled) if bundled.exists() else shutil.which("temporal")
    if path is None:
        raise SettingsError("no Temporal server here: install slotsync[local], or set TEMPORAL_ADDRESS")
    return path


def server_options(*, time_skipping: bool = False) -> list[str]:
    """Return the dynamic configuration that slotsync needs, as arguments of ``server start-dev``."""
    features = (*_FAIRNESS, *_ONE_PARTITION, *_FAST_TIMERS, *_FAST_DELETIONS, *_SHORT_IDS)
    values = (*features, *(_TIME_SKIPPING if time_skipping else ()))
    return _repeat_option("--dynamic-config-value", values)


def server_command(*, port: int, ui_port: int, file: Path) -> list[str]:
    """Return the command that runs the server in the foreground. Its state is in ``file``: a restart loses nothing.

    Raises:
        SettingsError: There is no server on this machine.
    """
    return [
        *(server_path(), "server", "start-dev", "--ip", "127.0.0.1", "--log-level", "error"),
        *("--port", str(port), "--ui-port", str(ui_port), "--ui-disable-news-fetch"),
        *("--db-filename", str(file)),
        *_repeat_option("--sqlite-pragma", _SQLITE),
        *_repeat_option(
            "--search-attribute", (f"{key.name}={_TYPES[key.indexed_value_type]}" for key in ALL_ATTRIBUTES)
        ),
        *server_options(),
    ]


def _repeat_option(option: str, values: Iterable[str]) -> list[str]:
    return [argument for value in values for argument in (option, value)]
