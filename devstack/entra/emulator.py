"""The emulator as one object: both servers, in this process, from ``start`` to ``stop``.

Used by ``__main__`` (the stack's process) and by tests. Must listen on loopback only.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from gevent.pywsgi import WSGIServer

from devstack.entra.authority import ensure_ca, server_context
from devstack.entra.directory import Directory
from devstack.entra.faults import Faults
from devstack.entra.grants import Grants
from devstack.entra.login import LoginEndpoint
from devstack.entra.signing import TokenSigner
from devstack.entra.token import FederatedCredential, TokenEndpoint
from devstack.entra.web import Addresses, back_channel_app, login_app

_HOST = "127.0.0.1"


class EntraEmulator:
    """Entra ID on this machine.

    Args:
        state_dir: keeps CA, server certificate and signing key.
        redirect_uris: registered with the login application.
        login_port: of the login page; 0 takes a free one.
        back_channel_port: of the https back channel; 0 takes a free one.
        federated: accept this workload identity's assertions in place of the client secret.
        clock: seconds since 1970.

    Raises:
        OSError: from ``start``, when a port is taken.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        redirect_uris: Sequence[str],
        login_port: int = 0,
        back_channel_port: int = 0,
        federated: FederatedCredential | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ca_file = ensure_ca(state_dir)
        self.directory = Directory(redirect_uris)
        self.faults = Faults()
        self._state_dir = state_dir
        self._federated = federated
        self._clock = clock
        self._login = WSGIServer((_HOST, login_port), self._not_started, log=None)
        self._back_channel = WSGIServer(
            (_HOST, back_channel_port),
            self._not_started,
            log=None,
            error_log=None,
            ssl_context=server_context(state_dir),
        )

    @property
    def authority(self) -> str:
        """What MSAL is given, without the tenant: ``https://localhost:PORT``."""
        return f"https://localhost:{self._back_channel.server_port}"

    @property
    def login_url(self) -> str:
        """The login page's origin: ``http://127.0.0.1:PORT``."""
        return f"http://{_HOST}:{self._login.server_port}"

    def start(self) -> None:
        """Listen and serve, on greenlets."""
        self._login.start()
        self._back_channel.start()
        grants = Grants(self._clock)
        signer = TokenSigner(self._state_dir, self.authority, self._clock, self.faults)
        token = TokenEndpoint(
            self.directory, grants, signer, self.faults, federated=self._federated, clock=self._clock
        )
        addresses = Addresses(self.login_url, self.authority)
        self._login.application = login_app(
            LoginEndpoint(self.directory, grants, self.faults, self._clock), self.directory, grants
        )
        self._back_channel.application = back_channel_app(
            token, signer, self.directory, self.faults, addresses
        )

    def stop(self) -> None:
        """Close both servers and their connections."""
        self._login.stop(timeout=1)
        self._back_channel.stop(timeout=1)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @staticmethod
    def _not_started(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("503 Service Unavailable", [("Content-Length", "0")])
        return [b""]
