"""Who may do what in Azure: the table of ADR 36 is what the files give, and nothing else is open."""

import re
from pathlib import Path
from typing import Final

import pytest
import yaml

from authserver.settings import Settings
from tests.support import bicep

_REPOSITORY: Final = Path(__file__).parents[2]
_MODULES: Final = _REPOSITORY / "infra" / "modules"
_FILES: Final = sorted((*_REPOSITORY.glob("infra/**/*.bicep"), *_REPOSITORY.glob("apim/**/*.bicep")))
_DECISION: Final = _REPOSITORY / "docs" / "adr" / "0036-what-each-identity-is-for.md"

# Azure's built-in roles, by the id that is the same in every tenant.
_ROLES: Final = {
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "4abbcc35-e782-43d8-92c5-2d3f1bd2253f": "Azure Kubernetes Service Cluster User Role",
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "b0d8363b-8ddd-447d-831f-62ca05bff136": "Monitoring Data Reader",
    "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b": "Azure Kubernetes Service RBAC Cluster Admin",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "f1a07417-d97a-45cb-824c-7a7467783830": "Managed Identity Operator",
}
# Those that are defined here, by the expression that names them.
_OWN_ROLES: Final = {"joinSubnetRoleId": "Join a subnet (ours)", "machines.id": "Karpenter machines (ours)"}
_BOTH: Final = {*_ROLES.values(), *_OWN_ROLES.values()}
# What a scope is called in the table; no scope is the group that the module is deployed to.
_SCOPES: Final = {
    "": "node resource group",
    "cluster": "cluster",
    "insights": "Application Insights",
    "kubelet": "kubelet's identity",
    "network": "virtual network",
    "network::gpuSubnet": "GPU subnet",
    "network::systemSubnet": "system subnet",
    "registry": "registry",
    "snippets": "container `snippets`",
    "vault": "vault",
    "workspace": "Azure Monitor workspace",
}
_PRINCIPALS: Final = {
    "authserverPrincipalId": "id-authserver",
    "deployerId": "deployer",
    "karpenterPrincipalId": "id-karpenter",
    "kedaPrincipalId": "id-keda",
    "kubeletPrincipalId": "kubelet",
    "mcpserverPrincipalId": "id-mcpserver",
}
_OWN: Final = {"cluster-identity.bicep": "id-aks", "gateway-identity.bicep": "id-apim"}


def _given() -> list[tuple[str, str, str, str]]:
    """Return identity, right, scope and file of every role assignment."""
    given = []
    for path in _FILES:
        file = bicep.read(path)
        for found in file.resources.values():
            if not found.target.startswith("Microsoft.Authorization/roleAssignments@"):
                continue
            principal = bicep.text(found.value("properties.principalId"))
            identity = _OWN[path.name] if principal.startswith("identity.") else _PRINCIPALS[principal]
            scope = _SCOPES[bicep.text(found.value("scope"))]
            role = _role(file, bicep.text(found.value("properties.roleDefinitionId")))
            given.append((identity, role, scope, f"`{path.name}`"))
    return given


def _role(file: bicep.BicepFile, expression: str) -> str:
    if expression in _OWN_ROLES:
        return _OWN_ROLES[expression]
    (role_id,) = re.findall(r"'([0-9a-f-]{36})'", file.variables[expression].text)
    return _ROLES[role_id]


def _table() -> list[tuple[str, ...]]:
    lines = [line for line in _DECISION.read_text("utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    return [(identity, right, scope, file) for identity, _, right, scope, file in cells]


def test_the_table_of_rights_is_what_the_files_give() -> None:
    assert sorted(row for row in _table() if row[1] in _BOTH) == sorted(_given())


def test_each_redis_is_open_to_one_server_and_the_table_says_so() -> None:
    main = bicep.read(_REPOSITORY / "infra" / "main.bicep")
    opened = {
        (name, bicep.text(module.value("params.serverPrincipalId")))
        for name, module in main.modules.items()
        if module.target == "modules/redis.bicep"
    }
    assert opened == {
        ("authserverRedis", "identities.outputs.authserverPrincipalId"),
        ("mcpserverRedis", "identities.outputs.mcpserverPrincipalId"),
    }
    assigned = [
        found
        for found in bicep.read(_MODULES / "redis.bicep").resources.values()
        if found.target.startswith("Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@")
    ]
    assert [bicep.text(each.value("properties.user.objectId")) for each in assigned] == ["serverPrincipalId"]
    rows = {row[:3] for row in _table() if row[3] == "`redis.bicep`"}
    assert rows == {
        (f"id-{s}", "Redis access policy `default`", f"{s}'s Redis") for s in ("authserver", "mcpserver")
    }


def test_the_table_names_no_role_that_is_unknown() -> None:
    others = {row[1] for row in _table()} - _BOTH
    assert others == {"Redis access policy `default`", "app role `mcp.admin`", "sign people in"}


def test_principals_get_the_right_that_is_meant_for_them() -> None:
    # A module's parameter is worth what main.bicep passes.
    main = bicep.read(_REPOSITORY / "infra" / "main.bicep")
    for name, module in main.modules.items():
        passed = module.value("params")
        assert passed is not None
        for parameter, value in bicep.properties(passed).items():
            if parameter in ("deployerId", "kubeletPrincipalId"):
                wanted = {
                    "deployerId": "principalId",
                    "kubeletPrincipalId": "cluster.outputs.kubeletPrincipalId",
                }
                assert bicep.text(value) == wanted[parameter], name
            elif parameter.endswith("PrincipalId") and parameter != "serverPrincipalId":
                assert bicep.text(value) == f"identities.outputs.{parameter}", name


def test_federated_credentials_are_for_the_service_accounts_that_there_are() -> None:
    subjects = {
        f"{path.stem}/{name.partition('::')[0]}": bicep.literal(
            found.value("properties.subject") or found.value("subject")
        )
        for path in _FILES
        for name, found in bicep.read(path).resources.items()
        if "/federatedIdentityCredentials@" in found.target
    }
    authserver, mcpserver = (f"system:serviceaccount:mcpstack:{name}" for name in ("authserver", "mcpserver"))
    assert _service_accounts() == {authserver, mcpserver}
    assert subjects == {
        "identities/authserver": authserver,
        "entra/login": authserver,
        "identities/mcpserver": mcpserver,
        # The chart's, and the AKS add-on's.
        "identities/karpenter": "system:serviceaccount:karpenter:karpenter-sa",
        "identities/keda": "system:serviceaccount:kube-system:keda-operator",
    }


def _service_accounts() -> set[str]:
    base = _REPOSITORY / "k8s" / "base"
    namespace = yaml.safe_load((base / "kustomization.yaml").read_text("utf-8"))["namespace"]
    documents = [d for path in base.rglob("*.yaml") for d in yaml.safe_load_all(path.read_text("utf-8")) if d]
    return {
        f"system:serviceaccount:{d['metadata'].get('namespace', namespace)}:{d['metadata']['name']}"
        for d in documents
        if d.get("kind") == "ServiceAccount"
    }


def test_roles_of_our_own_change_nothing_that_others_run_on() -> None:
    actions = {
        action
        for path in _FILES
        for found in bicep.read(path).resources.values()
        if found.target.startswith("Microsoft.Authorization/roleDefinitions@")
        for action in re.findall(r"'(Microsoft\.[^']+)'", bicep.text(found.value("properties.permissions")))
    }
    assert "Microsoft.Compute/virtualMachines/write" in actions
    assert not [
        each for each in actions if re.search(r"(?i)runCommand|scaleSets|listKeys|Authorization", each)
    ]
    # A wildcard only where everything is read.
    assert {each for each in actions if "*" in each} == {"Microsoft.Compute/locations/*"}
    changed = {each.rsplit("/", 1)[0] for each in actions if each.endswith(("/write", "/delete"))}
    assert changed == {
        "Microsoft.Compute/disks",
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Compute/virtualMachines/extensions",
        "Microsoft.Network/networkInterfaces",
    }


def test_the_cluster_lets_each_server_reach_its_own_endpoints_alone() -> None:
    network = bicep.read(_MODULES / "network.bicep")
    prefixes = {
        server: bicep.literal(network.variables[f"{server}Endpoints"].node.named_children[-1])
        for server in ("authserver", "mcpserver")
    }
    main = bicep.read(_REPOSITORY / "infra" / "main.bicep")
    subnets = {
        name: bicep.text(main.modules[name].value("params.endpointSubnetId"))
        for name in ("authserverRedis", "mcpserverRedis", "storage")
    }
    assert subnets == {
        "authserverRedis": "network.outputs.authserverEndpointSubnetId",
        "mcpserverRedis": "network.outputs.mcpserverEndpointSubnetId",
        "storage": "network.outputs.mcpserverEndpointSubnetId",
    }
    allowed: dict[str, set[str]] = {"authserver": set(), "mcpserver": set()}
    policies = (_REPOSITORY / "k8s" / "overlays" / "azure" / "network.yaml").read_text("utf-8")
    for policy in yaml.safe_load_all(policies):
        selector = policy["spec"]["podSelector"]
        names = selector.get("matchLabels", {}).get("app.kubernetes.io/name")
        chosen = [names] if names else selector["matchExpressions"][0]["values"]
        for rule in policy["spec"].get("egress", []):
            blocks = {peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer}
            for server in chosen:
                allowed[server] |= {block for block in blocks if block.startswith("10.242.1.")}
    assert allowed == {server: {prefix} for server, prefix in prefixes.items()}


def test_no_secret_is_a_parameter_or_an_output() -> None:
    for path in _FILES:
        file = bicep.read(path)
        for name, declared in {**file.parameters, **file.outputs}.items():
            assert not re.search(r"(?i)password|secret(?!id)|accesskey|accountkey|sastoken", name), (
                f"{path.name}: {name}"
            )
            assert "secure()" not in declared.decorators, f"{path.name}: {name}"
        assert not {call for call in file.calls if call.startswith("list")}, path.name
        assert not re.search(r"\.list\w+\(", path.read_text("utf-8")), path.name


def test_nothing_is_open_to_every_address_or_every_origin() -> None:
    for path in _FILES:
        for string in bicep.read(path).strings:
            assert not string.startswith("0.0.0.0"), path.name
        assert not re.search(r"(?i)allowedOrigins", path.read_text("utf-8")), path.name


def test_subnets_let_in_what_is_drawn_and_refuse_the_rest() -> None:
    network = bicep.read(_MODULES / "network.bicep")
    groups = [g for g in network.resources.values() if "networkSecurityGroups@" in g.target]
    assert len(groups) == 4
    for group in groups:
        assert re.search(r"\bdenyTheRest\b\s*\]", group.text), group.name
    deny = network.variables["denyTheRest"].text
    assert "access: 'Deny'" in deny
    assert "priority: 4096" in deny
    rules = re.findall(
        r"\{\n\s+name: '([a-z-]+)'\n\s+properties: \{(.*?)\n\s+\}\n", network.path.read_text("utf-8"), re.S
    )
    sources = {name: re.search(r"sourceAddressPrefix(?:es)?: (.+)", rule) for name, rule in rules}
    assert {name: found[1] for name, found in sources.items() if found} == {
        "deny-the-rest": "'*'",
        "allow-load-balancer-probes": "'AzureLoadBalancer'",
        "allow-nodes-and-pods": "concat(nodePrefixes, [podPrefix])",
        "allow-gateway": "gatewayPrefix",
        "allow-system-nodes": "systemPrefix",
        "allow-clients": "'Internet'",
        "allow-management": "'ApiManagement'",
        "allow-infrastructure-load-balancer": "'AzureLoadBalancer'",
    }
    clients = dict(rules)["allow-clients"]
    assert "destinationPortRange: '443'" in clients
    assert "destinationAddressPrefix: gatewayPrefix" in clients


@pytest.mark.parametrize(
    ("module", "resource", "path", "value"),
    [
        ("storage", "account", "properties.allowSharedKeyAccess", "false"),
        ("storage", "account", "properties.allowBlobPublicAccess", "false"),
        ("storage", "account", "properties.minimumTlsVersion", "'TLS1_2'"),
        ("storage", "account", "properties.publicNetworkAccess", "'Disabled'"),
        ("storage", "blobs", "properties.isVersioningEnabled", "true"),
        ("storage", "snippets", "properties.publicAccess", "'None'"),
        ("redis", "cluster", "properties.publicNetworkAccess", "'Disabled'"),
        ("redis", "cluster", "properties.minimumTlsVersion", "'1.2'"),
        ("redis", "database", "properties.evictionPolicy", "'NoEviction'"),
        ("redis", "database", "properties.persistence.aofEnabled", "true"),
        ("redis", "database", "properties.clusteringPolicy", "'EnterpriseCluster'"),
        ("redis", "database", "properties.clientProtocol", "'Encrypted'"),
        ("redis", "database", "properties.accessKeysAuthentication", "'Disabled'"),
        ("registry", "registry", "properties.adminUserEnabled", "false"),
        ("registry", "registry", "properties.anonymousPullEnabled", "false"),
        ("keyvault", "vault", "properties.enableRbacAuthorization", "true"),
        ("keyvault", "vault", "properties.enablePurgeProtection", "true"),
        ("aks", "cluster", "properties.disableLocalAccounts", "true"),
        ("aks", "cluster", "properties.aadProfile.enableAzureRBAC", "true"),
        ("aks", "cluster", "properties.oidcIssuerProfile.enabled", "true"),
        ("aks", "cluster", "properties.securityProfile.workloadIdentity.enabled", "true"),
        ("aks", "cluster", "properties.workloadAutoScalerProfile.keda.enabled", "true"),
        ("aks", "cluster", "properties.azureMonitorProfile.metrics.enabled", "true"),
        ("aks", "cluster", "properties.networkProfile.networkPluginMode", "'overlay'"),
        ("aks", "cluster", "properties.networkProfile.networkPolicy", "'cilium'"),
        ("entra", "login", "signInAudience", "'AzureADMultipleOrgs'"),
        ("entra", "login", "web.implicitGrantSettings.enableIdTokenIssuance", "false"),
        ("entra", "api", "api.requestedAccessTokenVersion", "2"),
        ("entra", "login", "servicePrincipalLockConfiguration", "locked"),
        ("entra", "api", "servicePrincipalLockConfiguration", "locked"),
        ("storage", "account", "properties.allowedCopyScope", "'PrivateLink'"),
    ],
)
def test_what_guards_a_resource_is_on(module: str, resource: str, path: str, value: str) -> None:
    found = bicep.read(_MODULES / f"{module}.bicep").resources[resource]
    assert bicep.text(found.value(path)) == value


def test_the_applications_at_entra_are_what_the_server_asks_for() -> None:
    entra = bicep.read(_MODULES / "entra.bicep")
    login, api = entra.resources["login"], entra.resources["api"]
    settings = Settings.model_fields
    prefix = settings["endpoint_prefix"].default
    redirects = [bicep.text(uri) for uri in bicep.items(login.value("web.redirectUris"))]
    # What `authserver doctor` looks for.
    assert redirects == [f"'${{gatewayUrl}}{prefix}{path}'" for path in ("/callback", "/account/signed-out")]
    assert settings["administrator_role"].default in _values(login, "appRoles")
    assert _values(api, "api.oauth2PermissionScopes") == [settings["api_scope"].default]
    assert _names(login, "optionalClaims.idToken") == ["auth_time"]
    assert _names(api, "optionalClaims.accessToken") == ["idtyp"]


def _values(application: bicep.Declaration, path: str) -> list[str | None]:
    return [bicep.literal(bicep.properties(each)["value"]) for each in bicep.items(application.value(path))]


def _names(application: bicep.Declaration, path: str) -> list[str | None]:
    return [bicep.literal(bicep.properties(each)["name"]) for each in bicep.items(application.value(path))]
