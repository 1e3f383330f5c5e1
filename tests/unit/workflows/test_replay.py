"""Workflows that are open when a new version is deployed go on with it."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from slotsync.temporal.options import DATA_CONVERTER
from slotsync.temporal.sandbox import workflow_runner
from tests.support.history_recording import FORMER, HISTORIES, PATHS
from workflows.availability import ProductAvailabilityWorkflow
from workflows.calendar import ManagedCalendarWorkflow
from workflows.connection import ConnectionWorkflow
from workflows.reservation import ReservationWorkflow
from workflows.sync_switch import SyncSwitchWorkflow

pytestmark = pytest.mark.anyio

RECORDED = sorted(HISTORIES.glob("*.json"))


def test_every_path_has_a_history() -> None:
    assert {path.__name__ for path in PATHS} | FORMER.keys() == {recorded.stem for recorded in RECORDED}


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: path.stem)
async def test_todays_workflows_replay_histories_of_before(recorded: Path) -> None:
    replayer = Replayer(
        workflows=[
            ReservationWorkflow,
            ManagedCalendarWorkflow,
            ConnectionWorkflow,
            ProductAvailabilityWorkflow,
            SyncSwitchWorkflow,
        ],
        data_converter=DATA_CONVERTER,
        workflow_runner=workflow_runner(),
    )
    workflow_id = ({path.__name__: own for path, own in PATHS.items()} | FORMER)[recorded.stem]
    history = WorkflowHistory.from_json(workflow_id, recorded.read_text())
    replayed = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    assert replayed.replay_failure is None
