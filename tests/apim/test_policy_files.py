"""The policy files themselves, read with a plain XML parser: few words, in the order API Management wants."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, parse

import pytest

APIM = Path(__file__).parents[2] / "apim"
DOCUMENTS = sorted([*APIM.glob("*-api/policy.xml"), *APIM.glob("*-api/operations/*.xml")])
FRAGMENTS = sorted(APIM.glob("fragments/*.xml"))
SECTIONS = ["inbound", "backend", "outbound", "on-error"]
WORDS = {
    "base",
    "include-fragment",
    "choose",
    "set-variable",
    "set-header",
    "validate-jwt",
    "rate-limit-by-key",
    "cors",
    "set-backend-service",
    "rewrite-uri",
    "forward-request",
    "return-response",
}
CONTAINERS = {"when", "otherwise", *SECTIONS}
# Anything that would be OAuth's business and not a gateway's.
OAUTH = re.compile(
    r"grant_type|client_id|redirect_uri|code_verifier|code_challenge|refresh_token|client_secret"
)


def policies(element: Element) -> Iterator[Element]:
    """Yield the policies below a section or fragment, those inside choose as well."""
    for child in element:
        if child.tag in CONTAINERS:
            yield from policies(child)
            continue
        yield child
        if child.tag == "choose":
            yield from policies(child)


def name(path: Path) -> str:
    return str(path.relative_to(APIM))


@pytest.mark.parametrize("path", [*DOCUMENTS, *FRAGMENTS], ids=name)
def test_a_file_is_well_formed_and_uses_the_agreed_words_only(path: Path) -> None:
    assert {policy.tag for policy in policies(parse(path).getroot())} <= WORDS


@pytest.mark.parametrize("path", [*DOCUMENTS, *FRAGMENTS], ids=name)
def test_a_file_holds_no_oauth_logic_and_no_body_is_read(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not OAUTH.search(text)
    for word in ("Response.Body", "Request.Body", "fail-on-error-status-code", "follow-redirects", "@{"):
        assert word not in text


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_a_document_has_the_four_sections_in_order_and_inherits_what_it_does_not_replace(path: Path) -> None:
    root = parse(path).getroot()
    assert root.tag == "policies"
    assert [section.tag for section in root] == SECTIONS
    inbound, backend, outbound, on_error = root
    for section in (inbound, outbound, on_error):
        assert [child.tag for child in section].count("base") == 1
    assert len(backend) == 1


@pytest.mark.parametrize("path", FRAGMENTS, ids=name)
def test_a_fragment_nests_nothing(path: Path) -> None:
    root = parse(path).getroot()
    assert root.tag == "fragment"
    assert not {element.tag for element in root.iter()} & {"base", "include-fragment", *SECTIONS}


def test_cors_is_the_first_inbound_policy_of_each_http_api_and_the_same_in_all() -> None:
    texts = set()
    for api in ("root-api", "auth-api", "mcp-api"):
        path = APIM / api / "policy.xml"
        first = parse(path).getroot()[0][0]
        assert first.tag == "cors"
        assert first.attrib == {"allow-credentials": "false", "terminate-unmatched-request": "false"}
        assert [origin.text for origin in first.iter("origin")] == ["*"]
        exposed = [header.text for header in first.findall("expose-headers/header")]
        assert exposed == ["WWW-Authenticate", "Mcp-Session-Id", "MCP-Protocol-Version", "Retry-After"]
        assert {"GET", "POST", "DELETE"} <= {method.text for method in first.iter("method")}
        found = re.search(r"<cors.*</cors>", path.read_text("utf-8"), re.S)
        assert found is not None
        texts.add(found[0])
    assert len(texts) == 1


def test_a_websocket_api_uses_no_policy_that_it_cannot_have() -> None:
    path = APIM / "ws-api/policy.xml"
    used = {element.tag for element in parse(path).getroot().iter()}
    for include in parse(path).getroot().iter("include-fragment"):
        used |= {
            e.tag for e in parse(APIM / f"fragments/{include.attrib['fragment-id']}.xml").getroot().iter()
        }
    assert not used & {"cors", "set-body"}


def test_the_children_of_validate_jwt_stand_in_the_order_api_management_reads_them() -> None:
    order = [
        "openid-config",
        "issuer-signing-keys",
        "decryption-keys",
        "audiences",
        "issuers",
        "required-claims",
    ]
    found = [jwt for path in [*DOCUMENTS, *FRAGMENTS] for jwt in parse(path).getroot().iter("validate-jwt")]
    assert len(found) == 1
    children = [child.tag for child in found[0]]
    assert children == sorted(children, key=order.index)
    assert found[0].attrib["require-scheme"] == "Bearer"
    (openid_config,) = found[0].findall("openid-config")
    assert openid_config.attrib["url"] == "{{openid-config-url}}"
    assert [a.text for a in found[0].iter("audience")] == ["{{resource}}"]
    assert [i.text for i in found[0].iter("issuer")] == ["{{issuer}}"]


def test_the_token_is_checked_before_a_server_behind_is_chosen() -> None:
    inbound = parse(APIM / "mcp-api/policy.xml").getroot()[0]
    tags = [child.attrib.get("fragment-id", child.tag) for child in inbound]
    assert tags.index("public-origin") < tags.index("bearer-token") < tags.index("set-backend-service")
    # The origin is part of the challenge. A handshake's server is the API's own, not a policy's.
    handshake = parse(APIM / "ws-api/policy.xml").getroot()[0]
    tags = [child.attrib.get("fragment-id", child.tag) for child in handshake]
    assert tags.index("public-origin") < tags.index("bearer-token")
    assert "set-backend-service" not in tags


def test_every_request_is_forwarded_unbuffered_and_within_the_load_balancers_four_minutes() -> None:
    for path in DOCUMENTS:
        for forward in parse(path).getroot().iter("forward-request"):
            assert forward.attrib["buffer-response"] == "false"
            assert 0 < int(forward.attrib["timeout"]) < 240


def test_every_api_sets_the_public_origin_itself() -> None:
    for path in APIM.glob("*-api/policy.xml"):
        included = [e.attrib["fragment-id"] for e in parse(path).getroot()[0].iter("include-fragment")]
        assert included[0] == "public-origin"


def test_named_values_are_all_defined_and_all_used() -> None:
    text = "".join(path.read_text("utf-8") for path in [*DOCUMENTS, *FRAGMENTS])
    used = set(re.findall(r"\{\{([^}]*)\}\}", text))
    defined = set(re.findall(r'^  "([a-z-]+)": \{$', (APIM / "named-values.json").read_text("utf-8"), re.M))
    # public-url is the gateway's host name: the local one reads it, in Azure it is the custom domain.
    assert used | {"public-url"} == defined
