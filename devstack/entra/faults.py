"""Faults on demand: what a test wants to go wrong, and for how many requests.

Set through ``emulator.faults`` in process and through ``/_emulator/faults`` on the back channel; asked for
by ``back_channel_app``, ``login_app``, ``grants``, ``tokens`` and ``graph`` at the moment a fault would show.
``FAULTS`` lists them all. Must not do anything by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

# Each fault's name, and its options with the value they have unless given.
FAULTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        # tokens; ``token`` says of which kind
        "bad_signature": {"token": "id_token"},  # signed with a key that is not the one ``kid`` names
        "unknown_key": {"token": "id_token"},  # signed with a key that is not published, under its own kid
        "unsigned": {"token": "id_token"},  # alg none
        "symmetric_signature": {"token": "id_token"},  # HS256, keyed with the published public key
        "wrong_nonce": {"token": "id_token"},
        "wrong_audience": {"audience": "bbbbbbbb-0000-4000-8000-00000000000b", "token": "id_token"},
        "wrong_issuer": {
            "issuer": "https://login.example/99999999-9999-4999-8999-999999999999/v2.0",
            "token": "id_token",
        },
        "expired": {"seconds": 3600, "token": "id_token"},  # ended so long ago
        "not_yet_valid": {"seconds": 3600, "token": "id_token"},  # begins in so long
        # anything else that a token could say, or leave out
        "claims": {"set": {}, "remove": [], "token": "id_token"},
        "no_id_token": {},
        "no_refresh_token": {},
        # endpoints; ``endpoint`` None means all of both ports
        "slow": {"seconds": 1.0, "endpoint": None},
        "down": {"endpoint": None},
        "token_error": {"error": "invalid_grant", "number": 50076, "status": 400},
        "graph_error": {"code": "TooManyRequests", "status": 429},
        # people
        "user_disabled": {"username": None},  # None: everybody
        "sessions_revoked": {"username": None},  # as if their refresh tokens were issued before
        "consent_denied": {},  # the person, or the tenant's administrator, declines
        "access_denied": {},  # the application wants an assignment that the person does not have
    }
)
ENDPOINTS: Final = ("discovery", "keys", "token", "authorize", "adminconsent", "logout", "graph")
TOKENS: Final = ("id_token", "access_token")
_MAX_SECONDS: Final = 10 * 365 * 24 * 3600


class UnknownFaultError(ValueError):
    """There is no such fault, or it has no such option; the text says which there are."""


@dataclass(slots=True)
class Fault:
    """One fault that is set.

    Attributes:
        name: which; one of FAULTS.
        options: its options, defaults filled in.
        times: how often it still shows; None: until it is cleared.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None


class Faults:
    """The faults that are set; at most one of a name. They show from the next request on."""

    def __init__(self) -> None:
        self._set: dict[str, Fault] = {}

    def set(self, name: str, *, times: int | None = None, **options: Any) -> None:
        """Set a fault, in place of one of the same name.

        Args:
            name: one of FAULTS.
            times: how often it shows before it is gone; None: until cleared.
            **options: as FAULTS says.

        Raises:
            UnknownFaultError: no such fault, option or endpoint; ``times`` is no positive number.
        """
        self._set[name] = parse_fault(name, times, options)

    def clear(self, name: str | None = None) -> None:
        """Clear one fault, or all."""
        if name is None:
            self._set.clear()
        else:
            self._set.pop(name, None)

    def active(self) -> tuple[Fault, ...]:
        """Return what is set."""
        return tuple(self._set.values())

    def take(self, name: str) -> Mapping[str, Any] | None:
        """Return the fault's options when it is set, and count that it shows now."""
        fault = self._set.get(name)
        if fault is None:
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                del self._set[name]
        return fault.options

    def take_at(self, name: str, endpoint: str) -> Mapping[str, Any] | None:
        """As ``take``, for faults that may be limited to one endpoint."""
        fault = self._set.get(name)
        if fault is None or fault.options["endpoint"] not in (None, endpoint):
            return None
        return self.take(name)

    def take_in(self, name: str, token: str) -> Mapping[str, Any] | None:
        """As ``take``, for faults of one kind of token."""
        fault = self._set.get(name)
        if fault is None or fault.options["token"] != token:
            return None
        return self.take(name)

    def take_for(self, name: str, username: str) -> bool:
        """As ``take``, for faults that may be limited to one person."""
        fault = self._set.get(name)
        if fault is None or (fault.options["username"] or username).lower() != username.lower():
            return False
        self.take(name)
        return True


def parse_fault(name: str, times: Any, options: Mapping[str, Any]) -> Fault:
    """Return the fault, defaults filled in.

    Raises:
        UnknownFaultError: as ``Faults.set``.
    """
    if name not in FAULTS:
        raise UnknownFaultError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    unknown = ", ".join(sorted(options.keys() - FAULTS[name].keys()))
    if unknown:
        raise UnknownFaultError(f"{name} has no option {unknown}; it has {', '.join(FAULTS[name]) or 'none'}")
    if times is not None and not (_is_whole(times) and times > 0):
        raise UnknownFaultError("times is a positive number")
    for option, value in options.items():
        _check_option(name, option, value)
    return Fault(name, {**FAULTS[name], **options}, times)


def _check_option(name: str, option: str, value: Any) -> None:
    default = FAULTS[name][option]
    if option == "endpoint":
        if value not in (None, *ENDPOINTS):
            raise UnknownFaultError(f"endpoint is one of {', '.join(ENDPOINTS)}")
    elif option == "token":
        if value not in TOKENS:
            raise UnknownFaultError(f"token is one of {', '.join(TOKENS)}")
    elif option == "seconds":
        # Not NaN either, which is no more than nothing and no less.
        if not (_is_whole(value) or isinstance(value, float)) or not 0 <= value <= _MAX_SECONDS:
            raise UnknownFaultError(f"seconds of {name} is a number from 0 to {_MAX_SECONDS}")
    elif option == "status":
        if not _is_whole(value) or not 400 <= value <= 599:
            raise UnknownFaultError("status is that of an error, 400 to 599")
    elif isinstance(default, int):
        if not _is_whole(value):
            raise UnknownFaultError(f"{option} of {name} is a whole number, like {default}")
    elif not isinstance(value, str | None if default is None else type(default)):
        raise UnknownFaultError(f"{option} of {name} is something like {default!r}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
