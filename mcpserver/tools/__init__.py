"""Tools as plain typed functions: what people who bring tools import.

::

    from typing import Annotated

    from pydantic import Field

    from mcpserver.tools import Context, ToolError, tool

    @tool(scopes=["mcp:tools"], read_only=True)
    def add(a: int, b: Annotated[int, Field(ge=0)]) -> int:
        \"\"\"Add two numbers.\"\"\"
        return a + b

``resource`` and ``prompt`` work likewise. A package offers what it has by naming the module in the entry
point group ``mcpserver.tools``. Must not know transports or revisions: the same function serves every one of
them.
"""

from mcpserver.errors import JsonRpcError, ResourceNotFound, ToolError
from mcpserver.principal import Principal
from mcpserver.tools.context import Context
from mcpserver.tools.header import Header
from mcpserver.tools.model import Tool, tool
from mcpserver.tools.prompt import Prompt, prompt
from mcpserver.tools.questions import Elicit, Elicited, ElicitUrl, ListRoots, Question, Sample
from mcpserver.tools.resource import ListedResource, Resource, resource

__all__ = [
    "Context",
    "Elicit",
    "ElicitUrl",
    "Elicited",
    "Header",
    "JsonRpcError",
    "ListRoots",
    "ListedResource",
    "Principal",
    "Prompt",
    "Question",
    "Resource",
    "ResourceNotFound",
    "Sample",
    "Tool",
    "ToolError",
    "prompt",
    "resource",
    "tool",
]
