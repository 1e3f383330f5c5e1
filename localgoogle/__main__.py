"""Run the local Google in the foreground: ``python -m localgoogle``."""

import argparse
import sys
from pathlib import Path

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import HOST, serve

DEFAULT_PORT = 8085


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    arguments = _build_parser().parse_args()
    options = LocalGoogleOptions(state_file=arguments.state)
    sys.stderr.write(f"The local Google is at http://{HOST}:{arguments.port} until Ctrl-C.\n")
    serve(options if arguments.quotas else LocalGoogleOptions.unlimited(arguments.state), arguments.port)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("localgoogle", description=f"A Google Calendar and OAuth server on {HOST}.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="the port to listen on (default: %(default)s)")
    parser.add_argument("--state", type=Path, help="keep the state in this file; without it, nothing is kept")
    parser.add_argument(
        "--quotas", action=argparse.BooleanOptionalAction, default=True, help="refuse calls above Google's limits"
    )
    return parser


if __name__ == "__main__":
    main()
