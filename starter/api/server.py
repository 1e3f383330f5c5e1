"""The API process."""

import asyncio
import logging
import signal

import uvicorn

from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.temporal.options import connect
from starter.api.app import create_app
from starter.api.keys import ApiKeys
from starter.bootstrap import Services

logger = logging.getLogger(__name__)

GRACEFUL_SECONDS = 30


def main(host: str, port: int) -> None:
    """Serves in the foreground until SIGTERM or Ctrl-C; requests that are being answered may end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_serve(Settings.load(), host, port))


async def _serve(settings: Settings, host: str, port: int) -> None:
    ApiKeys.of(settings)  # before anything is waited for
    store = await asyncio.to_thread(Store.open, settings.database_url)
    await asyncio.to_thread(store.upgrade)
    client = await connect(Vault(settings.encryption_keys))
    services = Services.of(settings, store, client)
    server = api_server(services, host, port)
    for each in (signal.SIGTERM, signal.SIGINT):
        # uvicorn has handlers of its own while it runs, and raises the signal again when it is done.
        signal.signal(each, lambda *_: None)
    try:
        logger.info("serving http://%s:%d, documented at /docs", host, port)
        await server.serve()
        logger.info("stopped")
    finally:
        services.close()
        store.close()


def api_server(services: Services, host: str, port: int) -> uvicorn.Server:
    """A server for the API that waits to be run."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(services),
            host=host,
            port=port,
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,  # starter.api.watching writes lines without addresses
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
    )
