"""Audit: one line for each event that a security team asks about later (registration, consent, login,
refusal, …).

Called by both servers where the event happens; the authorization server keeps the lines in its store as
well. Must never be given a token, code, secret or verifier:
identifiers (client_id, sid, jti, tenant and object id) are what an audit line is made of.
"""

import logging
from typing import Final

LOGGER_NAME: Final = "audit"

_log = logging.getLogger(LOGGER_NAME)


def audit(event: str, **fields: object) -> None:
    """Write one audit line.

    Args:
        event: dotted name in the past tense's noun form, for example ``token.issued`` or ``login.refused``.
        **fields: what identifies the parties and says why; values are JSON types.
    """
    _log.info(event, extra={"event": event, **fields})
