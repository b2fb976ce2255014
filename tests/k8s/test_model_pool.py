"""The model's pool: what KEDA, Kaito and the servers have to agree on, where no schema can see it."""

import json
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY

import mcpserver.metrics  # noqa: F401  its numbers are in the registry then
from tests.k8s.rendered import K8S, environment, of_kind, one

_MODEL: Final = "overlays/azure-model"
_INFRA: Final = K8S.parent / "infra"
_CRDS: Final = Path(__file__).with_name("crds")


def _queries() -> list[str]:
    triggers = one(_MODEL, "ScaledObject", "phi-3")["spec"]["triggers"]
    return [trigger["metadata"]["query"] for trigger in triggers]


def _names(query: str) -> set[str]:
    found: set[str] = set()

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.name)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.add(node.vector_selector.name)
        return True

    promql_parser.walk(promql_parser.parse(query), visit)
    return found


@pytest.mark.parametrize("query", _queries())
def test_keda_asks_for_numbers_that_the_server_has(query: str) -> None:
    names = _names(query)
    assert names
    assert names <= set(REGISTRY._names_to_collectors)


@pytest.mark.parametrize("query", _queries())
def test_keda_gets_one_number_however_many_servers_there_are_and_with_none(query: str) -> None:
    expression: Any = promql_parser.parse(query)
    assert str(expression.op) == "or"
    assert str(expression.rhs) == "vector(0)"
    alternatives = [expression.lhs]
    while isinstance(alternatives[0], promql_parser.BinaryExpr):
        assert str(alternatives[0].op) == "or"
        alternatives[:1] = [alternatives[0].lhs, alternatives[0].rhs]
    # Aggregated over everything: no labels are left, so that what follows "or" is heard only instead of it.
    for each in alternatives:
        assert isinstance(each, promql_parser.AggregateExpr)
        assert each.modifier is None


def test_an_autoscaler_can_scale_what_keda_names() -> None:
    target = one(_MODEL, "ScaledObject", "phi-3")["spec"]["scaleTargetRef"]
    (crd,) = yaml.safe_load_all((_CRDS / "inferencesets.yaml").read_text("utf-8"))
    (version,) = (
        each for each in crd["spec"]["versions"] if target["apiVersion"] == f"kaito.sh/{each['name']}"
    )
    # Without the selector's path, Kubernetes' autoscaler refuses to scale.
    assert set(version["subresources"]["scale"]) == {
        "labelSelectorPath",
        "specReplicasPath",
        "statusReplicasPath",
    }


def test_while_prometheus_is_away_what_runs_goes_on_running_and_nothing_starts() -> None:
    fallback = one(_MODEL, "ScaledObject", "phi-3")["spec"]["fallback"]
    assert fallback["behavior"] == "currentReplicas"
    # A fallback to 0 is none to KEDA: it would end the model.
    assert fallback["replicas"] > 0


def test_keda_asks_as_the_identity_that_may() -> None:
    trigger = one(_MODEL, "TriggerAuthentication", "prometheus")
    assert trigger["spec"]["podIdentity"]["provider"] == "azure-workload"
    for each in one(_MODEL, "ScaledObject", "phi-3")["spec"]["triggers"]:
        assert each["authenticationRef"] == {"name": trigger["metadata"]["name"]}
    text = "".join(path.read_text("utf-8") for path in _INFRA.rglob("*.bicep"))
    assert "system:serviceaccount:kube-system:keda-operator" in text


def test_the_fixed_workspace_is_the_same_model_on_the_same_nodes() -> None:
    path = K8S / "kaito" / "kaito-foundry-workspace.yaml"
    text = path.read_text("utf-8")
    workspace, chosen = yaml.safe_load(text), one(_MODEL, "InferenceSet", "phi-3")["spec"]
    assert workspace["resource"]["labelSelector"] == chosen["labelSelector"]
    assert workspace["resource"]["instanceType"] == chosen["template"]["resource"]["instanceType"]
    assert workspace["inference"] == chosen["template"]["inference"]
    # Kaito names the service after it.
    assert f"MCPSERVER_MODEL_URL=http://{workspace['metadata']['name']}.models/v1" in text


def test_the_servers_find_each_other_and_the_model() -> None:
    variables = environment("overlays/azure", "mcpserver")
    model = one(_MODEL, "Service", "phi-3")["metadata"]
    assert variables["MCPSERVER_MODEL_URL"] == f"http://{model['name']}.{model['namespace']}/v1"
    (port,) = one("overlays/azure", "Service", "authserver")["spec"]["ports"]
    for name in ("MCPSERVER_JWKS_URL", "MCPSERVER_REVOCATION_URL"):
        url = urlsplit(variables[name])
        assert (url.scheme, url.hostname, url.port or 80) == ("http", "authserver", port["port"])


def test_the_server_answers_to_the_name_by_which_the_gateway_calls_it() -> None:
    dns = (_INFRA / "modules" / "dns.bicep").read_text("utf-8")
    zone = dns.partition("internalName = '")[2].partition("'")[0]
    (host,) = json.loads(environment("overlays/azure", "mcpserver")["MCPSERVER_ALLOWED_HOSTS"])
    assert host == f"mcpserver.{zone}"


def test_nobody_waits_for_a_measurement() -> None:
    annotations = one(_MODEL, "InferenceSet", "phi-3")["metadata"]["annotations"]
    assert annotations["kaito.sh/disable-benchmark"] == "true"


def test_no_other_number_of_replicas_is_written_anywhere() -> None:
    assert [item["spec"]["replicas"] for item in of_kind(_MODEL, "InferenceSet")] == [0]
    assert of_kind(_MODEL, "HorizontalPodAutoscaler") == []


def test_what_is_kept_of_the_models_numbers_is_what_the_dashboard_asks_for() -> None:
    (endpoint,) = one(_MODEL, "PodMonitor", "model")["spec"]["podMetricsEndpoints"]
    (rule,) = endpoint["metricRelabelings"]
    dashboard = (K8S.parent / "monitoring" / "grafana-dashboard.json").read_text("utf-8")
    asked = set(re.findall(r"vllm:\w+", dashboard))
    assert asked
    assert [name for name in asked if not re.fullmatch(rule["regex"], name)] == []
