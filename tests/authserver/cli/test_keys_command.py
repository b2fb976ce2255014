"""``authserver keys``: what an operator does about signing keys, and that running servers follow."""

import pytest

from authserver.key_lives import PUBLISH_AHEAD_SECONDS
from authserver.keys import REFRESH_SECONDS
from tests.authserver.cli.commands import Commands
from tests.authserver.world import World


def published(world: World) -> list[str]:
    world.clock.advance(REFRESH_SECONDS)
    return [key["kid"] for key in world.get("/jwks").get_json()["keys"]]


def test_the_list_shows_each_key_and_its_life_and_nothing_private(world: World, commands: Commands) -> None:
    (row,) = commands.json("keys", "list")
    assert (row["kid"], row["state"], row["algorithm"]) == (*published(world), "active", "ES256")
    text = commands.text("keys", "list")
    assert row["kid"] in text
    assert "active" in text
    assert "sealed" not in text + str(row)


def test_a_list_of_no_keys_says_so(commands: Commands) -> None:
    assert "no keys yet" in commands.text("keys", "list")
    assert commands.json("keys", "list") == []


def test_a_rotation_announces_a_key_that_signs_two_hours_later(world: World, commands: Commands) -> None:
    (kid,) = commands.json("keys", "rotate")["kids"]
    assert published(world)[1:] == [kid]
    assert kid in commands.text("keys", "rotate"), "which is announced once"
    rows = commands.json("keys", "list")
    assert [row["state"] for row in rows] == ["active", "announced"]
    assert rows[1]["signs_from"] - rows[1]["announced_at"] == PUBLISH_AHEAD_SECONDS


def test_a_hurried_rotation_signs_at_once(world: World, commands: Commands) -> None:
    (kid,) = commands.json("keys", "rotate", "--now")["kids"]
    assert [row["state"] for row in commands.json("keys", "list")] == ["retiring", "active"]
    assert published(world)[1:] == [kid]


def test_a_compromised_key_is_withdrawn_from_running_servers(world: World, commands: Commands) -> None:
    (bad,) = published(world)
    assert "refused everywhere within 10 seconds" in commands.text("keys", "retire", bad, "--compromised")
    assert bad not in published(world)
    assert [row["state"] for row in commands.json("keys", "list")] == ["withdrawn", "active"]
    (line,) = commands.json("audit", "--event", "key.withdrawn")
    assert (line["kid"], line["by"]) == (bad, "command")


def test_a_key_that_signs_is_not_retired_unless_it_is_compromised(world: World, commands: Commands) -> None:
    (kid,) = published(world)
    assert "rotate first" in commands.refusal("keys", "retire", kid)
    commands.run("keys", "rotate", "--now")
    assert commands.json("keys", "retire", kid) == {"kid": kid, "compromised": False}
    assert kid not in published(world)


@pytest.mark.parametrize("options", [[], ["--compromised"]])
def test_a_key_that_is_not_there_is_refused_in_one_line(commands: Commands, options: list[str]) -> None:
    assert "no key of that id" in commands.refusal("keys", "retire", "nothing", *options)
