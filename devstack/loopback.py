"""Plain-http requests to this machine's own servers: readiness, metadata, keys.

Called by ``devstack.processes`` and ``devstack.checks``. Must not follow redirects or obey a proxy of the
environment: what answers has to be the server that was asked.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

_MAX_BYTES: Final = 100_000


class NoAnswerError(Exception):
    """Nothing, or something that is not HTTP, came back; the text says what."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str

    def json_object(self) -> dict[str, Any]:
        """Return the body's JSON object.

        Raises:
            ValueError: it is something else, or the status is not 200.
        """
        if self.status != http.client.OK:
            raise ValueError(f"answered {self.status}")
        document = json.loads(self.body)
        if not isinstance(document, dict):
            raise ValueError("is no JSON object")
        return document


def request(method: str, url: str, *, timeout_seconds: float, json_body: str | None = None) -> Answer:
    """Send one request.

    Args:
        method: GET or POST.
        url: ``http://`` and a loopback host.
        timeout_seconds: for each step of the exchange.
        json_body: sent as application/json.

    Raises:
        NoAnswerError: see there.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_seconds)
    headers = {} if json_body is None else {"Content-Type": "application/json"}
    try:
        connection.request(method, parts.path, body=json_body, headers=headers)
        response = connection.getresponse()
        body = response.read(_MAX_BYTES).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(f"no answer ({error.__class__.__name__}: {error})") from error
    finally:
        connection.close()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
