"""C-117, C-120: behind a real nginx, one client's body is never parsed as another's request, and a refusal never
becomes a 502."""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.kernel.settings import Settings
from tests.nginx import nginx
from tests.wire import Web, serving

JSON = {"content-type": "application/json"}
SMUGGLED = b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"


@pytest.fixture(scope="module")
def web(settings: Settings, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(environment, tmp_path_factory.mktemp("web")) as running:
        yield running


@pytest.fixture(params=["on", "off"])
def port(request: pytest.FixtureRequest, web: Web, tmp_path: Path) -> Iterator[int]:
    with nginx(web.port, tmp_path, request.param) as listening:
        yield listening


def call(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body or None, headers | JSON)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("offer", ["websocket", "h2c"])
@pytest.mark.parametrize("size", [1_000, 17_000, 60_000])
def test_a_body_with_an_upgrade_does_not_answer_another_client(port: int, offer: str, size: int) -> None:
    """nginx sends a body of more than 16 kB separately from its head."""
    body = SMUGGLED * (size // len(SMUGGLED))
    for index in range(5):
        status, said = call(port, "POST", "/api/auth/verify", body, connection="upgrade", upgrade=offer)
        assert (status, json.loads(said)["code"]) == (400, "MALFORMED_JSON")
        path = f"/api/nowhere/{index}"
        status, said = call(port, "GET", path, connection="keep-alive")
        assert (status, json.loads(said)["path"]) == (404, path)


def test_clients_of_one_upstream_connection_get_their_own_answers(port: int) -> None:
    """While another client sends such bodies."""
    done, wrong = threading.Event(), list[object]()

    def attack() -> None:
        while not done.is_set():
            call(port, "POST", "/api/auth/verify", SMUGGLED * 300, connection="upgrade", upgrade="websocket")

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        for index in range(50):
            path = f"/api/nowhere/{index}"
            status, said = call(port, "GET", path, connection="keep-alive")
            if status != 404 or json.loads(said)["path"] != path:
                wrong.append((status, said))
    finally:
        done.set()
        attacker.join()
    assert wrong == []


@pytest.mark.parametrize("size", [70_000, 1_000_000, 10_000_000])
def test_a_body_that_is_too_large_is_answered_413_and_never_502(port: int, size: int) -> None:
    """C-1."""
    for _ in range(10):
        status, said = call(port, "POST", "/api/auth/verify", bytes(size), connection="keep-alive")
        assert (status, json.loads(said)["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_a_head_that_is_too_large_is_answered_431_and_never_502(port: int) -> None:
    """C-9: while nginx still sends the body."""
    fields = dict.fromkeys(("x-1", "x-2", "x-3"), "y" * 7000)
    status, said = call(port, "POST", "/api/auth/verify", bytes(1_000_000), connection="close", **fields)
    assert (status, json.loads(said)["code"]) == (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")
