"""check-tools.sh and check-prerequisites.sh: what stops a deployment before it costs anything."""

from tests.scripts.machine import Machine


def test_a_machine_with_all_programs_is_ready(machine: Machine) -> None:
    ran = machine.run("check-tools.sh", "--local")
    assert ran.code == 0
    assert "az 2.80.0" in ran
    assert "helm 3.19.0" in ran


def test_what_is_missing_or_too_old_is_named_with_where_to_get_it(machine: Machine) -> None:
    (machine.folder / "bin" / "azd").unlink()
    helm = machine.folder / "bin" / "helm"
    helm.unlink()
    helm.write_text("#!/bin/sh\necho v3.9.4+g1\n")
    helm.chmod(0o755)
    ran = machine.run("check-tools.sh")
    assert ran.code == 1
    assert "azd is missing: https://learn.microsoft.com/" in ran
    assert "helm is 3.9.4, older than 3.17: https://helm.sh/" in ran


def test_before_provisioning_all_is_well(machine: Machine) -> None:
    ran = machine.run("check-prerequisites.sh")
    assert ran.code == 0, ran.output
    assert "operator@contoso.example" in ran
    assert "may create resources and give roles" in ran
    assert "quota for 24 more processors" in ran


def test_without_an_address_for_alerts_nothing_is_provisioned(machine: Machine) -> None:
    machine.change(values={**machine.cloud["values"], "OPERATOR_EMAIL": ""})
    ran = machine.run("check-prerequisites.sh")
    assert ran.code == 2
    assert "azd env set OPERATOR_EMAIL" in ran


def test_who_is_not_signed_in_is_told_to(machine: Machine) -> None:
    machine.fail("az account show", "ERROR: Please run 'az login' to setup account.")
    ran = machine.run("check-prerequisites.sh")
    assert ran.code == 1
    assert "az login --tenant 00000000-0000-0000-0000-000000000002" in ran


def test_role_quota_and_region_are_told_before_they_are_missed(machine: Machine) -> None:
    machine.change(roles=["Reader"], usage=[["StandardNCADSA100v4Family", 24, 24]])
    ran = machine.run("check-prerequisites.sh")
    assert ran.code == 0
    assert "not seen: Owner" in ran
    assert "quota: none left of standardNCADSA100v4Family in swedencentral" in ran
    machine.change(gpu_offer=["standardNCADSA100v4Family", "NotAvailableForSubscription"])
    assert "closed to this subscription" in machine.run("check-prerequisites.sh")
    machine.change(gpu_offer=[])
    assert "does not offer Standard_NC24ads_A100_v4" in machine.run("check-prerequisites.sh")
