"""Calls that outlive their connection (MCP tasks extension): their state and whoever keeps it."""
