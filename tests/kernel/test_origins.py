"""Origins: one normal form for every spelling."""

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.app import create_app
from api.kernel.config.origins import normal_origin
from api.kernel.context import Context
from api.kernel.settings import load
from tests.conftest import KINDS, client_of
from tests.factories import make_user
from tests.kernel.environ import GOOD, faults
from tests.sessions.signing import login


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("HTTPS://App.Example.Com:443/", "https://app.example.com"),
        ("https://app.example.com:0443", "https://app.example.com"),
        ("https://app.example.com:80", "https://app.example.com:80"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[0:0:0::1]:80", "http://[::1]"),
        ("https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost/", "ionic://localhost"),
        ("app://com.example.shop", "app://com.example.shop"),
        ("tauri://localhost", "tauri://localhost"),
    ],
)
def test_an_origin_is_normalised_as_browsers_do(written: str, normal: str) -> None:
    """C-193."""
    assert normal_origin(written) == normal
    assert normal_origin(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "file://x",
        "localhost",
        "capacitor:localhost",
        "https://",
        "https://a/b",
        "https://a?b",
        "https://u@a",
        "https://a:0",
        "https://a:65536",
        "https://*.example.com",
        "https://münchen.example",
        "https://[::1",
        "https://[:::]",
        "https://a//",
        "https://a\n",
    ],
)
def test_an_invalid_origin_is_refused_without_being_quoted(text: str) -> None:
    """C-193."""
    with pytest.raises(ValueError, match=r"^must be only an origin"):
        normal_origin(text)


def test_both_settings_take_any_spelling_and_links_use_the_normal_one() -> None:
    """C-193."""
    written = {"PUBLIC_URL": "https://App.example.com:443/", "ALLOWED_ORIGINS": "capacitor://localhost, https://B:443/"}
    settings = load(GOOD | written)
    assert settings.public_url == "https://app.example.com"
    assert settings.allowed_origins == ("capacitor://localhost", "https://b")


def test_the_applications_own_origin_is_a_web_page() -> None:
    [fault] = faults(PUBLIC_URL="capacitor://localhost")
    assert fault.startswith("  - PUBLIC_URL must begin with https://")


@pytest.fixture
def shop(environment: dict[str, str], context: Context) -> Starlette:
    """An application with unusual spellings of its origins."""
    written = {"PUBLIC_URL": "https://App.example.com:443/", "ALLOWED_ORIGINS": "capacitor://localhost,http://x:80"}
    settings = load(environment | written, KINDS)
    app = create_app(settings)
    app.state.context = msgspec.structs.replace(context, settings=settings)
    return app


@pytest.mark.parametrize("origin", ["https://app.example.com", "capacitor://localhost", "http://x"])
async def test_a_browser_signs_in_from_each_of_them(shop: Starlette, context: Context, origin: str) -> None:
    """C-193: with an explicit default port, every sign-in by cookie used to be refused."""
    await make_user(context, "ada@example.com")
    async with client_of(shop) as client:
        answer = await login(client, "ada@example.com", mode="cookie", origin=origin)
    assert answer.status_code == 204


@pytest.mark.parametrize("origin", ["https://app.example.com:443", "https://evil.example", "capacitor://evil", "null"])
async def test_the_error_for_another_origin_names_the_settings(shop: Starlette, context: Context, origin: str) -> None:
    """C-193."""
    async with client_of(shop) as client:
        answer: httpx.Response = await login(client, "ada@example.com", mode="cookie", origin=origin)
        preflight = await client.options(
            "/api/users/me", headers={"origin": origin, "access-control-request-method": "GET"}
        )
    for refused in (answer, preflight):
        assert (refused.status_code, refused.json()["code"]) == (403, "ORIGIN_NOT_ALLOWED")
        assert "PUBLIC_URL" in refused.json()["detail"]
        assert "ALLOWED_ORIGINS" in refused.json()["detail"]
