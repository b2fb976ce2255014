"""Policy documents: sections, fragments and ``<base/>``, down to policies that can run.

Called by ``apim_folder``. Must not know single policies (``policies.registry`` does) nor where files are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devstack.gateway.errors import ConfigurationError
from devstack.gateway.pipeline import SECTIONS, Pipeline, Policy
from devstack.gateway.policies import reading as r
from devstack.gateway.policies.cors import Cors
from devstack.gateway.policies.registry import read_all
from devstack.gateway.policies.routing import ForwardRequest
from devstack.gateway.xml_document import Element

# What API Management runs at its own, outermost scope unless told otherwise.
DEFAULT_PIPELINE = Pipeline((), (ForwardRequest(300),), (), ())


@dataclass(frozen=True, slots=True)
class PolicyReader:
    """Reads policy documents with one set of fragments and tools."""

    fragments: Mapping[str, Element]
    tools: r.Tools
    _used: set[str] = field(default_factory=set)

    def pipeline(self, root: Element, base: Pipeline) -> Pipeline:
        """Return the effective policy of a document whose outer scope is ``base``.

        Raises:
            ConfigurationError: anything in the document that is not understood.
        """
        if root.tag != "policies":
            raise ConfigurationError(root.place, f"the root is <{root.tag}>, not <policies>")
        r.check_attributes(root)
        children = r.ordered_children(root, SECTIONS)
        outer = (base.inbound, base.backend, base.outbound, base.on_error)
        sections = []
        for name, inherited in zip(SECTIONS, outer, strict=True):
            section = r.at_most_one(children[name])
            if section is None:
                # Left out, a section inherits nothing; nobody expects that, so it must be written.
                raise ConfigurationError(root.place, f"the section <{name}> is missing")
            sections.append(self._section(section, inherited))
        result = Pipeline(*sections)
        if len(result.backend) > 1:
            raise ConfigurationError(root.place, "<backend> holds one policy at most")
        if any(isinstance(policy, Cors) for policy in result.inbound[1:]):
            raise ConfigurationError(root.place, "<cors> must be the first inbound policy, and the only one")
        return result

    def check_fragments(self) -> None:
        """Refuse what no fragment may hold, whether it is included somewhere or not."""
        for fragment in self.fragments.values():
            if fragment.tag != "fragment":
                raise ConfigurationError(fragment.place, f"the root is <{fragment.tag}>, not <fragment>")
            r.check_attributes(fragment)
            r.no_text(fragment)
            for element in fragment.walk():
                if element.tag in ("base", "include-fragment", *SECTIONS):
                    raise ConfigurationError(element.place, f"<{element.tag}> cannot be in a fragment")

    def check_all_used(self) -> None:
        """Refuse a fragment that no document includes: nothing would have read its policies."""
        for name, fragment in self.fragments.items():
            if name not in self._used:
                raise ConfigurationError(fragment.place, "the fragment is included nowhere")

    def _section(self, section: Element, inherited: tuple[Policy, ...]) -> tuple[Policy, ...]:
        r.check_attributes(section)
        r.no_text(section)
        reading = r.Reading(section.tag, self.tools, self._read_nested)
        policies: list[Policy] = []
        for element in section.children:
            if element.tag == "base":
                r.check_attributes(element)
                r.empty(element)
                policies.extend(inherited)
            else:
                policies.extend(self._read_nested([element], reading))
        return tuple(policies)

    def _read_nested(self, elements: Sequence[Element], reading: r.Reading) -> tuple[Policy, ...]:
        expanded: list[Element] = []
        for element in elements:
            expanded.extend(self._fragment(element) if element.tag == "include-fragment" else [element])
        return read_all(expanded, reading)

    def _fragment(self, element: Element) -> Sequence[Element]:
        r.check_attributes(element, ("fragment-id",))
        r.empty(element)
        name = r.plain(element, "fragment-id")
        if name not in self.fragments:
            raise ConfigurationError(element.place, f"there is no fragment {name!r}")
        self._used.add(name)
        return self.fragments[name].children
