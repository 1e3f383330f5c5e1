"""Run the local Google in the foreground: ``python -m localgoogle``."""

import argparse
from pathlib import Path

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import HOST, serve


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    arguments = _parser().parse_args()
    options = LocalGoogleOptions(state_file=arguments.state)
    serve(options if arguments.quotas else LocalGoogleOptions.unlimited(arguments.state), arguments.port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("localgoogle", description=f"A Google Calendar and OAuth server on {HOST}.")
    parser.add_argument("--port", type=int, default=8085)
    parser.add_argument("--state", type=Path, help="keep the state in this file; without it, it is lost at the end")
    parser.add_argument(
        "--quotas", action=argparse.BooleanOptionalAction, default=True, help="count calls as Google does"
    )
    return parser


if __name__ == "__main__":
    main()
