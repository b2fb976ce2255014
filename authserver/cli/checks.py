"""The checks of ``authserver doctor``: each looks at one thing and returns a Check that says how it is.

Called by ``cli.doctor`` alone. A check never raises for what it finds: that is its result. Must not change
anything but what any start of the server changes (the first signing key), and must not show a secret.
"""

import time
from dataclasses import dataclass
from typing import Final, Literal

from authserver.errors import UnavailableError
from authserver.keys import KeyRing
from authserver.settings import Settings
from authserver.store import Store
from authserver.upstream.diagnosis import EntraProbe, Reached
from authserver.upstream.id_token import LEEWAY_SECONDS

_REDIS_REMEDY: Final = (
    "is Redis up and REDIS_URL right? Then: maxmemory-policy noeviction and appendonly yes, so that"
    " nothing acknowledged is lost"
)


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; ``remedy`` says what to do where something is not well."""

    name: str
    status: Literal["ok", "failed", "skipped"]
    finding: str
    remedy: str = ""


def store(settings: Settings, opened: Store) -> Check:
    """Does the store answer, and will it keep what it acknowledges?"""
    name = "Redis" if settings.redis_url else str(settings.state_file)
    try:
        opened.check()
    except UnavailableError as error:
        remedy = (
            _REDIS_REMEDY if settings.redis_url else "is its folder there, writable, and its disk not full?"
        )
        return Check("store", "failed", f"{name}: {error.private_detail}", remedy)
    return Check("store", "ok", name)


def keys(keyring: KeyRing) -> Check:
    """Is there a key to sign with, and can this master secret open it?"""
    try:
        key = keyring.signing_key()
    except UnavailableError as error:
        return Check(
            "keys",
            "failed",
            error.private_detail,
            "append the master secret that it was sealed with to AUTHSERVER_MASTER_SECRET",
        )
    published = len(keyring.jwks()["keys"])
    return Check("keys", "ok", f"{key.algorithm} {key.kid} signs, {published} published")


def entra(probe: EntraProbe) -> tuple[Check, Reached | None]:
    """Does Entra answer?"""
    try:
        reached = probe.reach()
    except UnavailableError as error:
        remedy = "is the authority right, does the network let this machine out, is its CA trusted?"
        return Check("entra", "failed", error.private_detail, remedy), None
    return Check("entra", "ok", "answers"), reached


def clock(reached: Reached) -> Check:
    """Is this machine's clock near Entra's?"""
    if reached.time_seconds is None:
        return Check("clock", "skipped", "Entra does not say what time it is")
    off_seconds = time.time() - reached.time_seconds
    if abs(off_seconds) <= LEEWAY_SECONDS:
        return Check("clock", "ok", f"{off_seconds:+.0f} s from Entra's")
    return Check(
        "clock",
        "failed",
        f"{off_seconds:+.0f} s from Entra's: sign-ins fail",
        "synchronise the machine's clock (NTP)",
    )


def redirect_uri(name: str, probe: EntraProbe, reached: Reached, uri: str) -> Check:
    """Is this address of ours registered at Entra?"""
    try:
        refusal = probe.refusal_of_redirect_uri(reached, uri)
    except UnavailableError as error:
        return Check(name, "failed", error.private_detail, "try again")
    if refusal is None:
        return Check(name, "ok", uri)
    return Check(
        name,
        "failed",
        f"Entra refuses {uri} ({refusal})",
        "add it to the login application's redirect URIs, platform Web, exactly as it stands here",
    )


def credential(probe: EntraProbe) -> Check:
    """Does Entra accept the login application's credential?"""
    try:
        refusal = probe.refusal_of_credential()
    except UnavailableError as error:
        return Check("credential", "failed", error.private_detail, "try again")
    if refusal is None:
        return Check("credential", "ok", "Entra accepts it")
    return Check(
        "credential",
        "failed",
        f"Entra refuses it ({refusal})",
        "renew the secret or certificate, or compare the federated credential's issuer and subject",
    )
