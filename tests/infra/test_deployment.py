"""What is drawn has its file, what scripts and manifests ask for is put out, azd's hooks can be run."""

import os
import re
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.support import bicep

_REPOSITORY: Final = Path(__file__).parents[2]
_INFRA: Final = _REPOSITORY / "infra"
_VALUES: Final = _REPOSITORY / "k8s" / "overlays" / "azure" / "deployment.env"

# Every resource of the deployment diagram: the file that makes it, and what shows it there.
_DRAWN: Final = {
    "Resource Group": ("infra/main.bicep", "Microsoft.Resources/resourceGroups"),
    "Virtual Network": ("infra/modules/network.bicep", "Microsoft.Network/virtualNetworks"),
    "System Subnet": ("infra/modules/network.bicep", "10.240.0.0/16"),
    "GPU Subnet": ("infra/modules/network.bicep", "10.241.0.0/16"),
    "AKS Cluster": ("infra/modules/aks.bicep", "Microsoft.ContainerService/managedClusters"),
    "System Node Pool": ("infra/modules/aks.bicep", "minCount: 2\n        maxCount: 4"),
    "GPU Node Pool": ("infra/modules/gpu-pool.bicep", "karpenterPrincipalId"),
    "Azure Container Registry": ("infra/modules/registry.bicep", "sku: { name: 'Standard' }"),
    "API Management": ("apim/service.bicep", "Microsoft.ApiManagement/service@"),
    "Storage Account": ("infra/modules/storage.bicep", "sku: { name: 'Standard_LRS' }"),
    "Blob Service": ("infra/modules/storage.bicep", "name: 'snippets'"),
    "Log Analytics Workspace": ("infra/modules/monitoring.bicep", "Microsoft.OperationalInsights/workspaces"),
    "Application Insights": ("infra/modules/monitoring.bicep", "Microsoft.Insights/components"),
    "AKS Managed Identity": ("infra/modules/cluster-identity.bicep", "userAssignedIdentities@"),
    "MCP Workload Identity": ("infra/modules/identities.bicep", "system:serviceaccount:mcpstack:mcpserver"),
    "APIM Managed Identity": ("infra/modules/gateway-identity.bicep", "userAssignedIdentities@"),
}

# The names that scripts and manifests rely on; azd keeps them in its environment.
_OUTPUTS: Final = frozenset(
    {
        "ACR_LOGIN_SERVER",
        "ACR_NAME",
        "AKS_CLUSTER_NAME",
        "AKS_NODE_RESOURCE_GROUP",
        "AKS_OIDC_ISSUER",
        "API_APP_CLIENT_ID",
        "APIM_GATEWAY_URL",
        "APIM_IDENTITY_CLIENT_ID",
        "APIM_NAME",
        "APIM_SUBNET_PREFIX",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "AUTHSERVER_IDENTITY_CLIENT_ID",
        "AUTHSERVER_INTERNAL_IP",
        "AUTHSERVER_INTERNAL_URL",
        "AUTHSERVER_REDIS_URL",
        "AZURE_LOCATION",
        "AZURE_RESOURCE_GROUP",
        "AZURE_SUBSCRIPTION_ID",
        "AZURE_TENANT_ID",
        "GPU_SUBNET_ID",
        "KARPENTER_IDENTITY_CLIENT_ID",
        "KEDA_IDENTITY_CLIENT_ID",
        "KEY_VAULT_NAME",
        "LOGIN_APP_CLIENT_ID",
        "MCPSERVER_IDENTITY_CLIENT_ID",
        "MCPSERVER_INTERNAL_IP",
        "MCPSERVER_INTERNAL_URL",
        "MCPSERVER_REDIS_URL",
        "PROMETHEUS_QUERY_ENDPOINT",
        "STORAGE_ACCOUNT_URL",
    }
)


def _main() -> bicep.BicepFile:
    return bicep.read(_INFRA / "main.bicep")


@pytest.mark.parametrize("drawn", _DRAWN)
def test_what_is_drawn_has_its_file(drawn: str) -> None:
    path, sign = _DRAWN[drawn]
    assert sign in (_REPOSITORY / path).read_text("utf-8")


def test_the_container_that_was_dropped_is_not_made() -> None:
    storage = bicep.read(_INFRA / "modules" / "storage.bicep")
    containers = [r for r in storage.resources.values() if "/containers@" in r.target]
    assert [bicep.literal(each.value("name")) for each in containers] == ["snippets"]


def test_addresses_are_put_out_as_they_are_in_the_network() -> None:
    source = (_INFRA / "modules" / "network.bicep").read_text("utf-8")
    assert "addressPrefixes: ['10.240.0.0/15', '10.242.0.0/16']" in source
    assert "var authserver = '10.240.255.10'" in source
    assert "var mcpserver = '10.240.255.11'" in source


def test_azd_gets_the_names_that_others_rely_on() -> None:
    assert set(_main().outputs) == _OUTPUTS


def test_every_value_of_the_azure_overlay_comes_from_somewhere() -> None:
    # A line below a comment with the word "default" keeps what is written; the tag is the commit.
    lines = _VALUES.read_text("utf-8").splitlines()
    asked = set()
    for before, line in zip(["", *lines], lines, strict=False):
        if (name := re.match(r"([A-Z][A-Z0-9_]*)=", line)) and not re.match(r"#.*\bdefault\b", before):
            asked.add(name[1])
    assert asked - _OUTPUTS - {"IMAGE_TAG"} == set()


def test_the_gateways_apis_are_given_what_they_want() -> None:
    # scripts/deploy-gateway.sh makes each parameter from the variable of the same name.
    for name in ("apis", "mcp-apis"):
        wanted = bicep.read(_REPOSITORY / "apim" / f"{name}.bicep").required
        assert {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() for name in wanted} <= _OUTPUTS


def test_scripts_ask_for_values_that_are_put_out() -> None:
    prefixes = (
        "ACR_",
        "AKS_",
        "API_APP_",
        "APIM_",
        "KARPENTER_",
        "KEDA_",
        "KEY_VAULT_",
        "LOGIN_APP_",
        "GPU_SUBNET",
    )
    given = _OUTPUTS | set(re.findall(r"\$\{([A-Z_]+)", (_INFRA / "main.parameters.json").read_text("utf-8")))
    for script in _REPOSITORY.glob("scripts/**/*.sh"):
        source = script.read_text("utf-8")
        made = set(re.findall(r"\b([A-Z][A-Z0-9_]+)=", source))
        used = {name for name in re.findall(r"\$\{?([A-Z][A-Z0-9_]+)", source) if name.startswith(prefixes)}
        assert used - made <= given, script.name


def test_azds_hooks_are_there_and_can_be_run() -> None:
    project = yaml.safe_load((_REPOSITORY / "azure.yaml").read_text("utf-8"))
    assert project["infra"] == {"provider": "bicep", "path": "infra", "module": "main"}
    assert "services" not in project
    assert set(project["hooks"]) == {"preprovision", "postprovision", "predown"}
    for hook in project["hooks"].values():
        script = _REPOSITORY / hook["run"].split()[0]
        assert os.access(script, os.X_OK), hook["run"]
        assert script.read_text("utf-8").startswith("#!"), hook["run"]
