"""Export the histories of all workflows as plain JSON.

Also ``python -m tests.support.exported_histories ADDRESS FOLDER``, which writes each into a file of its own.
"""

import asyncio
import json
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

from temporalio.client import Client

from slotsync.temporal.options import connect


async def export_histories(client: Client) -> dict[str, str]:
    """Return the histories of all runs by workflow and run id, each payload as the JSON or the text that it is."""
    found: dict[str, str] = {}
    async for run in client.list_workflows():
        history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        found[f"{run.id} {run.run_id}"] = json.dumps(_readable(history.to_json_dict()), indent=1, ensure_ascii=False)
    return found


def _readable(part: Any) -> Any:
    if isinstance(part, list):
        return [_readable(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "metadata" in part and "encoding" in part["metadata"]:
        return {"encoding": b64decode(part["metadata"]["encoding"]).decode(), "data": _decoded(part.get("data", ""))}
    return {name: _readable(each) for name, each in part.items()}


def _decoded(data: str) -> Any:
    raw = b64decode(data)
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


async def main(address: str, folder: Path) -> None:
    """Write each history into a file of its own, named by a number."""
    folder.mkdir(parents=True, exist_ok=True)
    histories = await export_histories(await connect(address=address))
    for number, (_, text) in enumerate(sorted(histories.items())):
        (folder / f"{number:05}.json").write_text(f"{text}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
