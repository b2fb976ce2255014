"""``python -m mcpserver`` is the ``mcpserver`` command."""

from mcpserver.cli import main

main()
