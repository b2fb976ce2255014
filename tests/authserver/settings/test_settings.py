"""Settings: read once, wrong ones stop the start with one line that names the variable and shows no
secret.
"""

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from authserver.errors import SettingsError
from authserver.settings import Settings, load_settings

SECRET = Fernet.generate_key().decode()
REQUIRED = {
    "AUTHSERVER_MASTER_SECRET": SECRET,
    "AZURE_CLIENT_ID": "app",
    "AZURE_TENANT_ID": "11111111-1111-4111-8111-111111111111",
    "AUTHSERVER_ENTRA_CLIENT_SECRET": "the-client-secret",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name in ("REDIS_URL", "AZURE_FEDERATED_TOKEN_FILE", "AUTHSERVER_SECRETS_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.__cause__ is None, "nothing that quotes the value hangs on to the error"
    return message


def test_the_defaults_are_those_of_one_machine(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.public_url == "http://localhost:8080"
    assert settings.endpoint("/token") == "http://localhost:8080/oauth/token"
    assert settings.redis_url is None
    assert settings.signing_algorithm == "RS256"
    assert settings.access_token_lifetime_seconds == 3600
    assert settings.refresh_idle_lifetime_seconds == 30 * 86400
    assert settings.refresh_absolute_lifetime_seconds == 90 * 86400
    (resource,) = settings.resources
    assert resource.uri == "http://localhost:8080/mcp"
    assert list(resource.scopes) == ["mcp:tools", "snippets:read", "snippets:write", "model:invoke"]
    assert resource.default_scopes == ("mcp:tools", "snippets:read", "snippets:write")


def test_a_local_resource_answers_to_every_local_spelling(environment: pytest.MonkeyPatch) -> None:
    (resource,) = load_settings().resources
    spellings = {
        f"http://{host}:{port}{path}"
        for host in ("localhost", "127.0.0.1", "[::1]")
        for port in (8080, 8082)
        for path in ("/mcp", "/mcp/sse")
    }
    assert {resource.uri, *resource.aliases} == spellings


def test_a_public_resource_has_no_local_spellings(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AUTHSERVER_PUBLIC_URL", "https://MCP.example/")
    (resource,) = load_settings().resources
    assert resource.uri == "https://mcp.example/mcp"
    assert resource.aliases == ("https://mcp.example/mcp/sse",)


def test_any_number_of_resources_can_be_configured(environment: pytest.MonkeyPatch) -> None:
    resources = [
        {"uri": "HTTPS://One.example/", "name": "One", "scopes": {"a": "A"}, "default_scopes": ["a"]},
        {
            "uri": "https://two.example/mcp",
            "name": "Two",
            "scopes": {"b": "B"},
            "default_scopes": [],
            "aliases": ["https://two.example:443/sse"],
        },
    ]
    environment.setenv("AUTHSERVER_RESOURCES", json.dumps(resources))
    one, two = load_settings().resources
    assert one.uri == "https://one.example"
    assert two.aliases == ("https://two.example/sse",)


def test_without_a_gateway_the_endpoints_have_no_prefix(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AUTHSERVER_ENDPOINT_PREFIX", "")
    assert load_settings().endpoint("/token") == "http://localhost:8080/token"


def test_an_empty_variable_is_an_unset_one(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REDIS_URL", "")
    environment.setenv("AUTHSERVER_PORT", "")
    settings = load_settings()
    assert settings.redis_url is None
    assert settings.port == 8081


@pytest.mark.parametrize(
    "missing",
    ["AUTHSERVER_MASTER_SECRET", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AUTHSERVER_ENTRA_CLIENT_SECRET"],
)
def test_what_is_required_and_missing_is_named(environment: pytest.MonkeyPatch, missing: str) -> None:
    environment.delenv(missing)
    assert refusal().startswith(missing)


def test_a_federated_token_file_replaces_the_client_secret(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AUTHSERVER_ENTRA_CLIENT_SECRET")
    environment.setenv("AZURE_FEDERATED_TOKEN_FILE", "/var/run/token")
    assert load_settings().azure_federated_token_file == Path("/var/run/token")


@pytest.mark.requirement("RFC8414-2-issuer")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTHSERVER_PUBLIC_URL", "http://mcp.example"),
        ("AUTHSERVER_PUBLIC_URL", "https://mcp.example/path"),
        ("AUTHSERVER_PUBLIC_URL", "https://mcp.example?x=1"),
        ("AUTHSERVER_PUBLIC_URL", "https://user@mcp.example"),
        ("AUTHSERVER_PUBLIC_URL", "mcp.example"),
        ("AUTHSERVER_PUBLIC_URL", "https://mcp.example:port"),
        ("AUTHSERVER_PUBLIC_URL", "https://[::1"),
        ("AUTHSERVER_ENDPOINT_PREFIX", "oauth"),
        ("AUTHSERVER_ENDPOINT_PREFIX", "/oauth/"),
        ("AUTHSERVER_PORT", "tcp://10.0.0.1:8081"),
        ("AUTHSERVER_PORT", "70000"),
        ("AUTHSERVER_WORKERS", "0"),
        ("AUTHSERVER_LOG_FORMAT", "xml"),
        ("AUTHSERVER_MASTER_SECRET", "not-a-fernet-key"),
        ("AUTHSERVER_MASTER_SECRET", SECRET + ",ünsinn"),
        ("AUTHSERVER_MASTER_SECRET", ","),
        ("AUTHSERVER_RESOURCES", "{not json"),
        ("AUTHSERVER_RESOURCES", '{"uri": 1}'),
        ("AUTHSERVER_RESOURCES", '[{"uri": "https://a"}]'),
        ("AUTHSERVER_RESOURCES", '[{"uri":"/mcp","name":"x","scopes":{"a":"A"},"default_scopes":[]}]'),
        ("AUTHSERVER_RESOURCES", '[{"uri":"https://a#b","name":"x","scopes":{"a":"A"},"default_scopes":[]}]'),
        (
            "AUTHSERVER_RESOURCES",
            '[{"uri":"https://a","name":"x","scopes":{"a":"A"},"default_scopes":["b"]}]',
        ),
        ("AUTHSERVER_RESOURCES", '[{"uri":"https://a","name":"x","scopes":{},"default_scopes":[]}]'),
        ("AUTHSERVER_RESOURCE_ALIASES", '["not a uri"]'),
        ("AUTHSERVER_SIGNING_ALGORITHM", "HS256"),
        ("AUTHSERVER_ACCESS_TOKEN_LIFETIME_SECONDS", "0"),
        ("AUTHSERVER_ACCESS_TOKEN_LIFETIME_SECONDS", "100000"),
        ("AUTHSERVER_REFRESH_ABSOLUTE_LIFETIME_SECONDS", "3600"),
        ("AUTHSERVER_CODE_LIFETIME_SECONDS", "601"),
        ("AUTHSERVER_ENTRA_AUTHORITY", "http://login.example"),
        ("AUTHSERVER_ALLOWED_TENANTS", '["a"]'),
        ("REDIS_URL", "http://redis"),
        ("AUTHSERVER_SECRETS_DIR", "/nowhere/at/all"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_variable(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    assert refusal().startswith(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTHSERVER_MASTER_SECRET", "a-secret-that-is-wrong"),
        ("REDIS_URL", "http://:a-secret-that-is-wrong@redis"),
    ],
)
def test_the_value_of_a_secret_is_never_shown(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    assert "a-secret-that-is-wrong" not in refusal()


def test_two_resources_cannot_share_a_name(environment: pytest.MonkeyPatch) -> None:
    one = {"uri": "https://a.example/x", "name": "x", "scopes": {"a": "A"}, "default_scopes": []}
    two = {**one, "uri": "https://b.example", "aliases": ["https://A.example:443/x"]}
    environment.setenv("AUTHSERVER_RESOURCES", json.dumps([one, two]))
    assert refusal().startswith("AUTHSERVER_RESOURCES")


def test_every_wrong_variable_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AUTHSERVER_PORT", "x")
    environment.setenv("AUTHSERVER_WORKERS", "y")
    message = refusal()
    assert "AUTHSERVER_PORT" in message
    assert "AUTHSERVER_WORKERS" in message


def test_secrets_can_come_as_files(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    environment.setenv("AUTHSERVER_SECRETS_DIR", str(folder))
    for name in ("AUTHSERVER_MASTER_SECRET", "AUTHSERVER_ENTRA_CLIENT_SECRET", "AZURE_CLIENT_ID"):
        (folder / name).write_text(REQUIRED[name] + "\n")
        environment.delenv(name)
    (folder / "REDIS_URL").write_text("rediss://:password@redis:6380/0\n")
    settings = load_settings()
    assert settings.master_secrets == (SECRET,)
    assert settings.azure_client_id == "app"
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "rediss://:password@redis:6380/0"


def test_the_environment_is_stronger_than_dotenv_and_dotenv_than_files(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    environment.setenv("AUTHSERVER_SECRETS_DIR", str(folder))
    for name in ("AUTHSERVER_PORT", "AUTHSERVER_WORKERS", "AUTHSERVER_HOST"):
        (folder / name).write_text("1")
    (tmp_path / ".env").write_text("AUTHSERVER_PORT=2\nAUTHSERVER_WORKERS=2\nUNRELATED=x\n")
    environment.setenv("AUTHSERVER_PORT", "3")
    settings = load_settings()
    assert (settings.port, settings.workers, settings.host) == (3, 2, "1")


def test_a_dotenv_that_is_no_text_is_refused(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    assert ".env" in refusal()


def test_several_master_secrets_come_in_their_order(environment: pytest.MonkeyPatch) -> None:
    second = Fernet.generate_key().decode()
    environment.setenv("AUTHSERVER_MASTER_SECRET", f" {second} , {SECRET} ,")
    assert load_settings().master_secrets == (second, SECRET)


def test_printed_settings_show_no_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REDIS_URL", "redis://:the-password@redis")
    printed = f"{load_settings()!r} {load_settings()}"
    for secret in (SECRET, "the-client-secret", "the-password"):
        assert secret not in printed


def test_settings_do_not_change(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.port = 1


def test_every_setting_says_what_it_is() -> None:
    source = Path(__file__).parents[3] / "authserver" / "settings.py"
    text = source.read_text()
    for name in Settings.model_fields:
        assert f"    {name}: " in text
    assert text.count('\n    """') >= len(Settings.model_fields)
