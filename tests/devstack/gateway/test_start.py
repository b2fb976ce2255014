"""What the gateway does not understand to the last attribute stops its start, with file and line."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from devstack.gateway import apim_folder
from devstack.gateway.errors import ConfigurationError
from devstack.gateway.server import DEFAULT_FOLDER

POLICY = "mcp-api/policy.xml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "apim"
    shutil.copytree(DEFAULT_FOLDER, copy)
    return copy


def refusal(folder: Path, **values: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        apim_folder.load(folder, values)
    return str(caught.value)


def edit(folder: Path, name: str, old: str, new: str) -> int:
    """Replace the first occurrence; return its line."""
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_folder_as_it_is_loads(folder: Path) -> None:
    assert len(apim_folder.load(folder, {}).routes) > 30


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<base />", "<set-body>x</set-body>", "does not know the policy <set-body>"),
        ("<base />", "<base id='x' y='z' />", "unknown attribute y"),
        ("<base />", '<send-request mode="new" />', "does not know the policy <send-request>"),
        ("<base />", '<set-variable name="x" />', "needs the attribute value"),
        ("<base />", '<set-variable name="x" value="y">text</set-variable>', "text between"),
        ("<base />", '<set-variable name="x" value="y" scope="z" />', "unknown attribute scope"),
        ("<base />", '<set-variable name="@(1)" value="y" />', "must be a literal"),
        ("<base />", '<set-header name="X"><value>1</value><x /></set-header>', "unknown element <x>"),
        (
            "<base />",
            '<set-header name="X" exists-action="replace"><value>1</value></set-header>',
            "is one of override",
        ),
        (
            "<base />",
            '<set-header name="X" exists-action="delete"><value>1</value></set-header>',
            "do not go together",
        ),
        ("<base />", '<set-header name="X" />', "do not go together"),
        (
            "<base />",
            '<set-header name="Content-Length"><value>1</value></set-header>',
            "no header that can be set",
        ),
        ("<base />", '<set-header name="X Y"><value>1</value></set-header>', "no header that can be set"),
        ("<base />", '<include-fragment fragment-id="nobody" />', "there is no fragment 'nobody'"),
        ("<base />", "<forward-request buffer-response='false' />", "not allowed in inbound"),
        ("<base />", "<choose></choose>", "at least one <when>"),
        ("<base />", '<choose><when condition="true"><x /></when></choose>', "does not know the policy <x>"),
        ("<base />", '<choose><otherwise /><when condition="true" /></choose>', "stands too late"),
        ("<base />", '<choose><when condition="perhaps" /></choose>', "neither true nor false"),
        ("<base />", "<return-response />", "needs a <set-status>"),
        (
            "<base />",
            '<return-response><set-status code="99" reason="x" /></return-response>',
            "no final HTTP status",
        ),
        ("<base />", '<set-backend-service base-url="https://x" />', "no TLS"),
        ("<base />", '<set-backend-service backend-id="x" />', "needs the attribute base-url"),
        ("<base />", '<rewrite-uri template="/x/{id}" />', "no plain path"),
        ("<base />", '<rewrite-uri template="x" />', "no plain path"),
        (
            "<base />",
            "<cors><allowed-origins><origin>*</origin></allowed-origins><allowed-headers><header>*</header></allowed-headers></cors>",
            "first inbound policy",
        ),
        (
            "<base />",
            '<rate-limit-by-key calls="0" renewal-period="60" counter-key="x" />',
            "must be positive",
        ),
        ("<base />", '<rate-limit-by-key calls="1" renewal-period="301" counter-key="x" />', "1 to 300"),
        (
            "<base />",
            '<rate-limit-by-key calls="1.5" renewal-period="60" counter-key="x" />',
            "no whole number",
        ),
        ("<base />", '<rate-limit-by-key calls="1" renewal-period="60" />', "counter-key"),
        ("<base />", '<set-variable name="x" value="{{nobody}}" />', "named value 'nobody' is not defined"),
        ("<base />", '<set-variable name="x" value="@{ return 1; }" />', "an expression is @(…)"),
        ("<base />", '<set-variable name="x" value="@(1) and more" />', "an expression is @(…)"),
        ("<base />", '<set-variable name="x" value="@(1 +)" />', "not in the known part of C#"),
        ("<base />", '<set-variable name="x" value="@(new Guid())" />', "not in the known part of C#"),
        ("<base />", '<set-variable name="x" value="@(context.User.Id)" />', "no known property User"),
        ("<base />", '<set-variable name="x" value="@(System.DateTime)" />', "System is not defined"),
        ('"false">', '"maybe">', "is one of true, false"),
        ("<origin>*</origin>", "<origin>*</origin><origin>http://x</origin>", "* stands alone"),
        ("<origin>*</origin>", "", "at least one <origin>"),
        ('timeout="230"', 'timeout="241"', "timeout must be 1 to 240"),
        ('timeout="230"', 'timeout="0"', "timeout must be 1 to 240"),
        ('buffer-response="false"', 'buffer-response="true"', "never buffers"),
        (' buffer-response="false"', "", "never buffers"),
        ("<policies>", "<?php?><policies>", "processing instruction"),
        ("<policies>", "<policies x='y'>", "unknown attribute x"),
        ("<policies>", "<!DOCTYPE x [<!ENTITY y 'z'>]><policies>", "document type"),
        ("<inbound>", "<inbound>text", "text between"),
        ("<outbound>", "<inbound />\n    <outbound>", "stands too late"),
        ("</policies>", "</polices>", "not well-formed XML"),
        ("&quot;/&quot;", '"/"', "not well-formed XML"),
    ],
)
def test_a_policy_that_is_not_understood_is_named_with_file_and_line(
    folder: Path, old: str, new: str, message: str
) -> None:
    edit(folder, POLICY, old, new)
    text = refusal(folder)
    assert message in text
    assert re.match(re.escape(f"{folder / POLICY}:") + r"\d+: ", text)


def test_the_line_is_that_of_the_mistake(folder: Path) -> None:
    line = edit(folder, POLICY, "<base />", '<set-variable name="x" value="@(context.Nothing)" />')
    assert refusal(folder).startswith(f"{folder / POLICY}:{line}: ")


def test_the_line_is_that_of_the_mistake_inside_a_long_expression(folder: Path) -> None:
    name = "fragments/challenge.xml"
    line = edit(folder, name, "context.LastError.Reason ==", "context.LastError.Cause ==")
    assert refusal(folder).startswith(f"{folder / name}:{line}: ")


@pytest.mark.parametrize("section", ["inbound", "backend", "outbound", "on-error"])
def test_a_missing_section_is_refused(folder: Path, section: str) -> None:
    path = folder / "root-api/operations/legacy-authorize.xml"
    text = path.read_text("utf-8")
    path.write_text(re.sub(rf"    <{section}>.*?</{section}>\n", "", text, flags=re.S), "utf-8")
    assert f"the section <{section}> is missing" in refusal(folder)


@pytest.mark.parametrize(
    "inside", ["<base />", '<include-fragment fragment-id="address-limit" />', "<inbound />", "<unknown />"]
)
def test_a_fragment_holds_policies_only(folder: Path, inside: str) -> None:
    line = edit(folder, "fragments/bearer-token.xml", "    <rate-limit", f"    {inside}\n    <rate-limit")
    assert refusal(folder).startswith(f"{folder / 'fragments/bearer-token.xml'}:{line}: ")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "<issuers>",
            "<required-claims><claim name='x'><value>y</value></claim></required-claims><issuers>",
            "too late",
        ),
        ("<openid-config", "<issuer-signing-keys /><openid-config", "unknown element <issuer-signing-keys>"),
        ('header-name="Authorization"', 'query-parameter-name="token"', "needs the attribute header-name"),
        ('clock-skew="30"', 'clock-skew="soon"', "no whole number"),
        ('clock-skew="30"', 'require-signed-tokens="false"', "unknown attribute require-signed-tokens"),
        ("<audience>{{resource}}</audience>", "", "at least one <audience>"),
        (
            "<audience>{{resource}}</audience>",
            "<audience>@(context.Request.OriginalUrl.Host)</audience>",
            "needs a literal",
        ),
    ],
)
def test_validate_jwt_is_read_to_the_last_attribute(folder: Path, old: str, new: str, message: str) -> None:
    edit(folder, "fragments/bearer-token.xml", old, new)
    assert message in refusal(folder)


def test_a_fragment_that_nothing_includes_is_refused(folder: Path) -> None:
    (folder / "fragments/left-over.xml").write_text("<fragment><x /></fragment>", "utf-8")
    assert "left-over.xml:1: the fragment is included nowhere" in refusal(folder)


def test_an_operation_policy_without_its_operation_is_refused(folder: Path) -> None:
    shutil.copy(folder / "root-api/operations/legacy-authorize.xml", folder / "mcp-api/operations.xml")
    (folder / "mcp-api/operations").mkdir()
    shutil.move(folder / "mcp-api/operations.xml", folder / "mcp-api/operations/nobody.xml")
    assert "nobody.xml: belongs to no operation of the API" in refusal(folder)


def test_an_unknown_named_value_on_the_command_line_is_refused(folder: Path) -> None:
    assert "there is no named value 'nobody'" in refusal(folder, nobody="x")


def test_a_named_value_cannot_end_the_expression_it_stands_in(folder: Path) -> None:
    assert "not in the known part of C#" in refusal(folder, issuer="http://x\" + context.Request.Method + '")


def test_issuer_and_resource_follow_the_public_url_unless_given(folder: Path) -> None:
    values = apim_folder.load(folder, {"public-url": "https://x", "issuer": "https://y"}).values
    assert (values["issuer"], values["resource"]) == ("https://y", "https://x/mcp")


def test_where_the_keys_are_follows_the_authorization_server_unless_given(folder: Path) -> None:
    overrides = {"authserver-url": "http://127.0.0.1:9"}
    values = apim_folder.load(folder, overrides).values
    assert values["openid-config-url"] == "http://127.0.0.1:9/.well-known/openid-configuration"
    given = apim_folder.load(folder, {**overrides, "openid-config-url": "http://127.0.0.1:8/keys"}).values
    assert given["openid-config-url"] == "http://127.0.0.1:8/keys"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"x-service-url"',
            '"x-other-url"',
            "is no OpenAPI document with one server: KeyError('x-service-url')",
        ),
        ("{{mcpserver-url}}", "{{elsewhere}}", "named value 'elsewhere' is not defined"),
        ("{{mcpserver-url}}", "wss://example.com", "must be http://host"),
    ],
)
def test_a_websocket_api_names_its_server(folder: Path, old: str, new: str, message: str) -> None:
    edit(folder, "ws-api/openapi.json", old, new)
    assert message in refusal(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["paths"]["/"].update(options={"operationId": "x"}), "'options' is no operation here"),
        (lambda d: d["paths"].update({"/a/{id}": {"get": {"operationId": "x"}}}), "cannot be routed"),
        (lambda d: d["paths"].update({"/*/b": {"get": {"operationId": "x"}}}), "cannot be routed"),
        (lambda d: d["paths"].update({"/b": {"get": {"operationId": "mcp-post"}}}), "is there twice"),
        (lambda d: d["paths"].update({"/b": {"get": {}}}), "no OpenAPI document"),
        (lambda d: d.pop("servers"), "no OpenAPI document"),
    ],
)
def test_an_api_definition_that_cannot_be_routed_is_refused(folder: Path, change: Any, message: str) -> None:
    path = folder / "mcp-api/openapi.json"
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")
    assert message in refusal(folder)


def test_missing_and_broken_files_are_named(folder: Path) -> None:
    (folder / "named-values.json").write_text("[]", "utf-8")
    assert "named-values.json: must be an object" in refusal(folder)
    (folder / "named-values.json").unlink()
    assert "named-values.json: cannot be read: No such file" in refusal(folder)
    assert "cannot be read" in refusal(folder / "nowhere")
