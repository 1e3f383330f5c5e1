"""Convert payloads for Temporal: Pydantic models as plain JSON, which operators can read in the UI.

So no content of a reservation or a calendar may ever be put into a message: see ``tests/unit/temporal/test_border.py``.
"""

import functools
from typing import Any, Final

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import CompositePayloadConverter, DefaultPayloadConverter, JSONPlainPayloadConverter

_cached_adapter = functools.cache(TypeAdapter[Any])


class LenientConverter(PydanticJSONPlainPayloadConverter):
    """Pydantic's JSON converter, which ignores unknown fields.

    Temporal drops a signal that cannot be parsed: during a deploy, a field that only the newer version knows must not
    lose one.
    """

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Return the payload's value."""
        return _cached_adapter(type_hint if type_hint is not None else Any).validate_json(payload.data, extra="ignore")


_CONVERTERS: Final = tuple(
    LenientConverter() if isinstance(converter, JSONPlainPayloadConverter) else converter
    for converter in DefaultPayloadConverter.default_encoding_payload_converters
)


class SlotsyncPayloadConverter(CompositePayloadConverter):
    """The SDK's converters, with the lenient one for JSON. The SDK builds one for each activation of a workflow."""

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS)
