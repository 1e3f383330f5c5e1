"""``slotsync`` with OpenTelemetry, as an operator's own start script would set it up.

``python -m tests.support.traced_command FILE COMMAND ...`` appends each span, with all that is recorded of it, to FILE.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opentelemetry import trace
from typing_extensions import override

from starter.cli import run

FIRST_SPAN = "the process begins"
"""The name of a span of each process, which shows that spans are recorded."""


def traced_command(folder: Path, *arguments: str) -> list[str]:
    """Return the command line of ``slotsync`` with these arguments; its spans go to a file that has its name."""
    return [sys.executable, "-m", __name__, str(folder / f"{arguments[0]}.traces"), *arguments]


class WritingSpan(trace.NonRecordingSpan):
    """A span that writes all that is recorded of it."""

    def __init__(self, file: Path) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self._file = file

    @override
    def is_recording(self) -> bool:
        return True

    @override
    def set_attributes(self, attributes: Any) -> None:
        self._write(attributes)

    @override
    def set_attribute(self, key: str, value: Any) -> None:
        self._write(key, value)

    @override
    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        self._write(name, attributes)

    @override
    def update_name(self, name: str) -> None:
        self._write(name)

    @override
    def set_status(self, status: Any, description: str | None = None) -> None:
        self._write(status, description)

    @override
    def record_exception(self, exception: BaseException, *more: Any, **attributes: Any) -> None:
        self._write(repr(exception), attributes)

    def _write(self, *recorded: object) -> None:
        with self._file.open("a") as file:
            print(*recorded, file=file)


class WritingTracer(trace.NoOpTracer):
    """A tracer with spans that are written."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @override
    def start_span(self, name: str, *more: Any, **attributes: Any) -> trace.Span:
        span = WritingSpan(self._file)
        span.update_name(name)
        span.set_attributes(attributes)
        return span

    @override
    @contextmanager
    def start_as_current_span(  # type: ignore[override]  # all of its arguments
        self, name: str, *more: Any, **attributes: Any
    ) -> Iterator[trace.Span]:
        with trace.use_span(self.start_span(name, *more, **attributes)) as span:
            yield span


class WritingProvider(trace.TracerProvider):
    """A provider of such tracers."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @override
    def get_tracer(self, *_: Any, **__: Any) -> trace.Tracer:
        return WritingTracer(self._file)


if __name__ == "__main__":
    trace.set_tracer_provider(WritingProvider(Path(sys.argv.pop(1))))
    trace.get_tracer(__name__).start_span(FIRST_SPAN)
    run()
