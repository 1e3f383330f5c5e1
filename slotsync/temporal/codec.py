"""What Temporal stores: JSON of Pydantic models, encrypted."""

import functools
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
)

from slotsync.secrets import Vault

_adapter = functools.cache(TypeAdapter[Any])


class PatientConverter(PydanticJSONPlainPayloadConverter):
    """Pydantic's JSON, without its refusal of unknown fields.

    Temporal drops a signal that cannot be read: during a deploy, a field that only the newer version knows must not
    cost a reservation.
    """

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """The value in the payload."""
        return _adapter(type_hint if type_hint is not None else Any).validate_json(payload.data, extra="ignore")


class SlotsyncPayloadConverter(CompositePayloadConverter):
    """The SDK's converters, with the patient one for JSON."""

    def __init__(self) -> None:
        super().__init__(
            *(
                PatientConverter() if isinstance(converter, JSONPlainPayloadConverter) else converter
                for converter in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


_SEALED = b"binary/slotsync-sealed"
_CURRENT_DETAILS = b"temporal.api.sdk.v1.WorkflowMetadata"


class EncryptingCodec(PayloadCodec):
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
        sealed = self._vault.encrypt_bytes(payload.SerializeToString())
        return Payload(metadata={"encoding": _SEALED}, data=sealed)

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _SEALED:
            return payload
        return Payload.FromString(self._vault.decrypt_bytes(payload.data))


def _told_to_operators(payload: Payload) -> bool:
    if payload.metadata.get("messageType") == _CURRENT_DETAILS:
        return True
    return payload.data[:1] not in (b"{", b"[")
