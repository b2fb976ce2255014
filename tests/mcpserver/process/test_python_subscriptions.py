"""The published Python client listens to a real server process, in each of its modes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.mcpserver.running import running


@contextmanager
def listening(folder: Path, mode: str) -> Iterator[tuple[Iterator[Any], "subprocess.Popen[str]"]]:
    """Give what the client hears, and the server's process."""
    with running(folder) as server:
        script = Path(__file__).with_name("sdk_subscriber.py")
        command = [sys.executable, script, server.url, server.issuer.token(), mode]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            yield (json.loads(line) for line in client.stdout), server.process
            client.terminate()


def test_it_hears_what_it_asked_for_until_the_server_stops(tmp_path: Path) -> None:
    with listening(tmp_path, "auto") as (heard, process):
        assert next(heard) == {"resourcesListChanged": True, "resourceSubscriptions": ["snippet://watched"]}
        told = [next(heard)]
        while "snippet://watched" not in told:
            told.append(next(heard))
        assert set(told) == {"ResourcesListChanged", "snippet://watched"}
        process.terminate()
        assert list(heard)[-1] == "over"


def test_its_sessions_hear_what_they_subscribed_to(tmp_path: Path) -> None:
    with listening(tmp_path, "legacy") as (heard, _):
        told = [next(heard) for _ in range(3)]
        assert told == [
            "ResourceListChangedNotification",
            "snippet://watched",
            "ResourceListChangedNotification",
        ]
