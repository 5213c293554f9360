"""Hand-written servers that show what the stack allows, each doing less around the same work. `raw` is an ASGI
callable, `bare` a Starlette route, `query` a Starlette route that verifies a bearer token with joserfc and runs the
query of GET /users/me with asyncpg; `statements` writes rows in a transaction, optionally after an Argon2id hash. Run
by `python -m benchmarks.serve floor:raw`."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

ANSWER: dict[str, object] = {
    "id": "01a205f4-76be-7eee-8ae7-47b9d6224c99",
    "email": "ada@example.com",
    "name": None,
    "is_active": True,
    "is_superuser": False,
    "is_verified": True,
    "roles": [],
    "created_at": "2026-11-23T01:10:36.990591Z",
    "updated_at": "2026-11-23T01:10:36.990591Z",
}
ME = """
select users.id, users.email, users.name, users.is_active, users.is_superuser, users.is_verified, users.roles,
       users.created_at, users.updated_at
  from sessions
  join users on users.id = sessions.user_id
 where sessions.id = $1
   and sessions.user_id = $2
   and sessions.ended_at is null
   and sessions.expires_at > now()
   and sessions.idle_expires_at > now()
   and users.is_active
"""
TOUCH = "update sessions set last_seen_at = now() where id = $1"


def raw() -> Any:
    body = JSONResponse(ANSWER).body
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": bytes(body)})

    return app


def bare() -> Starlette:
    async def me(request: Request) -> JSONResponse:
        return JSONResponse(ANSWER)

    return Starlette(routes=[Route("/api/users/me", me)])


@contextlib.asynccontextmanager
async def _pool(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=8) as app.state.pool:
        yield


def query() -> Starlette:
    public_url = os.environ["PUBLIC_URL"]
    key = jwk.OctKey.import_key(bytes.fromhex(os.environ["FLOOR_KEY"]))
    registry = jwt.JWTClaimsRegistry(
        leeway=30,
        iss={"essential": True, "value": public_url},
        aud={"essential": True, "value": f"{public_url}/api"},
        exp={"essential": True},
        sub={"essential": True},
    )

    async def me(request: Request) -> JSONResponse:
        try:
            token = jwt.decode(request.headers.get("authorization", "").removeprefix("Bearer "), key, ["HS256"])
            registry.validate(token.claims)
        except (JoseError, ValueError):
            return JSONResponse({"detail": "Unauthorized"}, 401)
        row = await request.app.state.pool.fetchrow(ME, token.claims["sid"], token.claims["sub"])
        if row is None:
            return JSONResponse({"detail": "Unauthorized"}, 401)
        user = dict(row) | {
            "id": str(row["id"]),
            "created_at": row["created_at"].isoformat(),
            "updated_at": row["updated_at"].isoformat(),
        }
        return JSONResponse(user)

    return Starlette(routes=[Route("/api/users/me", me)], lifespan=_pool)


def statements() -> Starlette:
    from api.kernel.identity.hashes import ARGON2  # here, since the other servers need none of this project's imports

    threads = ThreadPoolExecutor(os.cpu_count() or 1)

    async def touch(request: Request) -> JSONResponse:
        body = await request.json()
        if "password" in body:
            hashing = asyncio.get_running_loop().run_in_executor(threads, ARGON2.hash, body["password"])
            body["password"] = await hashing
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            for _ in range(request.path_params["count"]):
                await connection.execute(TOUCH, body["session"])
        return JSONResponse(body)

    return Starlette(routes=[Route("/statements/{count:int}", touch, methods=["POST"])], lifespan=_pool)
