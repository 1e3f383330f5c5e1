"""Reading what Temporal carries: written by an older or a newer slotsync, perhaps."""

import functools
from typing import Any

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import CompositePayloadConverter, DefaultPayloadConverter, JSONPlainPayloadConverter

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
