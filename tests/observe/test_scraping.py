"""C-243: `/metrics` for authorized scrapers only."""

import asyncio
import re
import socket
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import msgspec
import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.settings import Settings, SettingsError, load
from api.kernel.telemetry.exposition import Exposition, listen
from dev.observe import configuration
from dev.ports import free_port
from tests.conftest import _NOWHERE, ENVIRONMENT, client_of
from tests.factories import PASSWORD
from tests.observe.promtool import PROMTOOL, needs_promtool, samples
from tests.processes import Processes

TOKEN = "b3BlbiBzZXNhbWUgYW5kIHN1Y2ggdGhpbmdz"
ROOT = Path(__file__).parents[2]
IDENTIFYING = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{32}|@|%40|\d+\.\d+\.\d+\.\d+")


async def test_with_a_token_on_the_web_port(cloned: Settings, environment: Mapping[str, str], tmp_path: Path) -> None:
    ours = {"DATABASE_URL": cloned.database_url, "METRICS_TOKEN": TOKEN, "LOG_HEALTH": "false"}
    with Processes({**environment, **ours}, tmp_path) as processes:
        async with processes.web() as client:
            for header in ({}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": f"Basic {TOKEN}"}):
                refused = await client.get("/metrics", headers=header)
                assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHORIZED")
                assert refused.headers["www-authenticate"] == "Bearer"
                assert "process_" not in refused.text
            await client.get("/api/users/me")
            answer = await client.get("/metrics", headers={"authorization": f"bearer {TOKEN}"})
            assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
            told = samples(answer.text)
            [counted] = [name for name in told if "duration_seconds_count" in name and "/api/users/me" in name]
            assert told[counted] == 1
            assert 'service_name="rest-angular-web"' in answer.text
            assert TOKEN not in answer.text
    assert TOKEN not in (tmp_path / "api.log").read_text()


def served(folder: Path) -> set[str]:
    """Return the ports in the processes' logs."""
    logs = "".join(log.read_text() for log in folder.glob("*.log"))
    return set(re.findall(r'"metrics are served".*?"port": (\d+)', logs))


async def test_each_process_takes_the_next_port(
    cloned: Settings, environment: Mapping[str, str], tmp_path: Path
) -> None:
    port = free_port()
    ours = {"DATABASE_URL": cloned.database_url, "METRICS_PORT": str(port), "METRICS_TOKEN": TOKEN}
    ours["WEB_CONCURRENCY"] = "2"
    async with httpx.AsyncClient(trust_env=False, timeout=15) as client:
        with Processes({**environment, **ours}, tmp_path) as processes:
            for module in ("api", "worker"):
                processes.start(module)
            async with asyncio.timeout(60):
                while len(ports := served(tmp_path)) < 3:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            scraped = set()
            for each in ports:
                url = f"http://127.0.0.1:{each}/metrics"
                assert (await client.get(url)).status_code == 401
                text = (await client.get(url, headers={"authorization": f"Bearer {TOKEN}"})).text
                scraped |= set(re.findall('service_instance_id="(.*?)".*service_name="rest-angular-(.*?)"', text))
    assert sorted(name for _, name in scraped) == ["web", "web", "worker"]


async def test_with_a_port_it_is_not_on_the_web_port(settings: Settings, context: Context) -> None:
    for port in (None, 9464):
        own = msgspec.structs.replace(settings, metrics_token=TOKEN, metrics_port=port)
        app = create_app(own, exposition=Exposition())
        app.state.context = context
        async with client_of(app) as client:
            assert ((await client.get("/metrics")).status_code == 401) == (port is None)


def test_unavailable_ports_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 65_535))
        taken.listen()
        assert listen(Exposition(), 65_535, None, 8000) is None
    assert "metrics are not served: check METRICS_PORT" in caplog.messages


async def test_the_port_of_web_is_reserved_and_ipv6_is_served() -> None:
    """C-331: the second of two processes would otherwise take it before `web` listens."""
    first = free_port()
    taken = listen(Exposition(), first, None, first + 1)
    assert taken == first
    following = listen(Exposition(), first, None, first + 1)
    assert following is not None
    assert following > first + 1
    async with httpx.AsyncClient(trust_env=False) as client:
        for host in ("127.0.0.1", "[::1]") if socket.has_ipv6 and loopback_has_ipv6() else ("127.0.0.1",):
            assert (await client.get(f"http://{host}:{taken}/metrics")).status_code == 200


def loopback_has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@needs_promtool
async def test_prometheus_accepts_the_output_of_make_observe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_TOKEN", TOKEN)
    file = tmp_path / "prometheus.yml"
    file.write_text(configuration(range(9464, 9466)))
    assert PROMTOOL is not None
    checking = await asyncio.create_subprocess_exec(PROMTOOL, "check", "config", str(file), stdout=PIPE, stderr=PIPE)
    told, errors = await checking.communicate()
    assert checking.returncode == 0, told + errors


async def test_off_by_default(client: httpx.AsyncClient) -> None:
    assert "target_info" not in (await client.get("/metrics")).text


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN is weak"),
        ({"METRICS_PORT": "0"}, "METRICS_PORT must be a whole number"),
        ({"METRICS_TOKEN": TOKEN, "WEB_CONCURRENCY": "2"}, "METRICS_TOKEN alone answers for one process"),
    ],
)
def test_invalid_settings_are_refused(variables: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load(ENVIRONMENT | _NOWHERE | variables)


async def exercise(client: httpx.AsyncClient, name: str = "ada", number: int = 1) -> None:
    """Send requests with ids, addresses and names in paths, bodies and headers."""
    body = {"email": f"{name}@example.com", "password": PASSWORD}
    await client.post("/api/auth/register", json=body, headers={"x-forwarded-for": f"203.0.113.{number}"})
    await client.post("/api/auth/jwt/login", data={"username": body["email"], "password": PASSWORD})
    await client.post("/api/auth/jwt/login", data={"username": f"eve-{body['email']}", "password": "guess"})
    for path in (f"users/0190f5d2-0000-7000-8000-00000000000{number}", f"nothing/{body['email']}", f"{number}.0.113.9"):
        await client.get(f"/api/{path}")


async def test_no_label_has_an_id_or_an_address(scrape: Callable[[], str], live_client: httpx.AsyncClient) -> None:
    """C-244: the number of series does not depend on requests."""
    await exercise(live_client)
    before = {name for name in samples(scrape()) if "duration" in name}
    await exercise(live_client, "bob", 2)
    told = {name for name in samples(scrape()) if not name.startswith(("target_info", "messaging"))}
    assert {name for name in told if "duration" in name} == before
    assert [name for name in told if IDENTIFYING.search(name)] == []


@needs_promtool
async def test_promtool_accepts_the_metrics(scrape: Callable[[], str], live_client: httpx.AsyncClient) -> None:
    await exercise(live_client)
    assert PROMTOOL is not None
    checking = await asyncio.create_subprocess_exec(PROMTOOL, "check", "metrics", stdin=PIPE, stderr=PIPE, stdout=PIPE)
    told, errors = await checking.communicate(scrape().encode())
    # OpenTelemetry's own names end like this.
    others = [line for line in errors.decode().splitlines() if not line.endswith('should not have "_count" suffix')]
    assert (checking.returncode in (0, 3), told, others) == (True, b"", [])


def documented() -> dict[str, str]:
    """Return the metrics of docs/operations.md: OpenTelemetry's names, and Prometheus'."""
    rows = re.findall(r"^\| `([a-z_.]+)` \| `([a-z_]+)` \|", (ROOT / "docs/operations.md").read_text(), re.M)
    return dict(rows)


def test_documented_and_existing_metrics_are_the_same() -> None:
    """C-245."""
    made = re.compile(r'(?:create_\w+|LastingGauge)\(\s*"([a-z_.]+)"')
    sources = [file for folder in ("api", "worker") for file in sorted((ROOT / folder).rglob("*.py"))]
    assert set(documented()) == {name for file in sources for name in made.findall(file.read_text())}


async def test_prometheus_names_are_those_documented(scrape: Callable[[], str], live_client: httpx.AsyncClient) -> None:
    """C-245."""
    await exercise(live_client)
    families = set(re.findall(r"^# TYPE (\w+) ", scrape(), re.M)) - {"target_info"}
    assert families <= set(documented().values())
    assert {"http_server_request_duration_seconds", "db_client_connection_count"} <= families


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_alerts_and_dashboard_use_existing_metrics(file: str) -> None:
    """C-245."""
    text = (ROOT / "docs/observe" / file).read_text()
    used = set(
        re.findall(r"\b((?:http|db|task|outbox|audit|sweep|hashing|process|event_loop|messaging|log)_[a-z_]+)", text)
    )
    names = {re.sub("_(bucket|sum|count)$", "", name) if name not in documented().values() else name for name in used}
    labels = {"http_route", "http_response_status_code", "http_request_method", "db_operation_name", "task_name"}
    labels |= {"db_client_connection_state", "hashing_state", "task_outcome"}
    assert names - labels <= set(documented().values())
    assert names & set(documented().values())
