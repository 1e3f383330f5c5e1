"""Connect to Temporal, with the options that all clients, workers, tests and replays share."""

import logging
from typing import Final

from temporalio import activity
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError
from temporalio.plugin import SimplePlugin
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from slotsync.errors import SettingsError, SlotsyncError
from slotsync.temporal.bounded_calls import BoundedCalls
from slotsync.temporal.converter import SlotsyncPayloadConverter
from slotsync.temporal.failures import ContentFreeFailures
from slotsync.temporal.sandbox import workflow_runner

DATA_CONVERTER: Final = DataConverter(payload_converter_class=SlotsyncPayloadConverter)
"""The converter of all clients and workers."""

logger = logging.getLogger(__name__)

_LOGGED_ATTEMPTS = (1, 5, 10)
_LOGGED_EVERY_NTH_ATTEMPT = 25


def should_log_failure(attempt: int, *, last: bool) -> bool:
    """Return whether a failed attempt is logged: the 1st, 5th, 10th, every 25th, and the ``last`` of an activity."""
    return last or attempt in _LOGGED_ATTEMPTS or attempt % _LOGGED_EVERY_NTH_ATTEMPT == 0


class FailureLog(Interceptor):
    """Logs failed activity attempts with their workflow id, and without any content."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  the SDK's name
        """Return the interceptor around one activity attempt."""
        return _FailureLogInbound(next)


class _FailureLogInbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> object:  # noqa: A002  the SDK's name
        try:
            return await super().execute_activity(input)
        except Exception as error:
            self._log(error)
            raise

    def _log(self, error: Exception) -> None:
        info = activity.info()
        last = isinstance(error, ApplicationError) and error.non_retryable
        if should_log_failure(info.attempt, last=last):
            kind = error.type if isinstance(error, ApplicationError) else type(error).__name__
            logger.error("%s attempt %d of %s failed: %s", info.activity_type, info.attempt, info.workflow_id, kind)


def slotsync_plugin() -> SimplePlugin:
    """Return the plugin with slotsync's data converter, sandbox and interceptors."""
    return SimplePlugin(
        "slotsync",
        data_converter=DATA_CONVERTER,
        workflow_runner=workflow_runner(),
        interceptors=[FailureLog(), ContentFreeFailures(), BoundedCalls()],
    )


async def connect(*, address: str | None = None, lazy: bool = False, runtime: Runtime | None = None) -> Client:
    """Return a client of the server at ``address``, else of the one that the TEMPORAL_* variables name.

    A ``lazy`` client connects with its first call.

    Raises:
        SlotsyncError: The server does not answer.
    """
    config = ClientConfig.load_client_connect_config()
    if address:
        config["target_host"] = address
    try:
        return await Client.connect(**config, plugins=[slotsync_plugin()], lazy=lazy, runtime=runtime)
    except RuntimeError as error:  # the SDK has no more specific class
        server = config.get("target_host", "localhost:7233")
        raise SlotsyncError(f"Temporal does not answer at {server}; is TEMPORAL_ADDRESS right? ({error})") from error


_LOG_FILTER: Final = "ERROR,temporalio_sdk_core=WARN,temporalio_sdk_core::worker::activities=ERROR"
"""The filter of what the SDK itself prints: not each call that is tried again, nor each activity that ended too late,
with all of its metadata. slotsync logs what matters of these."""


def build_runtime(host: str = "", port: int | None = None) -> Runtime:
    """Return the runtime of a process, which serves Prometheus metrics if there is a port. Call it once.

    Raises:
        SettingsError: nothing can listen at that port.
    """
    metrics = PrometheusConfig(bind_address=f"{host}:{port}") if port else None
    try:
        return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(_LOG_FILTER), metrics=metrics))
    except ValueError:
        raise SettingsError(
            f"SLOTSYNC_METRICS_PORT: {host}:{port} cannot be listened at (another process may; take another port)"
        ) from None
