"""Resources: text, bytes, a template, and one to be watched."""

import base64

from mcpserver.tools import resource
from tests.conformance.media import RED_DOT_PNG


@resource("test://static-text", mime_type="text/plain")
def static_text() -> str:
    """A text that never changes."""
    return "This is the content of the static text resource."


@resource("test://static-binary", mime_type="image/png")
def static_binary() -> bytes:
    """A picture that never changes."""
    return base64.b64decode(RED_DOT_PNG)


@resource("test://template/{id}/data", mime_type="application/json")
def templated(id: str) -> dict[str, str]:
    """The data of an id."""
    return {"id": id, "templateTest": "true", "data": f"Data for ID: {id}"}


@resource("test://watched-resource", mime_type="text/plain")
def watched() -> str:
    """A text to subscribe to."""
    return "Watched resource content"
