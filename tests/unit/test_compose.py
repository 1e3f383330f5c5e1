from pathlib import Path

from slotsync.temporal.dev_server import server_options
from slotsync.temporal.search_attributes import ALL_ATTRIBUTES

COMPOSE = (Path(__file__).parents[2] / "docker-compose.yml").read_text()


def test_the_server_of_the_compose_file_knows_every_search_attribute() -> None:
    assert ALL_ATTRIBUTES
    assert [key.name for key in ALL_ATTRIBUTES if f"--search-attribute={key.name}=" not in COMPOSE] == []


def test_the_server_of_the_compose_file_limits_and_shares_fairly_as_the_embedded_one_does() -> None:
    matching = [option for option in server_options() if option.startswith("matching.")]

    assert len(matching) == 4
    assert [option for option in matching if f"--dynamic-config-value={option}" not in COMPOSE] == []
