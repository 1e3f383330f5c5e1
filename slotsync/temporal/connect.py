"""Connecting to Temporal."""

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

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
    return await Client.connect(**config, plugins=[slotsync_plugin(vault)], lazy=lazy, runtime=runtime)


def runtime_with_metrics(port: int | None) -> Runtime | None:
    """A runtime that serves Prometheus metrics on this port; one per process."""
    if port is None:
        return None
    return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=f"127.0.0.1:{port}")))
