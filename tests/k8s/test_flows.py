"""Who may talk to whom: what the policies allow is what docs/kubernetes.md says, no less and no more."""

import re
from typing import Final

import pytest

from tests.k8s.flows import Flow, Peer, allowed, pods, policies
from tests.k8s.rendered import K8S, one

_PAGE: Final = K8S.parent / "docs" / "kubernetes.md"
_ROW: Final = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([\d, ]+) \|", re.MULTILINE)

# What else is there: in the cluster, beside it, and where nobody should get.
_MODEL: Final = Peer("model", namespace="models", labels={"inferenceset.kaito.sh/created-by": "phi-3"})
_STRANGERS: Final = (
    Peer("DNS", namespace="kube-system", labels={"k8s-app": "kube-dns"}),
    Peer("Prometheus", namespace="kube-system", labels={"rsName": "ama-metrics"}),
    Peer("a pod of another namespace", namespace="default", labels={"app.kubernetes.io/name": "mcpserver"}),
    Peer("a pod of ours that has no rule", namespace="mcpstack", labels={"app.kubernetes.io/name": "new"}),
    Peer("gateway", "10.242.0.7"),
    Peer("authserver's endpoints", "10.242.1.5"),
    Peer("mcpserver's endpoints", "10.242.1.70"),
    Peer("internet", "203.0.113.9"),
    Peer("metadata service", "169.254.169.254"),
    Peer("a node", "10.240.0.4"),
    Peer("a GPU node", "10.241.0.4"),
    Peer("Kubernetes' API", "10.250.0.1"),
)
_PORTS: Final = (22, 53, 80, 443, 5000, 6379, 8080, 8081, 8082, 8443, 10000, 10250)
_OURS: Final = ("mcpstack", "models")


def _documented(heading: str) -> set[Flow]:
    text = _PAGE.read_text("utf-8").partition(f"\n{heading}")[2].partition("\n\n")[2].partition("\n\n")[0]
    return {
        (source.strip(), target.strip(), int(port))
        for sources, targets, ports in _ROW.findall(text)
        for source in sources.split(",")
        for target in targets.split(",")
        for port in ports.split(",")
    }


def _evaluated(peers: list[Peer], *folders: str) -> set[Flow]:
    space = {peer.name: peer.namespace for peer in peers}
    flows = allowed(policies(*folders), peers, _PORTS)
    # What others do among themselves is not ours to say; a pod without a rule may ask for names, like all.
    return {
        flow
        for flow in flows
        if (space[flow[0]] in _OURS or space[flow[1]] in _OURS)
        and flow != ("a pod of ours that has no rule", "DNS", 53)
    }


def test_on_aks_the_policies_allow_what_the_page_says() -> None:
    peers = [*pods("overlays/azure", "mcpstack"), _MODEL, *_STRANGERS]
    documented = _documented("On AKS")
    assert documented
    assert _evaluated(peers, "overlays/azure", "overlays/azure-model") == documented


def test_in_kind_the_policies_allow_what_the_page_says() -> None:
    documented = _documented("In kind")
    assert documented
    # mcpserver may ask a model, were there one; the gateway's subnet is Azure's.
    assert _evaluated([*pods("overlays/kind", "mcpstack"), *_STRANGERS], "overlays/kind") == documented


def test_a_pod_without_a_rule_of_its_own_reaches_nobody_and_is_reached_by_nobody() -> None:
    peers = [*pods("overlays/azure", "mcpstack"), _MODEL, *_STRANGERS]
    flows = allowed(policies("overlays/azure", "overlays/azure-model"), peers, _PORTS)
    name = "a pod of ours that has no rule"
    assert {flow for flow in flows if name in flow[:2]} == {(name, "DNS", 53)}


@pytest.mark.parametrize("server", ["authserver", "mcpserver"])
def test_the_gateways_address_arrives_where_the_policy_asks_for_it(server: str) -> None:
    service = one("overlays/azure", "Service", server)
    assert service["spec"]["externalTrafficPolicy"] == "Local"
    internal = "service.beta.kubernetes.io/azure-load-balancer-internal"
    assert service["metadata"]["annotations"][internal] == "true"


def test_a_rule_that_is_taken_away_is_noticed() -> None:
    rules = [rule for rule in policies("overlays/azure") if rule["metadata"]["name"] != "gateway"]
    peers = [*pods("overlays/azure", "mcpstack"), *_STRANGERS]
    assert ("gateway", "mcpserver", 8082) not in allowed(rules, peers, _PORTS)
    assert ("gateway", "mcpserver", 8082) in allowed(policies("overlays/azure"), peers, _PORTS)
