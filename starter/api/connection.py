"""The merchant's connection to Google."""

from fastapi import APIRouter

from slotsync.rules.connection import ConnectionState
from slotsync.rules.message import Message
from starter.api.backend import Behind
from starter.api.paths import MERCHANT, MerchantId

router = APIRouter(prefix=f"{MERCHANT}/google", tags=["Google"])


class ConnectionBody(Message):
    """How the merchant's connection to Google is doing."""

    merchant: str
    state: ConnectionState


@router.get("")
def connection(merchant: MerchantId, behind: Behind) -> ConnectionBody:
    """How the merchant's connection is doing; a merchant that never had one is disconnected."""
    return ConnectionBody(merchant=merchant, state=behind.connections.state(merchant))
