"""How long a store keeps what has no lifetime of its own; one list for both backends."""

from typing import Final

from authserver.model import Client

DAY_SECONDS: Final = 86_400
# A registration nobody uses; clients rarely register again, so each use starts this anew.
UNUSED_CLIENT_SECONDS: Final = 90 * DAY_SECONDS
# How often at most a use is written down.
TOUCH_INTERVAL_SECONDS: Final = DAY_SECONDS
# How long a code that was taken is recognised when it comes back (RFC 6749 §4.1.2).
TAKEN_CODE_SECONDS: Final = DAY_SECONDS
# What never expires, expires in the year 5138: one kind of comparison for all rows.
NEVER_SECONDS: Final = 100_000_000_000


def client_expiry_seconds(client: Client, now_seconds: int) -> int:
    """Return when a registration expires unless it is used; an operator's never does."""
    return NEVER_SECONDS if client.source == "operator" else now_seconds + UNUSED_CLIENT_SECONDS
