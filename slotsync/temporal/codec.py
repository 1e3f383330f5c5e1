"""Encrypts what Temporal keeps, and leaves readable what operators need."""

from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from slotsync.secrets import Vault

_SEALED = b"binary/slotsync-sealed"
_CURRENT_DETAILS = b"temporal.api.sdk.v1.WorkflowMetadata"


class SealingCodec(PayloadCodec):
    """Seals every payload but what slotsync tells operators.

    Snapshots, plans and events are objects, and sealed. Bare texts (summaries, results) and a workflow's current
    details are not: the Temporal UI shows them, so nothing of a guest may ever be put into one.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads as Temporal may keep them."""
        return [payload if _told_to_operators(payload) else self._sealed(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads as they were."""
        return [self._opened(payload) for payload in payloads]

    def _sealed(self, payload: Payload) -> Payload:
        sealed = self._vault.seal_bytes(payload.SerializeToString())
        return Payload(metadata={"encoding": _SEALED}, data=sealed)

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _SEALED:
            return payload
        return Payload.FromString(self._vault.open_bytes(payload.data))


def _told_to_operators(payload: Payload) -> bool:
    if payload.metadata.get("messageType") == _CURRENT_DETAILS:
        return True
    return payload.data[:1] not in (b"{", b"[")
