from datetime import UTC, datetime, timedelta

from slotsync.domain.connections.messages import ConnectionStep
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from tests.support.sample_grants import save_sample_grant

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
FAR = NOON + timedelta(days=999)


def test_a_stop_leaves_a_newer_grant_alone(store: Store, connections: Connections) -> None:
    intents = ConnectionIntents(store)
    save_sample_grant(connections)
    save_sample_grant(connections, "refresh-2")
    intents.stop("m", LATER, grant_number=1)
    assert intents.due_rows.count_stopped() == 0
    intents.stop("m", LATER, grant_number=2)
    assert intents.due_rows.count_stopped() == 1


def test_a_signal_starts_no_stopped_connection_and_a_resumption_does(store: Store, connections: Connections) -> None:
    intents = ConnectionIntents(store)
    connection_id = save_sample_grant(connections)
    intents.stop("m", NOON)
    connections.mark_revoked(connection_id, "invalid_grant", connections.get_grant_number_by_id(connection_id))
    assert intents.plan("m").step is ConnectionStep.CLOSE
    assert (intents.find_due(FAR), intents.due_rows.count_overdue(FAR)) == ([], 0)
    assert intents.resume("m", LATER)
    assert intents.plan("m").step is ConnectionStep.PARK
