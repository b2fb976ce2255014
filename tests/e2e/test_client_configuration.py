"""A registration is managed at its public address (RFC 7592), through the gateway."""

import requests

from tests.e2e.stack import Stack

_SECONDS = 20


def test_a_client_reads_replaces_and_removes_its_registration(stack: Stack) -> None:
    metadata = {"redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"}
    made = requests.post(f"{stack.oauth_url}/register", json=metadata, timeout=_SECONDS).json()
    place = made["registration_client_uri"]
    headers = {"Authorization": f"Bearer {made['registration_access_token']}"}
    assert place.startswith(stack.oauth_url)
    assert requests.get(place, headers=headers, timeout=_SECONDS).json() == made
    changed = {**metadata, "client_id": made["client_id"], "client_name": "Renamed"}
    updated = requests.put(place, json=changed, headers=headers, timeout=_SECONDS)
    assert updated.json()["client_name"] == "Renamed"
    assert requests.get(place, timeout=_SECONDS).headers["WWW-Authenticate"] == "Bearer"
    assert requests.delete(place, headers=headers, timeout=_SECONDS).status_code == 204
    assert requests.get(place, headers=headers, timeout=_SECONDS).status_code == 401
