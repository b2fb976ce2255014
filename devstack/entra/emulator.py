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

from flask import Flask
from gevent.pywsgi import WSGIServer

from devstack.entra import listeners
from devstack.entra.admin_consent import AdminConsent
from devstack.entra.answers import Answers
from devstack.entra.authority import Urls
from devstack.entra.back_channel_app import BackChannel
from devstack.entra.ca import ensure_ca, server_context
from devstack.entra.codes import Codes
from devstack.entra.directory import API_CLIENT_ID, Directory, FederatedCredential, login_application
from devstack.entra.faults import Faults
from devstack.entra.federation import LocalIssuer
from devstack.entra.grants import Grants
from devstack.entra.graph import Graph
from devstack.entra.keys import SigningKeys
from devstack.entra.login_app import LoginSite
from devstack.entra.login_form import LoginForm
from devstack.entra.logout import Logout
from devstack.entra.pages import Pages
from devstack.entra.seal import Seals
from devstack.entra.sign_on import SignOn
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
        uris = tuple(redirect_uris)
        credentials = (self.workload_identity.credential(), *federated_credentials)
        self.directory = Directory([login_application(uris, credentials)])
        # A tenant may be asked to consent to the API alone; the answer comes to the same server.
        self.directory.change_application(API_CLIENT_ID, redirect_uris=uris)

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
        self._servers = [
            *listeners.serve(login, self._login_app(urls)),
            *listeners.serve(back_channel, self._back_channel_app(urls), server_context(self._folder)),
        ]

    def _login_app(self, urls: Urls) -> Flask:
        pages, sign_on = Pages(), SignOn(self.directory, self._seals)
        answers = Answers(pages, urls.authority_url, self._clock)
        form = LoginForm(self.directory, self._seals, self.faults, pages)
        site = LoginSite(
            directory=self.directory,
            codes=self._codes,
            faults=self.faults,
            form=form,
            sign_on=sign_on,
            answers=answers,
            clock=self._clock,
        )
        return site.app(
            AdminConsent(self.directory, self.faults, form, pages, answers),
            Logout(self.directory, self.signing_keys, sign_on, pages),
        )

    def _back_channel_app(self, urls: Urls) -> Flask:
        tokens = Tokens(
            signing_keys=self.signing_keys,
            seals=self._seals,
            urls=urls,
            faults=self.faults,
            directory=self.directory,
            clock=self._clock,
        )
        grants = Grants(
            directory=self.directory,
            codes=self._codes,
            tokens=tokens,
            faults=self.faults,
            urls=urls,
            clock=self._clock,
        )
        site = BackChannel(
            directory=self.directory,
            grants=grants,
            graph=Graph(self.directory, self.signing_keys, self.faults, urls, self._clock),
            signing_keys=self.signing_keys,
            faults=self.faults,
            clock=self._clock,
        )
        return site.app(urls)

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
