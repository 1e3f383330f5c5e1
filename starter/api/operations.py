"""For operators: is it alive, is it ready, how is it doing."""

import asyncio
from datetime import timedelta

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select
from starlette.responses import PlainTextResponse, Response
from temporalio.service import RPCError

from slotsync.store.tables import MerchantRow
from starter.api.backend import Backend, Behind
from starter.api.errors import RETRY_AFTER
from starter.api.problems import UNAVAILABLE, problem_response

router = APIRouter(include_in_schema=False)

ANSWERS_WITHIN = timedelta(seconds=2)


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Answers as long as the process does."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(behind: Behind) -> Response:
    """Whether the database and Temporal answer."""
    database, temporal = await asyncio.gather(asyncio.to_thread(_database, behind), _temporal(behind))
    silent = [name for name, answers in (("the database", database), ("Temporal", temporal)) if not answers]
    if silent:
        return problem_response(UNAVAILABLE, f"No answer from {' and '.join(silent)}.", headers=RETRY_AFTER)
    return PlainTextResponse("ready\n")


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """How requests went, for Prometheus; the worker has a port of its own (SLOTSYNC_METRICS_PORT)."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


def _database(behind: Backend) -> bool:
    try:
        with behind.store.read() as session:
            session.exec(select(MerchantRow).limit(1)).first()
    except SQLAlchemyError:
        return False
    return True


async def _temporal(behind: Backend) -> bool:
    try:
        return await behind.client.service_client.check_health(timeout=ANSWERS_WITHIN)
    except RPCError:
        return False
