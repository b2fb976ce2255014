"""Starts Azurite, the blob storage emulator, for tests: on a free port, with a folder of its own.

The program comes from ``tests/node``, whose lock file names exact versions.
"""

import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import node_packages
from tests.support.waiting import wait_until

START_SECONDS = 60.0

_ACCOUNT = "devstoreaccount1"
# Azurite's published development key; it protects nothing.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_LISTENING = re.compile(r"successfully listens on (https?)://[^:]+:(\d+)")


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running Azurite: its account's URL, and a connection string with the development key."""

    account_url: str
    connection_string: str
    process: subprocess.Popen[bytes]

    def pause(self) -> None:
        """Stop it answering, connections and data kept: an outage."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End the outage."""
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def running(*options: str) -> Iterator[Azurite]:
    """Run Azurite until the block ends.

    Args:
        *options: more command-line options, for example ``--oauth basic``.
    """
    program = node_packages.program("azurite-blob")
    with tempfile.TemporaryDirectory(prefix="azurite-") as folder:
        output = Path(folder) / "output.log"
        command = [program, "--blobPort", "0", "--disableTelemetry", "--location", folder, *options]
        with output.open("wb") as sink:
            process = subprocess.Popen(command, cwd=folder, stdout=sink, stderr=subprocess.STDOUT)
        try:
            scheme, port = _wait_until_listening(process, output)
            # A certificate names localhost; plain http needs no name, nor the two look-ups of one.
            host = "localhost" if scheme == "https" else "127.0.0.1"
            url = f"{scheme}://{host}:{port}/{_ACCOUNT}"
            account = f"AccountName={_ACCOUNT};AccountKey={_KEY};BlobEndpoint={url};"
            yield Azurite(url, f"DefaultEndpointsProtocol={scheme};{account}", process)
        finally:
            process.kill()
            process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], output: Path) -> tuple[str, int]:
    def listening() -> re.Match[str] | None:
        if process.poll() is not None:
            raise RuntimeError(f"azurite did not start: {output.read_text()}")
        return _LISTENING.search(output.read_text())

    found = wait_until(listening, "azurite listens", deadline_seconds=START_SECONDS)
    assert found is not None
    return found[1], int(found[2])
