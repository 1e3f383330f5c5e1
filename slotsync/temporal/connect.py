"""Connecting to Temporal."""

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from slotsync.errors import SlotsyncError
from slotsync.secrets import Vault
from slotsync.temporal.options import slotsync_plugin


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
