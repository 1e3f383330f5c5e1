"""The controls: what a person or a test does to the local Google from outside."""

from starlette.routing import Route

from slotsync.sandbox.controls.accounts import account_routes
from slotsync.sandbox.controls.behaving import behaviour_routes
from slotsync.sandbox.controls.by_hand import hand_routes
from slotsync.sandbox.controls.logbook import call_routes
from slotsync.sandbox.controls.trouble import fault_routes
from slotsync.sandbox.local_google import LocalGoogle


def control_routes(google: LocalGoogle) -> list[Route]:
    """Everything under ``/sandbox``."""
    return [
        *account_routes(google),
        *hand_routes(google),
        *fault_routes(google),
        *behaviour_routes(google),
        *call_routes(google),
    ]
