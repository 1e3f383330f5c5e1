"""Connect to Temporal, with the options that all clients, workers, tests and replays share."""

import logging

from temporalio import activity
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError
from temporalio.plugin import SimplePlugin
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from slotsync.errors import SlotsyncError
from slotsync.secrets import Vault
from slotsync.temporal.codec import EncryptingCodec, SlotsyncPayloadConverter

logger = logging.getLogger(__name__)

_FIRST = (1, 5, 10)
_EVERY = 25


def worth_telling(attempt: int, *, last: bool) -> bool:
    """Whether a failed attempt is logged: the 1st, 5th, 10th, every 25th, and always one that ends the activity."""
    return last or attempt in _FIRST or attempt % _EVERY == 0


class FailureLog(Interceptor):
    """Logs failed activity attempts, with their workflow, and nothing of their content."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  the SDK's name
        """The interceptor around one activity attempt."""
        return _FailureLogInbound(next)


class _FailureLogInbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> object:  # noqa: A002  the SDK's name
        try:
            return await super().execute_activity(input)
        except Exception as error:
            self._tell(error)
            raise

    def _tell(self, error: Exception) -> None:
        info = activity.info()
        last = isinstance(error, ApplicationError) and error.non_retryable
        if worth_telling(info.attempt, last=last):
            kind = error.type if isinstance(error, ApplicationError) else type(error).__name__
            logger.error("%s attempt %d of %s failed: %s", info.activity_type, info.attempt, info.workflow_id, kind)


def slotsync_plugin(vault: Vault) -> SimplePlugin:
    """Converter, sandbox and interceptors, in one place."""
    return SimplePlugin(
        "slotsync",
        data_converter=data_converter(vault),
        workflow_runner=workflow_runner(),
        interceptors=[FailureLog()],
    )


def data_converter(vault: Vault) -> DataConverter:
    """Pydantic models as JSON, sealed with the vault's keys."""
    return DataConverter(payload_converter_class=SlotsyncPayloadConverter, payload_codec=EncryptingCodec(vault))


def workflow_runner() -> SandboxedWorkflowRunner:
    """The workflow sandbox; a module that was forgotten in a pass-through fails the worker's start, not its speed."""
    policy = SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_import_notification_policy(policy))


async def connect(
    vault: Vault, *, address: str | None = None, lazy: bool = False, runtime: Runtime | None = None
) -> Client:
    """A client for the server at this address, else the one that TEMPORAL_ADDRESS and its kin name.

    A ``lazy`` one connects with its first call.
    """
    config = ClientConfig.load_client_connect_config()
    if address:
        config["target_host"] = address
    try:
        return await Client.connect(**config, plugins=[slotsync_plugin(vault)], lazy=lazy, runtime=runtime)
    except RuntimeError as error:  # the SDK has no class of its own for it
        server = config.get("target_host", "localhost:7233")
        raise SlotsyncError(f"Temporal does not answer at {server}; is TEMPORAL_ADDRESS right? ({error})") from error


def runtime_with_metrics(host: str, port: int | None) -> Runtime | None:
    """A runtime that serves Prometheus metrics there; one per process, and none without a port."""
    if port is None:
        return None
    return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=f"{host}:{port}")))
