"""ask_model against a real OpenAI-compatible server: llama.cpp's, with a model made on the spot.

Not part of ``make test``: the server is compiled, which takes minutes. ``make test-model`` runs it.
"""
