"""``ask_model``: a question to the language model that this server has, the answer told while it is written.

Made by ``app``. Turns the model's errors into words that the asking model can act on, and what happens
meanwhile into progress. Must not know where the model is.
"""

import logging
from typing import Annotated, Final

from mcp_types import TextContent
from pydantic import Field

from mcpserver.errors import ToolError
from mcpserver.model.asking import Model
from mcpserver.model.errors import ModelError
from mcpserver.model.question import Question
from mcpserver.tools.context import Context
from mcpserver.tools.model import Tool, tool
from mcpserver.tools.model_progress import ModelProgress

# See ``snippet_tools``: all that a caller needs.
SCOPES: Final = ("mcp:tools", "model:invoke")
MISSING: Final = (
    "This server has no language model. Whoever runs it can add any OpenAI-compatible service: "
    "MCPSERVER_MODEL_URL is its base URL, for example http://phi-3/v1, and MCPSERVER_MODEL_API_KEY its key, "
    "if it asks for one"
)
_USUAL_TOKENS: Final = 1024

Prompt = Annotated[str, Field(min_length=1, max_length=200_000, description="What is asked")]
System = Annotated[
    str | None, Field(max_length=50_000, description="How the model is to behave. Left out: as it does")
]
Temperature = Annotated[
    float | None,
    Field(ge=0, le=2, description="0 for the same answer each time, more for variety. Left out: the model's"),
]

_log = logging.getLogger(__name__)


def ask_model_tool(model: Model | None, most_tokens: int) -> Tool:
    """Return the tool.

    Args:
        model: that is asked; None: there is none, and the tool says how to add one.
        most_tokens: that an answer may have.
    """

    @tool(
        scopes=SCOPES,
        title="Ask the model",
        read_only=True,
        destructive=False,
        idempotent=False,
        open_world=True,
        # A model that has to be started first can take longer than a client waits.
        task="optional",
    )
    def ask_model(
        ctx: Context,
        prompt: Prompt,
        system: System = None,
        max_tokens: Annotated[
            int, Field(ge=1, le=most_tokens, description="The most tokens that the answer may have")
        ] = min(_USUAL_TOKENS, most_tokens),
        temperature: Temperature = None,
    ) -> list[TextContent]:
        """Ask this server's own language model and return its answer.

        The answer is reported as progress while it is written. A model that nobody used for a while is
        started first, which can take minutes.
        """
        if model is None:
            raise ToolError(MISSING)
        progress = ModelProgress(ctx)
        question = Question(prompt, system, max_tokens, temperature)
        try:
            answer = model.ask(question, ctx.principal.subject, progress)
        except ModelError as error:
            if error.private_detail is not None:
                _log.warning("the model gave no answer", extra={"reason": error.private_detail})
            raise ToolError(str(error)) from None
        progress.ends()
        blocks = [TextContent(type="text", text=answer.text)]
        if answer.cut is not None:
            blocks.append(TextContent(type="text", text=f"[The answer is cut off: {answer.cut}.]"))
        return blocks

    return ask_model
