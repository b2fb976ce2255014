"""A language model behind an OpenAI-compatible URL: Kaito's service, or any other.

``tools.ask_model`` uses it. ``client`` speaks the wire, ``demand`` says that somebody waits (which is what
scales the model up from nothing), ``places`` bounds how many ask at once. Must not know MCP.
"""
