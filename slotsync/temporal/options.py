"""The options that every client, worker, test and replay of slotsync shares."""

from temporalio.converter import DataConverter
from temporalio.plugin import SimplePlugin
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from slotsync.secrets import Vault
from slotsync.temporal.codec import SealingCodec
from slotsync.temporal.converter import SlotsyncPayloadConverter
from slotsync.temporal.interceptors import FailureLog


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
    return DataConverter(payload_converter_class=SlotsyncPayloadConverter, payload_codec=SealingCodec(vault))


def workflow_runner() -> SandboxedWorkflowRunner:
    """The workflow sandbox; a module that was forgotten in a pass-through fails the worker's start, not its speed."""
    policy = SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_import_notification_policy(policy))
