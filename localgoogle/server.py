"""Run the local Google, in the foreground or in a thread of its own."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import uvicorn
from starlette.types import ASGIApp

from localgoogle.http.app import build_app
from localgoogle.http.messages import ClosableProtocol
from localgoogle.local_google import LocalGoogle
from localgoogle.options import LocalGoogleOptions

HOST = "127.0.0.1"
_START_TIMEOUT = timedelta(seconds=30)


@dataclass(frozen=True)
class RunningLocalGoogle:
    """A local Google that answers at ``url``; ``google`` is its state."""

    url: str
    google: LocalGoogle


def serve(options: LocalGoogleOptions, port: int, host: str = HOST, *, fd: int | None = None) -> None:
    """Serve in the foreground until SIGTERM or Ctrl-C; return after the state is saved.

    With ``fd`` it listens on this inherited socket, of which the address is given.
    """
    google = LocalGoogle(options)
    google.url = f"http://{host}:{port}"
    server = _build_server(google, host, port)

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn has handlers of its own while it runs, and raises the signal again at its end. These here catch that one,
    # and signals that come before uvicorn is ready.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.run(None if fd is None else [socket.socket(fileno=fd)])


@contextmanager
def running_local_google(
    options: LocalGoogleOptions | None = None, port: int = 0, *, wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> Iterator[RunningLocalGoogle]:
    """Run a local Google in a thread of its own, on a free port or on ``port``, and stop it at the end.

    ``wrap`` is put around the web application; it can record all requests and answers.

    Raises:
        RuntimeError: the server did not start within 30 seconds.
    """
    google = LocalGoogle(options or LocalGoogleOptions())
    listener = _open_listener(port)
    google.url = f"http://{HOST}:{listener.getsockname()[1]}"
    server = _build_server(google, HOST, port, wrap)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="local Google")
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield RunningLocalGoogle(google.url, google)
    finally:
        server.should_exit = True
        thread.join()


def _open_listener(port: int) -> socket.socket:
    # asyncio sends small answers without delay (TCP_NODELAY) only on sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


def _build_server(
    google: LocalGoogle, host: str, port: int, wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            wrap(build_app(google)),
            host=host,
            port=port,
            http=ClosableProtocol,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            backlog=512,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=120,  # Google keeps an idle connection open for minutes
        )
    )


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_TIMEOUT.total_seconds()
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the local Google did not start")
        time.sleep(0.005)
