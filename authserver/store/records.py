"""Records as bytes: the one place that turns the frozen model into what a backend keeps, and back.

Called by the backends. Must not know where the bytes go. JSON, so that a record written by an older version
still reads: members it lacks take the dataclass's default, members it has too many are ignored.
"""

from typing import Final, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from authserver.cipher import SealBroken, Sealer
from authserver.errors import StoreUnavailable
from authserver.model import AuthorizationCode, Client, Login, Session, SigningKeyRecord

_T = TypeVar("_T")

_CLIENT: Final = TypeAdapter(Client)
_LOGIN: Final = TypeAdapter(Login)
_CODE: Final = TypeAdapter(AuthorizationCode)
_SESSION: Final = TypeAdapter(Session)
_KEY: Final = TypeAdapter(SigningKeyRecord)

Record = Client | AuthorizationCode | Session | SigningKeyRecord


def encode(record: Record) -> str:
    """Return the record as JSON text."""
    return orjson.dumps(record).decode()


def decode_client(text: str) -> Client:
    """Return the client; StoreUnavailable when the store holds something else (as in the functions below)."""
    return _decode(_CLIENT, text)


def decode_code(text: str) -> AuthorizationCode:
    """Return the authorization code's record."""
    return _decode(_CODE, text)


def decode_session(text: str) -> Session:
    """Return the session."""
    return _decode(_SESSION, text)


def decode_key(text: str) -> SigningKeyRecord:
    """Return the signing key's record, its private part still sealed."""
    return _decode(_KEY, text)


def seal_login(login: Login, sealer: Sealer) -> str:
    """Return the login encrypted: msal's flow holds a PKCE verifier and a nonce."""
    return sealer.seal(orjson.dumps(login))


def unseal_login(sealed: str, sealer: Sealer) -> Login | None:
    """Return the login; None when its master secret has been removed since: it is lost like an expired
    one.
    """
    try:
        return _decode(_LOGIN, sealer.unseal(sealed).decode())
    except SealBroken:
        return None


def _decode(adapter: TypeAdapter[_T], text: str) -> _T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        # Not `from error`: pydantic quotes the input, and the input is somebody's record.
        raise StoreUnavailable(f"a stored record is malformed: {error.error_count()} problems") from None
