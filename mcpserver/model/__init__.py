"""A language model behind an OpenAI-compatible URL: questions go out, text comes back as it is written.

``asking.Model`` is what ``tools.model_tool`` uses. Must not know MCP: errors here are sentences for whoever
asked, and details for the log.
"""
