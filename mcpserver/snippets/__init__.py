"""Where snippets are kept: a folder, or Azure Blob Storage, behind one narrow protocol.

The built-in tools call ``protocol.SnippetStore``; ``opening`` makes the one that the settings ask for.
Nothing here knows MCP, tokens or scopes: whose snippets are meant comes in as an ``Owner``.
"""
