"""The sandbox of workflows."""

from typing import ClassVar, Final

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info, SandboxImportNotificationPolicy, _Definition
from typing_extensions import override

_NO_CONTEXT: Final = StorageDriverStoreContext(target=None)


class Sandbox(SandboxedWorkflowRunner):
    """The SDK's sandbox, which is not entered for contexts that nobody reads.

    The SDK enters it several times for each payload, to ask for what a converter or a storage may want to know of the
    command: a third of the time of an activation (measured). Ours want to know nothing
    (``tests/unit/temporal/test_converter.py``).
    """

    checked: ClassVar[set[type]] = set()
    """The workflow classes that were found valid: each is checked once in a process, and tests start many workers."""

    @override
    def prepare_workflow(self, defn: _Definition) -> None:
        if defn.cls not in self.checked:
            super().prepare_workflow(defn)
            self.checked.add(defn.cls)

    @override
    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _WithoutContexts(super().create_instance(det))


class _WithoutContexts(WorkflowInstance):
    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed

    @override
    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._sandboxed.activate(act)

    @override
    def get_serialization_context(self, command_info: object) -> None:
        return None

    @override
    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:
        return _NO_CONTEXT

    @override
    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    @override
    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()


def workflow_runner() -> Sandbox:
    """Return the workflow sandbox. A module that lacks a pass-through makes the worker's start fail, not slow."""
    policy = SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    return Sandbox(restrictions=SandboxRestrictions.default.with_import_notification_policy(policy))
