"""The OAuth 2.1 authorization server: introduces MCP clients, sends people to Entra ID, issues tokens."""
