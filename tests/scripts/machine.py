"""A machine from which somebody deploys: the scripts, stand-ins for Azure's programs, and the real kubectl.

Used by the tests of this folder and by tests/test_kaito_deployment.py. Nothing of this machine's own
sign-ins, kubeconfig or settings gets in.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.kaito.server import ApiServer
from tests.support.kubectl import kubectl

REPOSITORY: Final = Path(__file__).parents[2]
SCRIPTS: Final = REPOSITORY / "scripts"
CRDS: Final = sorted((REPOSITORY / "tests" / "k8s" / "crds").glob("*.yaml"))
# Neither the user's settings of git nor a repository around this one.
_GIT: Final = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
_FAKES: Final = ("az", "azd", "helm", "docker", "kubelogin")

# What infra/main.bicep puts out, made up.
VALUES: Final = {
    "AZURE_ENV_NAME": "test",
    "AZURE_LOCATION": "swedencentral",
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000002",
    "AZURE_RESOURCE_GROUP": "rg-test",
    "AKS_CLUSTER_NAME": "aks-test",
    "AKS_OIDC_ISSUER": "https://swedencentral.oic.example/tenant/issuer/",
    "AKS_NODE_RESOURCE_GROUP": "rg-test-nodes",
    "ACR_NAME": "crtest",
    "ACR_LOGIN_SERVER": "crtest.azurecr.io",
    "APIM_NAME": "apim-test",
    "APIM_IDENTITY_CLIENT_ID": "00000000-0000-0000-0000-00000000000c",
    "APIM_GATEWAY_URL": "https://apim-test.azure-api.net",
    "APIM_SUBNET_PREFIX": "10.242.0.0/24",
    "STORAGE_ACCOUNT_URL": "https://sttest.blob.core.windows.net",
    "AUTHSERVER_REDIS_URL": "rediss://auth.example:10000",
    "MCPSERVER_REDIS_URL": "rediss://mcp.example:10000",
    "KEY_VAULT_NAME": "kv-test",
    "LOGIN_APP_CLIENT_ID": "00000000-0000-0000-0000-000000000003",
    "API_APP_CLIENT_ID": "00000000-0000-0000-0000-000000000004",
    "AUTHSERVER_IDENTITY_CLIENT_ID": "00000000-0000-0000-0000-000000000005",
    "MCPSERVER_IDENTITY_CLIENT_ID": "00000000-0000-0000-0000-000000000006",
    "KARPENTER_IDENTITY_CLIENT_ID": "00000000-0000-0000-0000-000000000007",
    "KEDA_IDENTITY_CLIENT_ID": "00000000-0000-0000-0000-000000000008",
    "PROMETHEUS_QUERY_ENDPOINT": "https://prometheus.example",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=0;IngestionEndpoint=https://in.example/",
    "GPU_SUBNET_ID": "/subscriptions/s/resourceGroups/rg-test/providers/m/virtualNetworks/vnet/subnets/gpu",
    "AUTHSERVER_INTERNAL_IP": "10.240.255.10",
    "MCPSERVER_INTERNAL_IP": "10.240.255.11",
    "AUTHSERVER_INTERNAL_URL": "http://authserver.mcpstack.internal",
    "MCPSERVER_INTERNAL_URL": "http://mcpserver.mcpstack.internal",
    "OPERATOR_EMAIL": "operator@contoso.example",
}


def make_checkout(folder: Path) -> Path:
    """Make a small repository of what the scripts use, with one commit, and return where it is.

    So that a test's commit stays the same whatever happens to the real one meanwhile, and is packed in no
    time.
    """
    for name in ("scripts", "k8s", "apim"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "Dockerfile.auth", "Dockerfile.mcp", ".dockerignore"):
        shutil.copy(REPOSITORY / name, folder)
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "--quiet"), ("add", "--all"), (*identity, "commit", "--quiet", "-m", "test")):
        subprocess.run(("git", *command), cwd=folder, env=_GIT, check=True)
    return folder


def commit_of(checkout: Path) -> str:
    """Return the commit that is checked out."""
    command = ("git", "rev-parse", "HEAD")
    done = subprocess.run(command, cwd=checkout, env=_GIT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class Ran:
    """What came of a script."""

    code: int
    output: str

    def __contains__(self, text: str) -> bool:
        return text in self.output


@dataclass
class Machine:
    """One machine, with its own home and its own Azure."""

    folder: Path
    checkout: Path
    api: ApiServer
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the programs there, and an Azure in which provisioning has just succeeded."""
        programs = self.folder / "bin"
        programs.mkdir(parents=True)
        (programs / "kubectl").symlink_to(kubectl())
        fake = programs / ".fake"
        # -I -S: it starts in a third of the time.
        source = Path(__file__).with_name("fake_programs.py").read_text("utf-8")
        fake.write_text(f"#!{sys.executable} -IS\n{source}", "utf-8")
        fake.chmod(0o755)
        for name in _FAKES:
            (programs / name).symlink_to(fake)
        self.write(
            calls=[],
            failures=[],
            values=dict(VALUES),
            kubeconfig=self.api.kubeconfig(),
            clusters=["aks-test"],
            images={},
            contexts={},
            secrets={},
            deleted_secrets={},
            releases={},
            chart="a chart",
            operators_start=True,
            applications=[VALUES["LOGIN_APP_CLIENT_ID"], VALUES["API_APP_CLIENT_ID"]],
            roles=["Owner"],
            gpu_offer=["standardNCADSA100v4Family", "None"],
            usage=[["StandardNCADSA100v4Family", 24, 0]],
            deployment="test-1",
            operations=[],
            gateway={},
            samples={"product": [], "api": []},
        )

    @property
    def cloud(self) -> dict[str, Any]:
        """What this machine's Azure has, and was asked."""
        return dict(json.loads((self.folder / "cloud.json").read_text("utf-8")))

    def write(self, **state: Any) -> None:
        """Replace all that Azure has."""
        (self.folder / "cloud.json").write_text(json.dumps(state), "utf-8")

    def change(self, **changes: Any) -> None:
        """Let Azure have something else."""
        self.write(**{**self.cloud, **changes})

    def fail(self, call: str, message: str, times: int = 1000) -> None:
        """Let calls that begin so fail."""
        failure = {"call": call, "message": message, "times": times}
        self.change(failures=[*self.cloud["failures"], failure])

    def calls(self, beginning: str) -> list[list[str]]:
        """Return the calls of Azure's programs that begin so."""
        return [call for call in self.cloud["calls"] if " ".join(call).startswith(beginning)]

    def variables(self) -> dict[str, str]:
        """Return the environment of what runs on this machine."""
        return {
            "PATH": f"{self.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "FAKE_CLOUD": str(self.folder / "cloud.json"),
            "KUBECACHEDIR": str(self.folder / "kube-cache"),
            "POLL_SECONDS": "0.05",
            "AZURE_DEADLINE_SECONDS": "20",
            "KAITO_DEADLINE_SECONDS": "20",
            "ROLLOUT_DEADLINE_SECONDS": "20",
            "SMOKE_DEADLINE_SECONDS": "20",
            "TEARDOWN_DEADLINE_SECONDS": "20",
            "KAITO_SHA256": hashlib.sha256(b"a chart").hexdigest(),
            **self.environment,
        }

    def run(self, script: str, *arguments: str, answer: str = "", **settings: str) -> Ran:
        """Run a script to its end."""
        done = subprocess.run(
            [str(self.checkout / "scripts" / script), *arguments],
            env={**self.variables(), **settings},
            input=answer,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout)
