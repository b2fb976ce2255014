"""The manifests: as Kubernetes takes them, as the servers read their settings, and strict enough."""

import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import kubernetes_validate
import pytest
import yaml

from authserver.settings import Settings as AuthserverSettings
from mcpserver.settings import Settings as McpserverSettings
from serving.server import GRACEFUL_TIMEOUT_SECONDS
from tests.k8s.rendered import (
    FOLDERS,
    K8S,
    SERVERS,
    containers,
    environment,
    of_kind,
    one,
    rendered,
    templates,
)

_VERSION: Final = "1.34"  # the oldest that AKS supports beside 1.35 and 1.36
_CRDS: Final = Path(__file__).with_name("crds")
_SCHEMAS: Final = Path(__file__).with_name("schemas")
_SETTINGS: Final = {"authserver": AuthserverSettings, "mcpserver": McpserverSettings}
# Read by what starts the server or by OpenTelemetry's SDK, not by the settings; docs/settings.md names them.
_BESIDE_THE_SETTINGS: Final = {"AUTHSERVER_SECRETS_DIR", "MCPSERVER_SECRETS_DIR", "OTEL_TRACES_SAMPLER"}
# Secrets of a cluster that anybody may sign in to; nothing in them protects anything.
_PUBLIC_SECRETS: Final = {"overlays/kind"}


def _closed(schema: Any) -> Any:
    """Return a CRD's schema that refuses what it does not name, as strict field validation does."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items() if not name.startswith("x-kubernetes")}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("type") == "object" and "properties" in schema and not is_open:
        closed["additionalProperties"] = False
    return closed


def _custom_schemas() -> dict[tuple[str, str], Any]:
    schemas = {}
    for path in sorted(_CRDS.glob("*.yaml")):
        for crd in yaml.safe_load_all(path.read_text("utf-8")):
            spec = crd["spec"]
            for version in spec["versions"]:
                schema = _closed(version["schema"]["openAPIV3Schema"])
                schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
                schemas[(f"{spec['group']}/{version['name']}", spec["names"]["kind"])] = schema
    for path in sorted(_SCHEMAS.glob("*.json")):
        schema = json.loads(path.read_text("utf-8"))
        properties = schema["properties"]
        schemas[(properties["apiVersion"]["const"], properties["kind"]["const"])] = schema
    return schemas


CUSTOM: Final = _custom_schemas()


def _check(item: dict[str, Any]) -> None:
    schema = CUSTOM.get((item["apiVersion"], item["kind"]))
    if schema is not None:
        jsonschema_rs.validate(schema, item)
    else:
        kubernetes_validate.validate(item, _VERSION, strict=True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_kubernetes_takes_every_object_and_knows_every_field(folder: str) -> None:
    assert rendered(folder)
    for item in rendered(folder):
        _check(item)


def test_the_fixed_workspace_is_one_that_kaito_takes() -> None:
    path = K8S / "kaito" / "kaito-foundry-workspace.yaml"
    workspace = yaml.safe_load(path.read_text("utf-8"))
    assert workspace["resource"]["count"] == 1
    _check(workspace)


@pytest.mark.parametrize("kind", ["Deployment", "InferenceSet", "ScaledObject", "NetworkPolicy"])
def test_a_field_that_nobody_knows_is_noticed(kind: str) -> None:
    folder = next(folder for folder in FOLDERS if of_kind(folder, kind))
    item = of_kind(folder, kind)[0]
    with pytest.raises((jsonschema_rs.ValidationError, kubernetes_validate.ValidationError)):
        _check({**item, "spec": {**item["spec"], "replicaz": 2}})


@pytest.mark.parametrize("server", list(_SETTINGS))
@pytest.mark.parametrize("folder", SERVERS)
def test_each_variable_is_a_setting_and_the_server_takes_its_value(
    folder: str, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = _SETTINGS[server]
    variables = environment(folder, server)
    page = (K8S.parent / "docs" / "settings.md").read_text("utf-8")
    assert [name for name in variables if f"`{name}`" not in page and name not in _BESIDE_THE_SETTINGS] == []
    # What the platform adds: workload identity's variables, and the vault's file.
    token = tmp_path / "token"
    token.write_text("a token", "utf-8")
    added = {
        "AZURE_CLIENT_ID": "22222222-2222-4222-8222-222222222222",
        "AZURE_TENANT_ID": "11111111-1111-4111-8111-111111111111",
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
        "AUTHSERVER_MASTER_SECRET": "ZGV2ZWxvcG1lbnQtb25seS1kZXZlbG9wbWVudC1vbmw=",
    }
    for name, value in {**added, **variables}.items():
        monkeypatch.setenv(name, value)
    made = settings(_env_file=None)
    assert made.host == "0.0.0.0"
    ports = {
        port["containerPort"]
        for t in templates(folder)
        if t["name"] == server
        for c in containers(t)
        if c["name"] == server
        for port in c["ports"]
    }
    assert ports == {made.port}


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_selects_finds(folder: str) -> None:
    pods = [template["metadata"]["labels"].items() for template in templates(folder)]
    for item in rendered(folder):
        spec = item.get("spec", {})
        wanted: dict[str, str] = {}
        if item["kind"] == "Service":
            wanted = spec["selector"]
            if "inferenceset.kaito.sh/created-by" in wanted:
                continue  # Kaito's own pods
        elif item["kind"] in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
            wanted = spec["selector"]["matchLabels"]
            assert wanted
        elif item["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            assert one(folder, target["kind"], target["name"])
            continue
        else:
            continue
        found = [labels for labels in pods if wanted.items() <= labels]
        assert len(found) == 1, item["metadata"]["name"]


@pytest.mark.parametrize("folder", SERVERS)
def test_a_port_that_is_named_exists(folder: str) -> None:
    ports = {
        template["name"]: {port["name"] for c in containers(template) for port in c.get("ports", [])}
        for template in templates(folder)
    }
    for service in of_kind(folder, "Service"):
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in ports[service["metadata"]["name"]]


@pytest.mark.parametrize("folder", SERVERS)
def test_pods_are_confined(folder: str) -> None:
    for template in templates(folder):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        kinds = {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"}
        # What the Pod Security Standard `restricted` lets in, of which we use these.
        assert kinds <= {"configMap", "csi", "emptyDir", "projected", "secret"}
        for container in containers(template):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert re.search(r":[^:/]+$", container["image"]), "a tag"
            assert not container["image"].endswith(":latest")


@pytest.mark.parametrize(
    ("folder", "name", "standard"),
    [*((folder, "mcpstack", "restricted") for folder in SERVERS), ("kaito", "models", "baseline")],
)
def test_everything_is_in_one_namespace_that_enforces_a_standard(
    folder: str, name: str, standard: str
) -> None:
    (namespace,) = of_kind(folder, "Namespace")
    assert namespace["metadata"]["name"] == name
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == standard
    others = [item["metadata"] for item in rendered(folder) if item is not namespace]
    assert [each["name"] for each in others if each.get("namespace") != name] == []


@pytest.mark.parametrize("server", list(_SETTINGS))
def test_pods_are_spread_over_nodes_and_zones_those_of_each_version_by_themselves(server: str) -> None:
    (template,) = (each for each in templates("overlays/azure") if each["name"] == server)
    spread = {each["topologyKey"]: each for each in template["spec"]["topologySpreadConstraints"]}
    assert set(spread) == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for each in spread.values():
        assert each["labelSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        assert each["matchLabelKeys"] == ["pod-template-hash"]


@pytest.mark.parametrize("server", list(_SETTINGS))
def test_a_pod_that_is_stopped_has_time_to_drain(server: str) -> None:
    (template,) = (each for each in templates("overlays/azure") if each["name"] == server)
    (container,) = containers(template)
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    # Azure's load balancer asks every five seconds and believes the second no.
    assert before >= 2 * 5 + 5
    assert template["spec"]["terminationGracePeriodSeconds"] >= before + GRACEFUL_TIMEOUT_SECONDS + 5
    assert McpserverSettings(_env_file=None).drain_seconds < GRACEFUL_TIMEOUT_SECONDS


@pytest.mark.parametrize("server", list(_SETTINGS))
def test_what_all_pods_need_may_be_gone_for_a_minute_and_one_that_hangs_may_not(server: str) -> None:
    (template,) = (each for each in templates("overlays/azure") if each["name"] == server)
    (container,) = containers(template)
    ready, alive = container["readinessProbe"], container["livenessProbe"]
    assert (ready["httpGet"]["path"], alive["httpGet"]["path"]) == ("/readyz", "/healthz")
    assert ready["periodSeconds"] * ready["failureThreshold"] > 60
    # Kubernetes gives up after three, where nothing is said.
    assert alive["periodSeconds"] * alive.get("failureThreshold", 3) <= 30


@pytest.mark.parametrize("server", list(_SETTINGS))
def test_two_pods_at_least_and_no_deployment_changes_how_many(server: str) -> None:
    deployment = one("overlays/azure", "Deployment", server)
    assert "replicas" not in deployment["spec"]
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    scaler = one("overlays/azure", "HorizontalPodAutoscaler", server)
    assert scaler["spec"]["minReplicas"] >= 2
    assert one("overlays/azure", "PodDisruptionBudget", server)["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder not in _PUBLIC_SECRETS])
def test_no_secret_stands_in_a_manifest(folder: str) -> None:
    assert of_kind(folder, "Secret") == []
    for item in of_kind(folder, "ConfigMap"):
        assert not [n for n in item["data"] if n.endswith(("_SECRET", "_PASSWORD", "_API_KEY", "_TOKEN"))]
        assert not [v for v in item["data"].values() if re.search(r"://[^/]*:[^/]*@", v)]


def test_the_service_accounts_are_those_that_azure_knows() -> None:
    subjects = set()
    for path in (K8S.parent / "infra").rglob("*.bicep"):
        subjects |= set(re.findall(r"system:serviceaccount:mcpstack:(\w+)", path.read_text("utf-8")))
    accounts = {item["metadata"]["name"] for item in of_kind("overlays/azure", "ServiceAccount")}
    assert accounts == subjects == set(_SETTINGS)
    for template in templates("overlays/azure"):
        assert template["metadata"]["labels"]["azure.workload.identity/use"] == "true"
        assert template["spec"]["serviceAccountName"] == template["name"]


@pytest.mark.parametrize("folder", ["overlays/azure", "overlays/azure-model"])
def test_every_value_that_azure_gives_is_used_and_nothing_is_left_to_fill_in(folder: str) -> None:
    text = yaml.safe_dump_all(rendered(folder))
    assert "REPLACED" not in text
    assert ".invalid" not in text
    lines = (K8S / folder / "deployment.env").read_text("utf-8").splitlines()
    values = [line.partition("=")[2] for line in lines if line and not line.startswith("#")]
    assert [value for value in values if value not in text] == []


def test_the_master_secret_comes_from_the_vault_under_the_name_of_its_setting() -> None:
    (template,) = (each for each in templates("overlays/azure") if each["name"] == "authserver")
    (container,) = containers(template)
    mount = next(each for each in container["volumeMounts"] if each["name"] == "master-secret")
    assert mount["mountPath"] == environment("overlays/azure", "authserver")["AUTHSERVER_SECRETS_DIR"]
    secrets = yaml.safe_load(
        one("overlays/azure", "SecretProviderClass", "master-secret")["spec"]["parameters"]["objects"]
    )
    assert [yaml.safe_load(each)["objectAlias"] for each in secrets["array"]] == ["AUTHSERVER_MASTER_SECRET"]
