"""Resource templates: which URIs belong to one, and which variables they give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpserver.tools import ListedResource, Resource, resource
from mcpserver.tools.uri_template import parse_template
from tests.mcpserver.client import Client
from tests.mcpserver.features import sample_features


def text(client: Client, uri: str) -> str | None:
    answer = client.modern("resources/read", {"uri": uri}).json
    return answer["result"]["contents"][0]["text"] if "result" in answer else None


def test_variables_arrive_as_the_types_that_were_named(client: Client) -> None:
    assert text(client, "test://numbers/21") == "42"
    assert text(client, "test://paint/red/small") == "red small"
    assert text(client, "test://paint/green/small") is None


def test_the_first_template_whose_types_fit_is_read(client: Client) -> None:
    assert text(client, "test://numbers/seven") == "word seven"
    assert text(client, "test://numbers/-1") == "word -1"


def test_values_are_decoded_once(client: Client, notes: dict[str, list[str]]) -> None:
    notes["tenant.alice"] = ["my note", "a/b", "50%25"]
    assert text(client, "note://my%20note") == "note 'my note'"
    assert text(client, "note://a%2Fb") == "note 'a/b'"
    assert text(client, "note://50%2525") == "note '50%25'"


@pytest.mark.parametrize(
    ("template", "uri", "values"),
    [
        ("a://{x}", "a://1", {"x": "1"}),
        ("a://{x}", "a://", None),
        ("a://{x}", "a://1/2", None),
        ("a://{x}", "a://1?q", None),
        ("a://{x}", "a://1#f", None),
        ("a://{x}", "b://1", None),
        ("a://{x}", "A://1", None),
        ("a://{x}/z", "a://1/z", {"x": "1"}),
        ("a://{x}/z", "a://1/zz", None),
        ("a://{x}/z", "a:///z", None),
        ("a://{x}/{y}", "a://1/2", {"x": "1", "y": "2"}),
        ("a://{x}/{y}", "a://1//2", None),
        ("a://{x}-{y}", "a://1-2-3", {"x": "1", "y": "2-3"}),
        ("a://{x}.json", "a://b.json.json", {"x": "b.json"}),
        ("a:///{+x}", "a:///b/c?d#e", {"x": "b/c?d#e"}),
        ("a:///{+x}/raw/{y}", "a:///b/c/raw/d", {"x": "b/c", "y": "d"}),
        ("a://{x}", "a://%ff", None),
        ("a://{x}", "a://%00", None),
        ("a://{x}", "a://%0A", None),
        ("a://{x}", "a://%", {"x": "%"}),
        ("a://{x}", "a://\u00e9", {"x": "\u00e9"}),
        ("a://b", "a://b", {}),
        ("a://b", "a://b/", None),
    ],
)
def test_a_uri_is_of_a_template_or_is_not(template: str, uri: str, values: dict[str, str] | None) -> None:
    assert parse_template(template).match(uri) == values


@pytest.mark.parametrize(
    "template",
    [
        "",
        "no-scheme",
        "{x}://a",
        "a://{x}{y}",
        "a://{x}/{x}",
        "a://{x",
        "a://x}",
        "a://{}",
        "a://{?q}",
        "a://{x*}",
        "a://{/x}",
        "a://b c",
        "a://%zz",
        "a://caf\u00e9",
    ],
)
def test_a_template_that_cannot_be_served_is_refused_when_decorated(template: str) -> None:
    with pytest.raises(TypeError):
        parse_template(template)


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1),
)
def test_what_is_expanded_matches_again(one: str, other: str) -> None:
    template = parse_template("a://b/{one}/c/{other}.txt")
    uri = template.expand({"one": one, "other": other})
    assert template.match(uri) == {"one": one, "other": other}
    assert ListedResource(uri, "name").uri == uri


@given(st.text())
def test_no_uri_breaks_the_matching(uri: str) -> None:
    for template in ("a://{x}/{y}", "a://{+x}.{y}", "a:{x}"):
        values = parse_template(template).match("a://" + uri)
        assert values is None or all(values.values())


def test_a_variable_that_is_missing_makes_no_uri() -> None:
    with pytest.raises(ValueError, match="name"):
        sample_features.note.expand()


@pytest.mark.parametrize("uri", ["", "name", "a b://c", "a://b c", "a://\u00e9"])
def test_a_listed_resource_has_a_uri(uri: str) -> None:
    with pytest.raises(ValueError, match="URI"):
        ListedResource(uri, "name")


def test_the_parameters_are_the_variables() -> None:
    def function(name: str) -> str:
        """Return the name."""
        return name

    assert isinstance(resource("a://{name}")(function), Resource)
    for uri in ("a://b", "a://{other}", "a://{name}/{other}"):
        with pytest.raises(TypeError):
            resource(uri)(function)
    with pytest.raises(TypeError, match="template"):
        resource("a://b", lists=lambda _ctx: [])


def test_a_decorated_function_can_still_be_called() -> None:
    assert sample_features.number(4) == "8"
    assert sample_features.note.expand(name="my note") == "note://my%20note"
