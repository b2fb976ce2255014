"""A resource: something to be read under a URI, or under every URI of a template.

Made by the decorator ``resource``, kept by ``registry``, read by ``protocol.resource_methods``. Must not know
revisions, nor how contents travel.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_types import Annotations

from mcpserver.tools.completion import Completer, Suggest, completers
from mcpserver.tools.context import Context
from mcpserver.tools.hints import IconLike, Icons, icons_of, wire_form
from mcpserver.tools.schema import Signature, read_signature
from mcpserver.tools.uri_template import UriTemplate, checked_uri, parse_template


@dataclass(frozen=True, slots=True)
class ListedResource:
    """One resource of a template, as a caller's list shows it.

    Attributes:
        uri: absolute; ``Resource.expand`` makes it.
        name: short.
        title: for people.
        description: for people and models.
        mime_type: None: the template's.
        size_bytes: of the contents, where known.
        last_modified: ISO 8601, where known.
    """

    uri: str
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    size_bytes: int | None = None
    last_modified: str | None = None

    def __post_init__(self) -> None:
        """Check the URI."""
        checked_uri(self.uri)


Lists = Callable[[Context], Iterable[ListedResource]]


@dataclass(frozen=True, slots=True)
class Resource:
    """A function that gives the contents under a URI.

    Attributes:
        template: of the URIs; without variables it is the one URI.
        name: short.
        title: for people; None: clients show the name.
        description: for people and models.
        mime_type: of the contents, where all of them have one.
        scopes: every scope that reading needs.
        icons: in wire names.
        annotations: MCP's Annotations that were given, in wire names.
        lists: gives the caller's own resources of the template, for the list.
        completers: who suggests values of the template's variables.
        signature: how variables become arguments.
        function: the function itself.
    """

    template: UriTemplate
    name: str
    title: str | None
    description: str
    mime_type: str | None
    scopes: frozenset[str]
    icons: Icons
    annotations: Mapping[str, Any]
    lists: Lists | None
    completers: Mapping[str, Completer]
    signature: Signature
    function: Callable[..., Any]

    @property
    def uri(self) -> str:
        """The URI, or the template as it was written."""
        return self.template.text

    @property
    def is_template(self) -> bool:
        """Whether it stands for many URIs."""
        return bool(self.template.variables)

    def expand(self, **variables: object) -> str:
        """Return the URI that these variables have in the template.

        Raises:
            ValueError: one is missing or empty.
        """
        return self.template.expand(variables)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function as if it had not been decorated."""
        return self.function(*arguments, **named)


def resource(
    uri: str,
    *,
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    mime_type: str | None = None,
    scopes: Collection[str] = ("mcp:tools",),
    icons: Sequence[IconLike] = (),
    annotations: Annotations | Mapping[str, Any] | None = None,
    lists: Lists | None = None,
    completions: Mapping[str, Suggest] | None = None,
) -> Callable[[Callable[..., Any]], Resource]:
    """Make a resource of a function that returns its contents.

    The function returns text, bytes, MCP's TextResourceContents or BlobResourceContents (or a list of them),
    or anything else that has a JSON form; it raises ``ResourceNotFound`` when nothing is there.

    Args:
        uri: absolute. ``{name}`` makes a template of it and is a parameter of the function: text of one
            segment; ``{+name}`` may have slashes. What arrives is decoded: text that somebody else chose.
        name: default: the function's.
        title: for people.
        description: default: the docstring up to its first section.
        mime_type: of what is returned; default: plain text, octets or JSON, by what is returned.
        scopes: what a reader's token must have; all of them.
        icons: MCP's Icon, or mappings of its wire names; since 2025-11-25.
        annotations: MCP's Annotations, or a mapping of its wire names.
        lists: for a template: gives the caller's resources, each with its own URI, for the list of resources.
        completions: by variable, who suggests values: a function of the text typed so far and, if it takes
            them, of the variables filled in already and the context.

    Raises:
        TypeError: the URI, the parameters or something else cannot be served.
    """
    template = parse_template(uri)
    all_icons = icons_of(icons)
    all_annotations = wire_form(Annotations, annotations if annotations is not None else {})
    if lists is not None and not template.variables:
        raise TypeError(f"{uri!r}: only a template can list resources")

    def decorate(function: Callable[..., Any]) -> Resource:
        signature = read_signature(function, has_output=False)
        properties = signature.input_schema["properties"]
        if properties.keys() != set(template.variables):
            raise TypeError(f"{function.__name__}: its parameters must be the variables of {uri!r}")
        return Resource(
            template=template,
            name=name or function.__name__,
            title=title,
            description=description or signature.description,
            mime_type=mime_type,
            scopes=frozenset(scopes),
            icons=all_icons,
            annotations=all_annotations,
            lists=lists,
            completers=completers(completions, properties),
            signature=signature,
            function=function,
        )

    return decorate
