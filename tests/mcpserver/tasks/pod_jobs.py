"""Tasks for servers of several processes."""

from pathlib import Path

from mcpserver.tools import Context, tool
from tests.support.waiting import wait_until


@tool(task="required")
def file_job(ctx: Context, path: str) -> str:
    """Wait until a file is there."""
    ctx.start_task()
    wait_until(Path(path).exists, "the file", deadline_seconds=60)
    return "there"
