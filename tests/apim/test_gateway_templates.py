"""What the Bicep templates deploy is what the local gateway runs: every file, under its name, in an order
that API Management can save.
"""

import json
import re
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import parse

import pytest

from tests.support import bicep
from tests.support.bicep import BicepFile, Declaration, literal, properties, text

_REPOSITORY: Final = Path(__file__).parents[2]
_APIM: Final = _REPOSITORY / "apim"
# In the order in which they are run.
_TEMPLATES: Final = ("apis.bicep", "mcp-apis.bicep")
_APIS: Final = sorted(path.parent.name for path in _APIM.glob("*-api/openapi.json"))
_LOADED: Final = re.compile(r"load(?:Text|Json)Content\('([^']+)'\)")
_TYPE: Final = "Microsoft.ApiManagement/service"


def _files() -> dict[str, BicepFile]:
    return {name: bicep.read(_APIM / name) for name in _TEMPLATES}


def _loaded(template: str) -> list[str]:
    return _LOADED.findall((_APIM / template).read_text("utf-8"))


def _resources(kind: str) -> dict[str, Declaration]:
    """Return the resources of a kind that are made, by name in the file."""
    return {
        found.name: found
        for file in _files().values()
        for found in file.resources.values()
        if found.target.split("@")[0] == _TYPE + kind and not found.existing
    }


def _api_of(declaration: Declaration) -> str:
    """Return the API's name that a policy's parents end at."""
    everything = {name: found for file in _files().values() for name, found in file.resources.items()}
    while declaration.target.split("@")[0] != f"{_TYPE}/apis":
        parent = re.sub(r"\[.*", "", text(declaration.value("parent")))
        declaration = everything[parent]
    name = literal(declaration.value("name"))
    assert name is not None
    return name


def _variable(template: str, name: str) -> dict[str, str]:
    """Return an object variable's members as they are written."""
    body = _files()[template].variables[name].body
    assert body is not None
    return {key: text(value) for key, value in properties(body).items()}


def test_every_file_of_the_folder_is_deployed_once_and_nothing_else_is() -> None:
    files = {str(path.relative_to(_APIM)) for path in _APIM.rglob("*") if path.suffix in (".json", ".xml")}
    loaded = [name for template in _TEMPLATES for name in _loaded(template)]
    assert sorted(loaded) == sorted(files)


def test_fragments_and_operations_are_named_after_their_files() -> None:
    for template, variable, folder in (
        ("apis.bicep", "fragments", "fragments"),
        ("mcp-apis.bicep", "fragments", "fragments"),
        ("apis.bicep", "rootOperationPolicies", "root-api/operations"),
    ):
        for name, value in _variable(template, variable).items():
            assert value == f"loadTextContent('{folder}/{name}.xml')"


def test_an_api_has_the_name_path_and_definition_of_its_folder() -> None:
    found = {}
    for api in _resources("/apis").values():
        name = literal(api.value("name"))
        assert name is not None
        found[name] = api
        document = json.loads((_APIM / name / "openapi.json").read_text("utf-8"))
        assert literal(api.value("properties.path")) == document["servers"][0]["url"].strip("/")
        if document.get("x-api-type") == "websocket":
            assert text(api.value("properties.protocols")) == "['wss']"
            assert literal(api.value("properties.apiType")) == "websocket"
        else:
            assert text(api.value("properties.protocols")) == "['https']"
            assert literal(api.value("properties.format")) == "openapi+json"
            assert text(api.value("properties.value")) == f"loadTextContent('{name}/openapi.json')"
    assert sorted(found) == _APIS


def test_each_api_has_its_own_policy_and_the_handshake_has_that_of_the_websocket_api() -> None:
    policies = {
        _api_of(policy): text(policy.value("properties.value"))
        for policy in _resources("/apis/policies").values()
    }
    handshake = _resources("/apis/operations/policies")["handshakePolicy"]
    policies[_api_of(handshake)] = text(handshake.value("properties.value"))
    assert policies == {api: f"loadTextContent('{api}/policy.xml')" for api in _APIS}
    # API Management makes this operation itself; an API-wide policy would not be run for it.
    operation = _files()["mcp-apis.bicep"].resources["handshake"]
    assert operation.existing
    assert literal(operation.value("name")) == "onHandshake"


def test_everything_is_sent_as_xml_not_as_raw_xml() -> None:
    kinds = ("/apis/policies", "/apis/operations/policies", "/policyFragments")
    declarations = [found for kind in kinds for found in _resources(kind).values()]
    assert len(declarations) == 7
    assert {literal(found.value("properties.format")) for found in declarations} == {"xml"}


def test_every_named_value_gets_a_value_and_no_other_is_made() -> None:
    names = json.loads((_APIM / "named-values.json").read_text("utf-8")).keys()
    assert _variable("apis.bicep", "values").keys() == names


def test_the_first_template_saves_nothing_that_needs_an_authorization_server() -> None:
    for name in _loaded("apis.bicep"):
        assert "<validate-jwt" not in (_APIM / name).read_text("utf-8"), name
    assert "fragments/bearer-token.xml" in _loaded("mcp-apis.bicep")


def test_what_a_policy_includes_is_saved_before_it() -> None:
    saved: set[str] = set()
    for template in _TEMPLATES:
        saved |= {Path(name).stem for name in _loaded(template) if name.startswith("fragments/")}
        for name in _loaded(template):
            if name.endswith(".xml"):
                included = {e.attrib["fragment-id"] for e in parse(_APIM / name).iter("include-fragment")}
                assert included <= saved, name


@pytest.mark.parametrize(
    ("template", "later", "earlier"),
    [
        ("apis.bicep", "fragment", "namedValue"),
        ("apis.bicep", "rootPolicy", "fragment"),
        ("apis.bicep", "authPolicy", "fragment"),
        ("apis.bicep", "rootOperationPolicy", "rootPolicy"),
        ("apis.bicep", "authApi", "rootOperationPolicy"),
        ("apis.bicep", "rootApi", "traces"),
        ("apis.bicep", "rootApi", "lines"),
        ("mcp-apis.bicep", "mcpApi", "tokenFragment"),
        ("mcp-apis.bicep", "webSocketApi", "mcpPolicy"),
    ],
)
def test_one_thing_is_saved_after_the_other(template: str, later: str, earlier: str) -> None:
    needed = _files()[template].resources[later].value("dependsOn")
    assert earlier in [text(item) for item in bicep.items(needed)]


def test_loops_go_one_by_one() -> None:
    for file in _files().values():
        for found in file.resources.values():
            if "[\n  for " in found.text and not found.existing:
                assert "batchSize(1)" in found.decorators, found.name


def test_no_api_wants_a_subscription_key_and_there_are_no_products() -> None:
    for api in _resources("/apis").values():
        assert text(api.value("properties.subscriptionRequired")) == "false"
    kinds = {found.target for file in _files().values() for found in file.resources.values()}
    assert not [kind for kind in kinds if "products" in kind or "subscriptions" in kind]


def test_telemetry_has_no_bodies_no_headers_and_nothing_of_the_query() -> None:
    variables = _files()["apis.bicep"].variables
    assert text(variables["nothing"].body) == "{ headers: [], body: { bytes: 0 } }"
    assert "union(nothing, { dataMasking: { queryParams: [{ mode: 'Hide', value: '*' }] } })" in (
        variables["nothingOfTheQuery"].text
    )
    assert text(variables["message"].body) == "{ request: nothingOfTheQuery, response: nothing }"
    diagnostics = _resources("/diagnostics")
    assert {literal(found.value("name")) for found in diagnostics.values()} == {
        "applicationinsights",
        "azuremonitor",
    }
    for found in diagnostics.values():
        assert text(found.value("properties.frontend")) == "message"
        assert text(found.value("properties.backend")) == "message"
        assert literal(found.value("properties.verbosity")) in {"error", "information"}
        assert literal(found.value("properties.alwaysLog")) == "allErrors"
    assert literal(diagnostics["traces"].value("properties.httpCorrelationProtocol")) == "W3C"


def test_every_parameter_without_a_default_is_put_out_by_the_infrastructure() -> None:
    outputs = bicep.read(_REPOSITORY / "infra/main.bicep").outputs
    for file in _files().values():
        for name in file.required:
            assert re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() in outputs


def test_old_tls_is_off_wherever_it_can_be() -> None:
    source = (_APIM / "service.bicep").read_text("utf-8")
    for side in ("Protocols", "Backend.Protocols"):
        for version in ("Tls10", "Tls11"):
            assert f"'${{security}}.{side}.{version}': 'false'" in source
    assert "'true'" not in source
