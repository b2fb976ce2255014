"""The metadata promises the grants that the settings switch on, and no other."""

from pathlib import Path
from typing import Any

import pytest

from tests.authserver.machines.conftest import SETTINGS, Machines
from tests.authserver.world import make_world

METADATA = "/.well-known/oauth-authorization-server"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ID_JAG = "urn:ietf:params:oauth:grant-profile:id-jag"


@pytest.mark.requirement("ID-JAG-METADATA-GRANT", "MCP-EMA-METADATA")
def test_both_kinds_of_assertion_are_announced(machines: Machines) -> None:
    document = machines.world.get(METADATA).get_json()
    assert document["grant_types_supported"].count(JWT_BEARER) == 1
    assert document["authorization_grant_profiles_supported"] == [ID_JAG]


@pytest.mark.parametrize(
    ("without", "has_grant", "has_profile"),
    [
        ({"identity_assertion_issuers": []}, True, False),
        ({"api_client_id": ""}, True, True),
        ({"api_client_id": "", "identity_assertion_issuers": []}, False, False),
    ],
)
def test_what_is_not_configured_is_not_announced(
    tmp_path: Path, without: dict[str, Any], has_grant: bool, has_profile: bool
) -> None:
    world = make_world(tmp_path, **{**SETTINGS, **without})
    document = world.get(METADATA).get_json()
    assert (JWT_BEARER in document["grant_types_supported"]) is has_grant
    assert ("authorization_grant_profiles_supported" in document) is has_profile
    world.store.close()


@pytest.mark.requirement("ID-JAG-METADATA-SILENT")
def test_whose_assertions_are_accepted_is_said_to_nobody(machines: Machines) -> None:
    text = machines.world.get(METADATA).text
    assert ID_JAG in text
    for issuer in SETTINGS["identity_assertion_issuers"]:
        for said in (issuer["issuer"], issuer["jwks_uri"], issuer["tid"], *issuer["clients"]):
            assert f'"{said}"' not in text
