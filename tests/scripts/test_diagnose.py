"""diagnose.sh: why something does not work."""

import pytest

from tests.scripts.machine import Machine


@pytest.mark.parametrize(
    ("why", "diagnosis"),
    [
        ("Operation could not be completed as it results in exceeding approved Total Cores quota", "quota:"),
        ("SkuNotAvailable: The requested VM size is currently not available in location", "region:"),
        ("AuthorizationFailed: does not have authorization to perform action", "permission:"),
        ("RequestDisallowedByPolicy: Resource was disallowed by policy", "policy:"),
        ("ServiceAlreadyExistsInSoftDeletedState: apim-test", "name:"),
        ("Something nobody has seen", "docs/deployment.md"),
    ],
)
def test_a_failed_provisioning_is_explained(machine: Machine, why: str, diagnosis: str) -> None:
    machine.change(operations=[{"what": "aks-test", "why": {"error": {"message": why}}}])
    ran = machine.run("diagnose.sh", "provision")
    assert ran.code == 0
    assert why in ran
    assert diagnosis in ran


def test_a_provisioning_without_failures_is_said_to_be_one(machine: Machine) -> None:
    assert "none of its operations failed" in machine.run("diagnose.sh", "provision")
