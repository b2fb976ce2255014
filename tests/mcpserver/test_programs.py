"""Clients that act for nobody but themselves: their tokens name no person."""

from tests.mcpserver.client import Client
from tests.mcpserver.conftest import World


def program(world: World, client_id: str) -> Client:
    return Client(world.port, world.issuer.token_of_a_program(client_id))


def text(client: Client, name: str = "one") -> str:
    result = client.call("get_snippet", {"snippetname": name}).result
    return "" if result.get("isError") else str(result["content"][0]["text"])


def test_a_program_is_served_in_every_era(world: World) -> None:
    client = program(world, "nightly-job")
    assert client.call("hello_mcp").status == 200
    assert client.open_session("2025-11-25").call("hello_mcp").status == 200


def test_a_programs_snippets_are_its_own_and_nobody_elses(world: World) -> None:
    client = program(world, "nightly-job")
    saved = client.call("save_snippet", {"snippetname": "one", "snippet": "of the program"})
    assert not saved.result.get("isError"), saved.result
    assert "of the program" in text(client)
    assert text(program(world, "another-job")) == ""
    assert text(world.client("nightly-job")) == ""
    assert text(world.client("alice", client_id="nightly-job")) == ""


def test_no_tenant_and_person_can_be_named_so_that_they_share_a_programs_snippets(world: World) -> None:
    client = program(world, "nightly-job")
    client.call("save_snippet", {"snippetname": "one", "snippet": "of the program"})
    for tenant in ("~-clients", "-clients", "None", "clients"):
        assert text(world.client(tid=tenant, oid="nightly-job")) == ""


def test_a_client_id_may_be_any_text(world: World) -> None:
    odd = program(world, "../../etc/passwd é\\ %2e")
    assert not odd.call("save_snippet", {"snippetname": "one", "snippet": "x"}).result.get("isError")
    assert "x" in text(odd)


def test_a_tenant_without_a_person_or_a_person_without_a_tenant_is_nobody(world: World) -> None:
    for claims in ({"tid": ""}, {"oid": ""}, {"tid": None}, {"oid": None}):
        assert world.client(**claims).call("hello_mcp").status == 401
