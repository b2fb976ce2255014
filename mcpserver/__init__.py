"""The MCP server: validates mcp_access_tokens and serves tools in every MCP revision."""
