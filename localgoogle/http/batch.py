"""Batches: many requests in one, as multipart/mixed."""

import secrets
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus

from localgoogle.http.dispatcher import Dispatcher
from localgoogle.http.messages import LOST_REPLY, ApiReply, ApiRequest
from localgoogle.protocol.errors import CalendarApiError

MAX_PARTS_PER_BATCH = 1000


async def answer_batch(dispatcher: Dispatcher, headers: dict[str, str], body: bytes) -> ApiReply:
    """Return the replies of all parts, in their order. A lost one loses the whole batch: they share the connection."""
    try:
        parts = _read_parts(headers.get("content-type", ""), body)
    except CalendarApiError as error:
        return ApiReply.from_error(error)
    boundary = f"batch_{secrets.token_urlsafe(16)}"
    chunks = []
    for part in parts:
        reply = await dispatcher.answer(_read_request(part, headers))
        if reply.lost:
            return LOST_REPLY
        chunks.append(_format_part(boundary, part.get("Content-ID", ""), reply))
    chunks.append(f"--{boundary}--\r\n".encode())
    return ApiReply(200, b"".join(chunks), {"content-type": f"multipart/mixed; boundary={boundary}"})


def _read_parts(content_type: str, body: bytes) -> list[Message]:
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list):
        raise CalendarApiError(400, "badRequest", "Failed to parse batch request, error: 0 items. Received batch body.")
    if len(parts) > MAX_PARTS_PER_BATCH:
        raise CalendarApiError(400, "badRequest", f"The batch request contains more than {MAX_PARTS_PER_BATCH} calls.")
    return [part for part in parts if isinstance(part, Message)]


def _read_request(part: Message, outer: dict[str, str]) -> ApiRequest:
    payload = part.get_payload(decode=True)
    line, _, rest = (payload if isinstance(payload, bytes) else b"").lstrip().partition(b"\n")
    verb, target, *_ = [*line.decode().split(), "", ""]
    inner = BytesParser().parsebytes(rest)
    headers = {name.lower(): str(value) for name, value in inner.items()}
    if "authorization" in outer:
        headers.setdefault("authorization", outer["authorization"])
    path, _, query = target.partition("?")
    path = path[path.find("/calendar/") :] if "://" in path else path
    content = inner.get_payload(decode=True)
    return ApiRequest.read(verb, path, query, headers, content if isinstance(content, bytes) else b"")


def _format_part(boundary: str, content_id: str, reply: ApiReply) -> bytes:
    lines = [f"--{boundary}", "Content-Type: application/http"]
    if content_id:
        lines.append(f"Content-ID: <response-{content_id.removeprefix('<')}")
    headers = reply.headers | {"content-length": str(len(reply.body))}
    status = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"
    lines += ["", status, *(f"{name.title()}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + reply.body + b"\r\n"
