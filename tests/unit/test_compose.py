import re
from pathlib import Path

import pytest
import yaml

from slotsync.settings import Settings
from slotsync.temporal.dev_server import server_options
from slotsync.temporal.search_attributes import ALL_ATTRIBUTES

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()

BY_DIGEST = re.compile(r"[a-z/]+:[\w.-]+@sha256:[0-9a-f]{64}")
OURS = ("worker", "api")


def test_the_server_of_the_compose_file_knows_every_search_attribute() -> None:
    assert ALL_ATTRIBUTES
    assert [key.name for key in ALL_ATTRIBUTES if f"--search-attribute={key.name}=" not in COMPOSE] == []


def test_the_server_of_the_compose_file_limits_and_shares_fairly_as_the_embedded_one_does() -> None:
    matching = [option for option in server_options() if option.startswith("matching.")]

    assert len(matching) == 4
    assert [option for option in matching if f"--dynamic-config-value={option}" not in COMPOSE] == []


NOT_OF_THE_WORKER = frozenset({"api_keys", "forwarded_allow_ips", "operators_host", "operators_port"})
NOT_IN_CONTAINERS = frozenset({"data_folder"})  # they have PostgreSQL
OTHER_SOURCES = frozenset({"secrets_folder"})  # a mount, for those that have one


@pytest.mark.parametrize("name", OURS)
def test_our_containers_get_every_setting(name: str) -> None:
    left_out = NOT_IN_CONTAINERS | OTHER_SOURCES | (NOT_OF_THE_WORKER if name == "worker" else frozenset())
    settings = {field: info for field, info in Settings.model_fields.items() if field not in left_out}
    assert len(settings) > 20
    wanted = {str(info.validation_alias or f"SLOTSYNC_{field.upper()}") for field, info in settings.items()}
    assert wanted - SERVICES[name]["environment"].keys() == set()


@pytest.mark.parametrize("name", OURS)
def test_our_containers_write_nowhere_but_to_tmp_and_have_no_rights_to_lose(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert "volumes" not in service
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "user"} & service.keys(), "the image's own user is not root"


def test_every_image_is_named_by_its_digest() -> None:
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    (python,) = re.findall(r"^ARG PYTHON=(.*)$", DOCKERFILE, re.MULTILINE)
    assert len(images) == len(SERVICES) - len(OURS)
    assert [image for image in (*images, python) if not BY_DIGEST.fullmatch(image)] == []
    assert {line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("FROM ")} == {"${PYTHON}"}


def test_the_image_ends_as_a_user_that_is_not_root() -> None:
    users = [line for line in DOCKERFILE.splitlines() if line.startswith("USER ")]
    assert users == ["USER 10001:10001"]


def test_only_this_machine_reaches_the_published_ports() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(published) == 3
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_the_api_has_none_of_the_secrets_that_the_workers_alone_use() -> None:
    own = SERVICES["api"]["environment"]
    assert [own[name] for name in ("SLOTSYNC_WEBHOOK_URL", "SLOTSYNC_WEBHOOK_SECRET", "SLOTSYNC_SMTP_URL")] == [""] * 3
    assert SERVICES["worker"]["environment"]["SLOTSYNC_WEBHOOK_SECRET"] is None, "as it is in .env"


@pytest.mark.parametrize(
    ("host", "port", "asked"),
    [
        ("", "", "http://127.0.0.1:8080/readyz"),
        ("", "9000", "http://127.0.0.1:9000/readyz"),
        ("0.0.0.0", "9000", "http://127.0.0.1:9000/readyz"),
        ("172.30.7.9", "9000", "http://172.30.7.9:9000/readyz"),
    ],
)
def test_the_apis_health_is_asked_where_its_operators_port_is(
    host: str, port: str, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTSYNC_OPERATORS_HOST", host)
    monkeypatch.setenv("SLOTSYNC_OPERATORS_PORT", port)
    addresses: list[str] = []
    monkeypatch.setattr("urllib.request.urlopen", lambda url, **_: addresses.append(url))
    *command, script = SERVICES["api"]["healthcheck"]["test"]
    exec(script, {})
    assert (command, addresses) == (["CMD", "python", "-c"], [asked])


def test_the_api_believes_the_proxy_on_the_machine_and_nobody_else() -> None:
    (network,) = yaml.safe_load(COMPOSE)["networks"]["default"]["ipam"]["config"]
    assert f":-{network['gateway']}}}" in SERVICES["api"]["environment"]["FORWARDED_ALLOW_IPS"]
