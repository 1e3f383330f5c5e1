"""Controls for faults."""

from datetime import timedelta
from random import Random
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slotsync.sandbox.api_error import KNOWN_REASONS
from slotsync.sandbox.controls.reading import read
from slotsync.sandbox.discovery import calendar_v3
from slotsync.sandbox.faults import OAUTH_METHODS, SPECIAL_KINDS, Fault
from slotsync.sandbox.json_types import JsonObject
from slotsync.sandbox.local_google import LocalGoogle


class NewFault(BaseModel):
    """A fault to set. Without ``count`` and ``probability`` it happens once."""

    model_config = ConfigDict(extra="forbid")

    method: str = "*"
    kind: str = ""
    account: str = ""
    calendar: str = ""
    reason: str = ""
    status: int | None = Field(default=None, ge=400, le=599)
    count: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    seconds: float = Field(default=0, ge=0)
    per_user_per_minute: int | None = Field(default=None, ge=0)
    per_project_per_minute: int | None = Field(default=None, ge=0)

    @field_validator("method")
    @classmethod
    def _known_method(cls, method: str) -> str:
        if method != "*" and method not in calendar_v3().methods and method not in OAUTH_METHODS:
            raise ValueError(f"no such method: {method}; as in the discovery document, such as events.insert, or *")
        return method

    @model_validator(mode="after")
    def _known_kind(self) -> Self:
        self.kind = self.kind or self.reason
        if self.kind not in SPECIAL_KINDS | KNOWN_REASONS:
            raise ValueError(f"kind: no such fault: {self.kind!r}; one of {sorted(SPECIAL_KINDS | KNOWN_REASONS)}")
        if self.kind == "slow" and not self.seconds:
            raise ValueError("seconds: a slow answer needs to know how slow")
        if self.kind == "quota" and self.per_user_per_minute is None and self.per_project_per_minute is None:
            raise ValueError("per_user_per_minute, per_project_per_minute: a quota needs one of them")
        if self.count and self.probability:
            raise ValueError("count, probability: only one of them")
        return self

    def fault(self) -> Fault:
        """What is set."""
        once = self.count is None and self.probability is None
        return Fault(
            method=self.method,
            kind=self.kind,
            account=self.account,
            calendar=self.calendar,
            reason=self.reason,
            status=self.status,
            count=1 if once else self.count,
            probability=self.probability,
            delay=timedelta(seconds=self.seconds),
            chance=Random(self.seed),  # noqa: S311 - chance, not secrecy
        )


def fault_routes(google: LocalGoogle) -> list[Route]:
    """``/sandbox/faults``."""

    async def add(request: Request) -> Response:
        wanted = await read(request, NewFault)
        if wanted.kind == "quota":
            google.set_quotas(wanted.per_user_per_minute, wanted.per_project_per_minute)
        else:
            google.faults.add(wanted.fault())
        return JSONResponse(wanted.model_dump(exclude_defaults=True), status_code=201)

    async def show(_: Request) -> Response:
        return JSONResponse({"items": [_shown(fault) for fault in google.faults.all()]})

    async def clear(_: Request) -> Response:
        google.faults.clear()
        google.restore_quotas()
        return Response(status_code=204)

    return [
        Route("/sandbox/faults", add, methods=["POST"]),
        Route("/sandbox/faults", show, methods=["GET"]),
        Route("/sandbox/faults", clear, methods=["DELETE"]),
    ]


def _shown(fault: Fault) -> JsonObject:
    told = {name: getattr(fault, name) for name in ("method", "kind", "account", "calendar", "reason", "status")}
    return told | {"left": fault.count, "probability": fault.probability, "seconds": fault.delay.total_seconds()}
