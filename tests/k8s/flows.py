"""Evaluates NetworkPolicies: who may open a connection to whom, on which port.

Used by ``test_flows``. Knows what this project's policies use of the language, and refuses the rest. Pods are
known by their labels, everything else by its address, as Cilium does it.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.k8s.rendered import Json, containers, of_kind, templates

Flow = tuple[str, str, int]


@dataclass(frozen=True)
class Peer:
    """A pod, or an address outside the cluster.

    Attributes:
        ports: of a pod, the numbers of its named ports.
    """

    name: str
    address: str = ""
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict, hash=False)
    ports: dict[str, int] = field(default_factory=dict, hash=False)


def pods(folder: str, namespace: str) -> Iterator[Peer]:
    """Give the pods that a folder of k8s/ makes."""
    for template in templates(folder):
        ports = {
            port["name"]: port["containerPort"] for c in containers(template) for port in c.get("ports", [])
        }
        yield Peer(template["name"], "", namespace, template["metadata"]["labels"], ports)


def policies(*folders: str) -> list[Json]:
    """Return the policies of several folders."""
    found = [item for folder in folders for item in of_kind(folder, "NetworkPolicy")]
    for item in found:
        spec = item["spec"]
        # What is not said has defaults that surprise: a policy here says what it is about.
        assert set(spec) <= {"podSelector", "policyTypes", "ingress", "egress"}, item["metadata"]["name"]
        assert {name.lower() for name in spec["policyTypes"]} >= set(spec) & {"ingress", "egress"}
    return found


def allowed(rules: list[Json], peers: Iterable[Peer], ports: Iterable[int]) -> set[Flow]:
    """Return the connections that both ends allow, with a pod at one end at least."""
    everybody, numbers = list(peers), list(ports)
    return {
        (source.name, target.name, port)
        for source in everybody
        for target in everybody
        for port in numbers
        if source != target
        and (source.namespace or target.namespace)
        and _lets(rules, "Egress", source, target, port)
        and _lets(rules, "Ingress", target, source, port)
    }


def _lets(rules: list[Json], direction: str, pod: Peer, other: Peer, port: int) -> bool:
    mine = [rule for rule in rules if _is_about(rule, direction, pod)]
    if not mine:
        return True  # nobody's business: an address, or a pod of a namespace without policies
    key, peers_key = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    target = other if direction == "Egress" else pod
    return any(
        any(_matches(peer, other, rule["metadata"]["namespace"]) for peer in each[peers_key])
        and any(_port(named, target) == port for named in each["ports"])
        for rule in mine
        for each in rule["spec"].get(key, [])
    )


def _is_about(rule: Json, direction: str, pod: Peer) -> bool:
    return (
        direction in rule["spec"]["policyTypes"]
        and rule["metadata"]["namespace"] == pod.namespace
        and _selects(rule["spec"]["podSelector"], pod.labels)
    )


def _matches(peer: Json, other: Peer, namespace: str) -> bool:
    assert set(peer) <= {"ipBlock", "podSelector", "namespaceSelector"}
    if "ipBlock" in peer:
        return bool(other.address) and _within(peer["ipBlock"], other.address)
    if other.address:
        return False
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace}):
            return False
    elif other.namespace != namespace:
        return False
    return _selects(peer.get("podSelector", {}), other.labels)


def _within(block: Json, address: str) -> bool:
    place = ipaddress.ip_address(address)
    networks = [ipaddress.ip_network(text) for text in (block["cidr"], *block.get("except", []))]
    return place in networks[0] and not any(place in network for network in networks[1:])


def _selects(selector: Json, labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In"
        if labels.get(each["key"]) not in each["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


def _port(named: Json, target: Peer) -> int | None:
    port = named["port"]
    return port if isinstance(port, int) else target.ports.get(port)
