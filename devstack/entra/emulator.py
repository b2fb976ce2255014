"""The emulator as one object: wiring, start, stop.

Made by ``__main__`` for the stack and by tests in their own process. It serves on greenlets: whoever talks
to it from the same process has to be patched for gevent, or waits for itself. Must listen on loopback
unless told.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from gevent.pywsgi import WSGIServer

from devstack.entra import listeners
from devstack.entra.authority import Urls
from devstack.entra.back_channel_app import BackChannel
from devstack.entra.ca import ensure_ca, server_context
from devstack.entra.codes import Codes
from devstack.entra.directory import (
    LOGIN_CLIENT_ID,
    LOGIN_CLIENT_NAME,
    LOGIN_CLIENT_SECRET,
    Application,
    Directory,
    FederatedCredential,
)
from devstack.entra.faults import Faults
from devstack.entra.federation import LocalIssuer
from devstack.entra.grants import Grants
from devstack.entra.keys import SigningKeys
from devstack.entra.login_app import LoginSite
from devstack.entra.seal import Seals
from devstack.entra.tokens import Tokens


class EntraEmulator:
    """Entra ID on this machine; serves from ``start`` to ``stop``, and again on the same ports.

    Args:
        state_dir: where keys and certificates are kept.
        login_port: of the login page, http; 0: any free one.
        back_channel_port: of the rest, https; 0: any free one.
        redirect_uris: of the login application.
        host: address of the login page; the back channel is at ``localhost``.
        federated_credentials: more issuers whose tokens authenticate the login application.
        clock: seconds since 1970.

    Attributes:
        directory: tenants, people, applications; may be changed at any time.
        faults: what is to go wrong.
        signing_keys: may be rotated at any time.
        workload_identity: issues tokens that authenticate the login application in place of its secret.
        ca_file: what clients of the back channel trust; there from the start.
    """

    def __init__(
        self,
        state_dir: Path | str,
        login_port: int = 0,
        back_channel_port: int = 0,
        redirect_uris: Iterable[str] = (),
        host: str = "127.0.0.1",
        *,
        federated_credentials: Iterable[FederatedCredential] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        folder = Path(state_dir)
        self.ca_file = ensure_ca(folder)
        self._folder = folder
        self._host = host
        self._login_port = login_port
        self._back_channel_port = back_channel_port
        self._clock = clock
        self._seals = Seals(folder, clock)
        self._codes = Codes(clock)
        self._servers: list[WSGIServer] = []
        self.faults = Faults()
        self.signing_keys = SigningKeys(folder)
        self.workload_identity = LocalIssuer(folder, clock)
        login_application = Application(
            LOGIN_CLIENT_ID,
            LOGIN_CLIENT_NAME,
            secrets=(LOGIN_CLIENT_SECRET,),
            redirect_uris=tuple(redirect_uris),
            federated_credentials=(self.workload_identity.credential(), *federated_credentials),
        )
        self.directory = Directory([login_application])

    @property
    def login_url(self) -> str:
        """The login page's origin, once started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._login_port}"

    @property
    def authority(self) -> str:
        """The back channel's origin, once started; the root of every issuer."""
        return f"https://localhost:{self._back_channel_port}"

    def start(self) -> None:
        """Listen and serve, in greenlets of this process.

        Raises:
            PortTakenError: nothing is listened on then.
        """
        login = listeners.listen([self._host], self._login_port, "Entra login page", "--login-port")
        try:
            back_channel = listeners.listen(
                listeners.LOOPBACK, self._back_channel_port, "Entra back channel", "--back-channel-port"
            )
        except Exception:
            for listener in login:
                listener.close()
            raise
        self._login_port = login[0].getsockname()[1]
        self._back_channel_port = back_channel[0].getsockname()[1]
        urls = Urls(self.login_url, self.authority)
        tokens = Tokens(self.signing_keys, self._seals, urls, self.faults, self._clock)
        grants = Grants(self.directory, self._codes, tokens, self.faults, self._clock)
        login_site = LoginSite(self.directory, self._codes, self._seals, self.faults, self._clock)
        site = BackChannel(self.directory, grants, self.signing_keys, self.faults, self._clock)
        self._servers = [
            *listeners.serve(login, login_site.app(urls.authority_url)),
            *listeners.serve(back_channel, site.app(urls), server_context(self._folder)),
        ]

    def stop(self) -> None:
        """Stop serving; connections are closed, and new ones refused."""
        listeners.stop(self._servers)
        self._servers = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
