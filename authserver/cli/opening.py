"""How a command gets at the parts: settings read, parts made, audit trail and store closed at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from authserver import audit
from authserver.cli.output import failures
from authserver.settings import Settings, load_settings
from authserver.wiring.parts import Parts, make_parts


@dataclass(frozen=True, slots=True)
class Opened:
    """What commands work with."""

    settings: Settings
    parts: Parts


@contextmanager
def opened(as_json: bool) -> Iterator[Opened]:
    """Give the command its parts; what goes wrong inside is printed as ``failures`` does it.

    Args:
        as_json: whether a program reads the output.
    """
    with failures(as_json):
        settings = load_settings()
        parts = make_parts(settings, time.time)
        try:
            with audit.kept(parts.store, parts.clock, settings.audit_retention_days):
                yield Opened(settings, parts)
        finally:
            parts.store.close()
