"""A server wired as in production, and the emulator in Entra's place, over TLS; both by the test's clock."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from authserver.app import create_app
from authserver.cipher import Cipher
from authserver.store import open_store
from devstack.entra.directory import LOGIN_CLIENT_SECRET
from devstack.entra.emulator import EntraEmulator
from tests.authserver.tenants.entra_world import CALLBACK, EntraWorld
from tests.authserver.world import Clock, make_settings

Make = Callable[..., EntraWorld]


@pytest.fixture(scope="session")
def entra_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and certificates of all emulators: making them takes longer than everything else."""
    return tmp_path_factory.mktemp("entra")


@pytest.fixture
def make_with_entra(tmp_path: Path, entra_folder: Path) -> Iterator[Make]:
    # MSAL dates client assertions by the machine's clock.
    clock = Clock(float(int(time.time())))
    made: list[EntraWorld] = []
    with EntraEmulator(entra_folder, redirect_uris=[CALLBACK], clock=clock) as entra:

        def make(**settings: Any) -> EntraWorld:
            configured = make_settings(
                tmp_path,
                **{
                    "entra_authority": entra.authority,
                    "entra_ca_file": entra.ca_file,
                    "entra_client_secret": LOGIN_CLIENT_SECRET,
                    "graph_url": entra.authority,
                    **settings,
                },
            )
            store = open_store(configured, clock, Cipher(configured.master_secrets))
            made.append(EntraWorld(create_app(configured, clock=clock, store=store), store, clock, entra))
            return made[-1]

        yield make
        for world in made:
            world.store.close()
