"""The device authorizations that wait for a person, in the store: opened, decided, polled, taken.

Called by ``oauth.device.authorization`` (``open``), ``web.device`` (``find``, ``approve``, ``deny``) and the
device code grant (``poll``, ``take``). ``states`` says what a change is; here it is swapped in
atomically. Two records each: the authorization under the digest of its device code, and under the hash of its
user code where that is. Must not know HTTP.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from authserver.cipher import digest
from authserver.errors import OAuthError, StoreUnavailable
from authserver.model import Clock, Identity
from authserver.oauth.device import states
from authserver.oauth.device.states import DeviceAuthorization
from authserver.oauth.device.user_codes import UserCodes
from authserver.store.protocols import RecordStore

# A device that still polls is told that its code has expired, and not that there never was one.
_REMEMBERED_SECONDS: Final = 900
_CODE_PREFIX: Final = "mcpdc_"
_DEVICE: Final = "device"
_USER_CODE: Final = "user-code"
# Each failed swap is somebody else's success; one record has a person and a device.
_ATTEMPTS: Final = 20
_REFUSED: Final = "the device_code is not valid"
_RECORD: Final = TypeAdapter(DeviceAuthorization)


@dataclass(frozen=True, slots=True)
class Opened:
    """What the device is told once."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    expires_in_seconds: int
    interval_seconds: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a device asks for, and from where."""

    client_id: str
    scopes: tuple[str, ...]
    resource: str
    address: str
    program: str


class DeviceRequests:
    """Args: records: the store; user_codes: makes and hashes them; clock: seconds since 1970;
    lifetime_seconds: until when a person must have signed in.
    """

    def __init__(
        self, records: RecordStore, user_codes: UserCodes, clock: Clock, lifetime_seconds: int
    ) -> None:
        self._records = records
        self._user_codes = user_codes
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds

    def open(self, asked: Asked) -> Opened:
        """Keep a new authorization, pending."""
        now_seconds = int(self._clock())
        device_code = _CODE_PREFIX + secrets.token_urlsafe(32)
        expires_at_seconds = now_seconds + self._lifetime_seconds
        user_code, user_code_hash = self._reserve(digest(device_code), expires_at_seconds)
        record = DeviceAuthorization(
            client_id=asked.client_id,
            user_code_hash=user_code_hash,
            scopes=asked.scopes,
            resource=asked.resource,
            address=asked.address,
            program=asked.program,
            created_at_seconds=now_seconds,
            expires_at_seconds=expires_at_seconds,
        )
        self._records.put_record(_DEVICE, digest(device_code), _encode(record), _forget_at(record))
        return Opened(device_code, user_code, self._lifetime_seconds, record.interval_seconds)

    def find_typed(self, user_code: str) -> DeviceAuthorization | None:
        """Return the authorization that waits under a user code."""
        found = map(self.find, self._user_codes.hashes(user_code))
        return next((record for record in found if record is not None), None)

    def find(self, user_code_hash: str) -> DeviceAuthorization | None:
        """Return the authorization that waits under the hash of a user code."""
        name = self._records.get_record(_USER_CODE, user_code_hash)
        record = None if name is None else self._read(name)[1]
        return record if record is not None and states.is_waiting(record, self._clock()) else None

    def approve(self, user_code_hash: str, identity: Identity, scopes: tuple[str, ...], sid: str) -> bool:
        """Atomic: say who allowed it, and what; False when it was decided or expired meanwhile."""
        return self._decide(user_code_hash, lambda record: states.approved(record, identity, scopes, sid))

    def deny(self, user_code_hash: str) -> bool:
        """Atomic: say that it was denied; False when it was decided or expired meanwhile."""
        return self._decide(user_code_hash, states.denied)

    def poll(self, device_code: str, client_id: str) -> DeviceAuthorization:
        """Return the authorization once it is approved; it is spent by ``take``.

        Raises:
            OAuthError: authorization_pending, slow_down, access_denied, expired_token (RFC 8628 3.5), or
                invalid_grant for what is no device code of this client.
        """
        name = digest(device_code)
        for _ in range(_ATTEMPTS):
            text, record = self._read(name)
            now = self._clock()
            if record is None or record.client_id != client_id:
                raise OAuthError("invalid_grant", _REFUSED, private_detail="no device code of this client")
            if states.is_expired(record, now):
                raise OAuthError("expired_token", "nobody decided in time")
            if record.state == "denied":
                raise OAuthError("access_denied", "the person denied the request")
            if record.state == "approved":
                return record
            changed, is_too_fast = states.polled(record, now)
            if self._swap(name, text, changed):
                if is_too_fast:
                    raise OAuthError("slow_down", f"wait {changed.interval_seconds} seconds between polls")
                raise OAuthError("authorization_pending", "nobody has decided yet")
        raise _too_fast()

    def take(self, device_code: str) -> bool:
        """Atomic: spend an approved authorization; True for one caller."""
        return self._records.take_record(_DEVICE, digest(device_code)) is not None

    def _reserve(self, device_code_hash: str, expires_at_seconds: int) -> tuple[str, str]:
        for _ in range(_ATTEMPTS):
            user_code = self._user_codes.new()
            name = self._user_codes.hashes(user_code)[0]
            if self._records.add_record(_USER_CODE, name, device_code_hash, expires_at_seconds):
                return user_code, name
        raise StoreUnavailable("no user code is free")

    def _decide(
        self, user_code_hash: str, change: Callable[[DeviceAuthorization], DeviceAuthorization]
    ) -> bool:
        name = self._records.get_record(_USER_CODE, user_code_hash)
        if name is None:
            return False
        for _ in range(_ATTEMPTS):
            text, record = self._read(name)
            if record is None or not states.is_waiting(record, self._clock()):
                return False
            if self._swap(name, text, change(record)):
                self._records.remove_record(_USER_CODE, user_code_hash)
                return True
        raise _too_fast()

    def _read(self, name: str) -> tuple[str, DeviceAuthorization | None]:
        text = self._records.get_record(_DEVICE, name)
        return (text or "", None if text is None else _decode(text))

    def _swap(self, name: str, seen: str, record: DeviceAuthorization) -> bool:
        return self._records.swap_record(_DEVICE, name, seen, _encode(record), _forget_at(record))


def _forget_at(record: DeviceAuthorization) -> int:
    return record.expires_at_seconds + _REMEMBERED_SECONDS


def _encode(record: DeviceAuthorization) -> str:
    return orjson.dumps(record).decode()


def _decode(text: str) -> DeviceAuthorization:
    try:
        return _RECORD.validate_json(text)
    except ValidationError as error:
        # Not `from error`: pydantic quotes the input, and the input is somebody's record.
        raise StoreUnavailable(f"a device record is malformed: {error.error_count()} problems") from None


def _too_fast() -> StoreUnavailable:
    return StoreUnavailable("a device authorization changed faster than it could be written")
