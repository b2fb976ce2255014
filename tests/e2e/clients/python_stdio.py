#!/usr/bin/env python3
"""The official Python client speaking to a program over its standard input and output, as desktop hosts do.

Run by ``test_mcp_remote.py``: the program is a bridge to the product. Prints a JSON report.
"""

import argparse
import asyncio
import json
import os
from typing import Any

from mcp import Client, StdioServerParameters
from python_sdk import use


async def report(mode: str, command: list[str]) -> dict[str, Any]:
    """Use the tools that the program offers, and say how it went."""
    server = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    async with Client(server, mode=mode) as client:
        return await use(client)


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", help="auto, legacy or a revision")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(report(arguments.mode, arguments.command))))


if __name__ == "__main__":
    main()
