"""What features, subscriptions and transports may ask of whoever keeps the changes."""

from collections.abc import Callable, Sequence
from typing import Protocol

from mcpserver.changes.model import Change


class Changes(Protocol):
    """Keeps the latest changes in order and tells listeners of new ones."""

    def publish(self, change: Change) -> None:
        """Tell everybody who watches, in every process; never fails a caller: a change that cannot be told
        is logged.
        """

    def position(self) -> str:
        """Return the position of the latest change that was told in this process, without waiting; opaque."""

    def since(self, position: str) -> Sequence[tuple[str, Change]] | None:
        """Return the changes after a position with theirs, in order; None when some of them, or the position,
        are not remembered any more.
        """

    def watch(self, callback: Callable[[str, Change], None]) -> Callable[[], None]:
        """Call back with each change and its position from now on; the callback must not block.

        Returns:
            What ends it; it may be called again.
        """
