"""Whoever keeps the changes: each must do what the contract says."""

import pytest

from mcpserver.changes.memory import MemoryChanges
from mcpserver.changes.protocol import Changes


@pytest.fixture
def changes() -> Changes:
    return MemoryChanges()
