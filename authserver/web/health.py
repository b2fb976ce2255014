"""/healthz (the process is up), /readyz (what it depends on answers), /metrics. None is routed by the
gateway.
"""

import contextlib
from collections.abc import Callable

from authserver.errors import UnavailableError
from authserver.keys import KeyRing
from authserver.metrics import ENTRA_CERTIFICATE_ENDS, SIGNING_KEY_SINCE
from authserver.store.protocols import Store
from authserver.upstream.broker import SignInBroker
from authserver.web.http import HttpRequest, Reply, json_reply
from telemetry import metrics


class HealthEndpoint:
    """Says that requests are answered."""

    name = "healthz"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = True
    cross_origin = False

    def handle(self, _request: HttpRequest, /) -> Reply:
        """Answer."""
        return json_reply({"status": "ok"})


class ReadyEndpoint:
    """Args: store, keyring, broker: what is asked."""

    name = "readyz"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = True
    cross_origin = False

    def __init__(self, store: Store, keyring: KeyRing, broker: SignInBroker) -> None:
        self._store = store
        self._keyring = keyring
        self._broker = broker

    def handle(self, _request: HttpRequest, /) -> Reply:
        """Answer 200 when tokens can be issued; an Entra that is away is reported and does not fail it.

        Nobody can sign in without Entra, but taking the server out of rotation would stop refreshes as well.
        """
        parts = {"store": self._store_state(), "keys": self._keys_state()}
        ready = all(state == "ok" for state in parts.values())
        parts["entra"] = "ok" if self._broker.is_reachable() else "unreachable"
        degraded = "ready" if parts["entra"] == "ok" else "degraded"
        return json_reply(
            {"status": degraded if ready else "unavailable", **parts},
            200 if ready else 503,
            () if ready else (("Retry-After", "5"),),
        )

    def _store_state(self) -> str:
        try:
            self._store.check()
        except UnavailableError:
            return "unavailable"
        return "ok"

    def _keys_state(self) -> str:
        try:
            self._keyring.signing_key()
        except UnavailableError:
            return "unavailable"
        return "ok"


class MetricsEndpoint:
    """What Prometheus scrapes. Args: keyring: whose keys' age is shown; certificate_ends_at: when that ends
    with which this server proves itself to Entra; None: it has none.
    """

    name = "metrics"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = True
    cross_origin = False

    def __init__(self, keyring: KeyRing, certificate_ends_at: Callable[[], float] | None) -> None:
        self._keyring = keyring
        self._certificate_ends_at = certificate_ends_at

    def handle(self, _request: HttpRequest, /) -> Reply:
        """Answer; what changes with time alone is looked up now."""
        for algorithm, since_seconds in self._keyring.active_since().items():
            SIGNING_KEY_SINCE.labels(algorithm).set(since_seconds)
        if self._certificate_ends_at is not None:
            with contextlib.suppress(OSError, ValueError):  # whoever signs in with it will say so
                ENTRA_CERTIFICATE_ENDS.set(self._certificate_ends_at())
        return Reply(
            200, (("Content-Type", metrics.CONTENT_TYPE), ("Cache-Control", "no-store")), metrics.render()
        )
