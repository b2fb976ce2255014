"""Tools that ask the client, by the names that the suite uses for 2026-07-28."""

from pydantic import BaseModel

from mcpserver.tools import Context, Elicit, ListRoots, Question, Sample, tool
from tests.conformance.questions import words_of


class Name(BaseModel):
    """A name."""

    name: str


class Color(BaseModel):
    """A colour."""

    color: str


class Confirmation(BaseModel):
    """A yes or no."""

    ok: bool


@tool()
def test_input_required_result_elicitation(ctx: Context) -> str:
    """Greet somebody by name."""
    answer = ctx.elicit("What is your name?", Name, key="user_name")
    return f"Hello, {answer.data.name}!" if answer.accepted else "Hello!"


@tool()
def test_input_required_result_sampling(ctx: Context) -> str:
    """Ask the client's model for a capital."""
    return words_of(ctx.sample("What is the capital of France?", max_tokens=100, key="capital_question"))


@tool()
def test_input_required_result_list_roots(ctx: Context) -> str:
    """Name the client's roots."""
    return f"Roots: {', '.join(str(root.uri) for root in ctx.roots(key='client_roots'))}"


@tool()
def test_input_required_result_request_state(ctx: Context) -> str:
    """Remember something between two rounds."""
    remembered = ctx.remember("state", lambda: "state-ok")
    ctx.elicit("Please confirm", Confirmation, key="confirm")
    return str(remembered)


@tool()
def test_input_required_result_multiple_inputs(ctx: Context) -> str:
    """Ask three things at once."""
    answers = ctx.ask(
        {
            "user_name": Elicit("What is your name?", Name),
            "greeting": Sample("Generate a greeting", max_tokens=50),
            "client_roots": ListRoots(),
        }
    )
    return f"{words_of(answers['greeting'])} ({len(answers['client_roots'])} roots)"


@tool()
def test_input_required_result_multi_round(ctx: Context) -> str:
    """Ask one thing after another."""
    name = ctx.elicit("Step 1: What is your name?", Name, key="step1")
    color = ctx.elicit("Step 2: What is your favorite color?", Color, key="step2")
    return f"{name.data and name.data.name} likes {color.data and color.data.color}"


@tool()
def test_input_required_result_tampered_state(ctx: Context) -> str:
    """Ask for a confirmation; what comes back must be what was sent."""
    answer = ctx.elicit("Please confirm", Confirmation, key="confirm")
    return f"Confirmed: {answer.accepted}"


@tool()
def test_input_required_result_capabilities(ctx: Context) -> str:
    """Ask only what the client can answer."""
    questions: dict[str, Question] = {}
    if ctx.supports("elicitation"):
        questions["user_name"] = Elicit("What is your name?", Name)
    if ctx.supports("sampling"):
        questions["greeting"] = Sample("Generate a greeting", max_tokens=50)
    return f"{len(ctx.ask(questions))} answers"


@tool()
def test_missing_capability(ctx: Context) -> str:
    """Need a client that offers its model."""
    return words_of(ctx.sample("Say something", max_tokens=10))


@tool()
def test_streaming_elicitation(ctx: Context) -> str:
    """Report progress, then ask."""
    ctx.progress(1, 2)
    answer = ctx.elicit("What is your name?", Name, key="user_name")
    ctx.progress(2, 2)
    return f"Action: {answer.action}"
