"""Convert payloads for Temporal: Pydantic models as JSON, encrypted."""

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

_cached_adapter = functools.cache(TypeAdapter[Any])

_ENCRYPTED = b"binary/slotsync-sealed"  # stored name
_CURRENT_DETAILS = b"temporal.api.sdk.v1.WorkflowMetadata"


class LenientConverter(PydanticJSONPlainPayloadConverter):
    """Pydantic's JSON converter, which ignores unknown fields.

    Temporal drops a signal that cannot be parsed: during a deploy, a field that only the newer version knows must not
    lose a reservation.
    """

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Return the payload's value."""
        return _cached_adapter(type_hint if type_hint is not None else Any).validate_json(payload.data, extra="ignore")


class SlotsyncPayloadConverter(CompositePayloadConverter):
    """The SDK's converters, with the lenient one for JSON."""

    def __init__(self) -> None:
        super().__init__(
            *(
                LenientConverter() if isinstance(converter, JSONPlainPayloadConverter) else converter
                for converter in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


class EncryptingCodec(PayloadCodec):
    """Encrypts every payload except texts for operators.

    Snapshots, plans and events are objects, and encrypted. Plain texts (summaries, results) and a workflow's current
    details are not: the Temporal UI shows them, so no data of a guest may ever be put into one.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads as Temporal may store them."""
        return [payload if _is_for_operators(payload) else self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the decrypted payloads."""
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        encrypted = self._vault.encrypt_bytes(payload.SerializeToString())
        return Payload(metadata={"encoding": _ENCRYPTED}, data=encrypted)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCRYPTED:
            return payload
        return Payload.FromString(self._vault.decrypt_bytes(payload.data))


def _is_for_operators(payload: Payload) -> bool:
    if payload.metadata.get("messageType") == _CURRENT_DETAILS:
        return True
    return payload.data[:1] not in (b"{", b"[")
