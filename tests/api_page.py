"""`make api-page`: writes docs/api.md, which shows each route with a request and its answer from a run: first the life
of an account, then each feature's examples.py."""

import asyncio
import tempfile
from pathlib import Path

import httpx
import msgspec

from api.app import create_app
from api.kernel.context import Context, open_context
from api.kernel.mail import MemoryMailer
from api.kernel.settings import load
from dev.stack import embedded
from migrations.__main__ import migrate
from tests.browser import Browser
from tests.conftest import ENVIRONMENT, KINDS, PERSONAL, SUBSCRIBERS, client_of
from tests.examples import EXAMPLES, ROUTES
from tests.mailed import mailed
from tests.transcript import Transcript

PAGE = Path(__file__).parents[1] / "docs/api.md"
MARK = "<!-- From here on, `make api-page` writes this page from a run. -->\n"
EMAIL, OTHER = "ada@example.com", "ada@example.org"
PASSWORD, BETTER = "correct horse battery staple", "a better horse and battery"


async def page(client: httpx.AsyncClient, context: Context) -> str:
    """Return the whole page, including its hand-written beginning."""
    client.headers["user-agent"] = "Firefox/140"
    transcript = Transcript(client, {(route.method, route.path): route for _, route in ROUTES.values()})
    await begin(transcript, context)
    browser = await use_cookies(transcript)
    await change_account(transcript, context, browser)
    await recover(transcript, context)
    await leave(transcript)
    headers = await administrate(transcript, context)
    for examples in EXAMPLES.values():
        if examples.page:
            await examples.page(transcript, context, headers)
    left = [
        f"{EXAMPLES[ROUTES[f'{method} {path}'][0]].file}: show {method} {path} in `page`"
        for method, path in transcript.left
    ]
    assert left == []
    return PAGE.read_text("utf-8").partition(MARK)[0] + MARK + "\n" + "\n".join(transcript.lines).rstrip() + "\n"


async def begin(transcript: Transcript, context: Context) -> None:
    transcript.write("## Registering and signing in")
    await transcript.show("POST /auth/register", json={"email": EMAIL, "password": PASSWORD})
    await mailed(context)
    await context.db.fetch("update user_tokens set created_at = created_at - interval '2 minutes'")
    await transcript.show("POST /auth/request-verify-token", json={"email": EMAIL})
    verification = {"token": await token(context, EMAIL)}
    await transcript.show("POST /auth/verify/opening", json=verification)
    await transcript.show("POST /auth/verify", json=verification)
    pair = (await transcript.show("POST /auth/jwt/login", data=form())).json()
    pair = (await transcript.show("POST /auth/refresh", json={"refresh_token": pair["refresh_token"]})).json()
    await transcript.show("POST /auth/jwt/logout", headers=bearer(pair))
    await transcript.show("GET /.well-known/jwks.json")


async def use_cookies(transcript: Transcript) -> Browser:
    transcript.write("## Browsers and sessions")
    browser = Browser(transcript.client)
    await transcript.show("POST /auth/cookie/login", browser, data=form())
    await transcript.show("GET /auth/session", browser)
    await transcript.show("POST /auth/refresh", browser)
    await transcript.client.post("/api/auth/jwt/login", data=form())
    await transcript.client.post("/api/auth/jwt/login", data=form())
    sessions = (await transcript.show("GET /sessions", browser)).json()
    other = next(each["id"] for each in sessions if not each["current"])
    await transcript.show("DELETE /sessions/{id}", browser, id=other)
    await transcript.show("DELETE /sessions", browser)
    await transcript.show("POST /auth/cookie/logout", browser)
    await browser.request("POST", "/api/auth/cookie/login", data=form())
    return browser


async def change_account(transcript: Transcript, context: Context, browser: Browser) -> None:
    transcript.write("## The caller's account")
    etag = (await transcript.show("GET /users/me", browser)).headers["etag"]
    await transcript.show("GET /users/me", browser, headers={"if-none-match": etag})
    await transcript.show("PATCH /users/me", browser, json={"name": "Ada Lovelace"}, headers={"if-match": etag})
    change = {"current_password": PASSWORD, "new_password": BETTER}
    await transcript.show("POST /users/change-password", browser, json=change)
    await mailed(context)
    transcript.write("A new address must be confirmed, and the old one is notified; until then the old one stays.")
    await transcript.show("PATCH /users/me", browser, json={"email": OTHER, "current_password": BETTER})
    await transcript.show("POST /auth/confirm-email", json={"token": await token(context, OTHER)})
    await transcript.show("POST /auth/revert-email", json={"token": await token(context, EMAIL)})
    await mailed(context)


async def recover(transcript: Transcript, context: Context) -> None:
    transcript.write("## Forgotten passwords")
    await transcript.show("POST /auth/forgot-password", json={"email": EMAIL})
    new = {"token": await token(context, EMAIL), "password": PASSWORD}
    await transcript.show("POST /auth/reset-password", json=new)


async def leave(transcript: Transcript) -> None:
    transcript.write("## Deleting the account")
    transcript.write("Signing in before the deletion cancels it.")
    pair = (await transcript.client.post("/api/auth/jwt/login", data=form())).json()
    await transcript.show("DELETE /users/me", json={"current_password": PASSWORD}, headers=bearer(pair))


async def administrate(transcript: Transcript, context: Context) -> dict[str, str]:
    """Return the superuser's headers."""
    transcript.write("## Administration")
    await context.db.fetch("update users set is_superuser = true where email = $1", EMAIL)
    headers = bearer((await transcript.client.post("/api/auth/jwt/login", data=form())).json())
    invited = {"email": "grace@example.com", "name": "Grace Hopper", "roles": ["notifier"], "language": "de"}
    keyed = headers | {"idempotency-key": "invite-1"}
    id = (await transcript.show("POST /users", json=invited, headers=keyed)).json()["id"]
    await transcript.show("POST /users", json=invited, headers=keyed)
    await transcript.show("GET /users", params={"q": "exam", "sort": "email", "limit": 1}, headers=headers)
    etag = (await transcript.show("GET /users/{id}", id=id, headers=headers)).headers["etag"]
    changed = {"roles": ["notifier", "editor"]}
    await transcript.show("PATCH /users/{id}", id=id, json=changed, headers=headers | {"if-match": etag})
    await transcript.show("POST /users/{id}/revoke-sessions", id=id, headers=headers)
    await transcript.show("POST /users/{id}/unlock", id=id, headers=headers)
    await transcript.show("DELETE /users/{id}", id=id, headers=headers)
    return headers


def form() -> dict[str, str]:
    return {"username": EMAIL, "password": PASSWORD}


def bearer(pair: dict[str, str]) -> dict[str, str]:
    return {"authorization": f"Bearer {pair['access_token']}"}


async def token(context: Context, address: str) -> str:
    """Return the token from the newest mail to the address, after running the worker's tasks."""
    return [found for to, found in await mailed(context) if to == address][-1]


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder), durable=False) as services:
        parts = {
            "DATABASE_URL": services.database_url,
            "REDIS_URL": services.redis_url,
            "KAFKA_BOOTSTRAP_SERVERS": services.kafka_bootstrap_servers,
            "SMTP_URL": services.smtp_url,
        }
        settings = load(ENVIRONMENT | parts, KINDS)
        migrate(settings.database_url)
        app = create_app(settings)
        async with open_context(settings, SUBSCRIBERS, personal=PERSONAL) as opened, client_of(app) as client:
            app.state.context = msgspec.structs.replace(opened, mail=MemoryMailer())
            PAGE.write_text(await page(client, app.state.context), "utf-8")


if __name__ == "__main__":
    asyncio.run(run())
