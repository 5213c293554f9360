"""`python -m api.keys`, and the effect of its steps on signed-in clients."""

import contextlib
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.identity.auth import Tokens
from api.kernel.settings import Settings, load
from api.keys import main, make, private_pem
from tests.conftest import KINDS, client_of
from tests.sessions.signing import is_signed_in, refresh, sign_in

pytestmark = [pytest.mark.case(65), pytest.mark.asvs("11.2.2"), pytest.mark.cwe(320)]
Environment = dict[str, str]


def lines_of(said: str) -> Environment:
    """Return the variables that a step sets."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", said, re.MULTILINE))


def steps(environment: Environment, *arguments: str) -> list[Environment]:
    """Yield the environment after each step."""
    after = [environment]
    for part in re.split(r"^\d\. ", main([*arguments], environment), flags=re.MULTILINE):
        if lines_of(part):
            after.append(after[-1] | lines_of(part))
    return after[1:]


@contextlib.asynccontextmanager
async def serving(context: Context, environment: Environment) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a process with that environment, on the test's database."""
    settings: Settings = load(environment, KINDS)
    app = create_app(settings)
    app.state.context = msgspec.structs.replace(context, settings=settings, tokens=Tokens(settings))
    async with client_of(app) as client:
        yield client


async def published(client: httpx.AsyncClient) -> list[dict[str, str]]:
    keys: list[dict[str, str]] = (await client.get("/api/.well-known/jwks.json")).json()["keys"]
    assert all(key.keys() <= {"kty", "crv", "x", "y", "kid", "use", "alg"} for key in keys), "only public parts"
    return keys


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_a_rotation_keeps_all_sessions(environment: Environment, context: Context, algorithm: str) -> None:
    """At each step the old and the new release accept each other's tokens."""
    before = environment | {"JWT_ALGORITHM": algorithm, "JWT_PRIVATE_KEY": private_pem(make(algorithm))}
    known, switched = steps(before)
    async with (
        serving(context, before) as old,
        serving(context, known) as knowing,
        serving(context, switched) as new,
    ):
        earlier = await sign_in(old, context)
        later = await sign_in(new, context)
        assert [await is_signed_in(client, earlier) for client in (old, knowing, new)] == [True, True, True]
        assert [await is_signed_in(client, later) for client in (knowing, new)] == [True, True]
        assert len(await published(knowing)) == 2
        assert {key["kid"] for key in await published(knowing)} == {key["kid"] for key in await published(new)}
        pair = (await refresh(new, earlier["refresh_token"])).json()
        assert await is_signed_in(knowing, pair)
    async with serving(context, switched | {"JWT_PREVIOUS_KEYS": ""}) as last:
        assert await is_signed_in(last, pair)
        assert not await is_signed_in(last, earlier), "after the key is removed"
        assert len(await published(last)) == 1


@pytest.mark.parametrize(("before", "after"), [("HS256", "ES256"), ("HS256", "EdDSA"), ("ES256", "EdDSA")])
async def test_another_algorithm_costs_a_refresh(
    environment: Environment, context: Context, before: str, after: str
) -> None:
    """Tokens signed with HS256 are refused, since verifying them would require sharing the key; the client
    refreshes."""
    environment = environment | {"JWT_ALGORITHM": before}
    if before != "HS256":
        environment["JWT_PRIVATE_KEY"] = private_pem(make(before))
    [switched] = steps(environment, "--algorithm", after)
    async with serving(context, environment) as old, serving(context, switched) as new:
        earlier = await sign_in(old, context)
        assert not await is_signed_in(new, earlier)
        assert await is_signed_in(new, (await refresh(new, earlier["refresh_token"])).json())


def run(environment: Environment, root: Path, *arguments: str) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error."""
    command = [sys.executable, "-m", "api.keys", *arguments]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout, done.stderr


def test_needs_no_other_variable(root: Path) -> None:
    """The first key can be generated before anything else is configured."""
    status, said, errors = run({"PATH": "/usr/bin:/bin"}, root)
    assert (status, errors) == (0, "")
    told = lines_of(said)
    assert told["JWT_ALGORITHM"] == "ES256"
    assert told["JWT_PRIVATE_KEY"].startswith(r"-----BEGIN PRIVATE KEY-----\n")
    assert told["JWT_PREVIOUS_KEYS"] == ""


def test_never_prints_the_current_private_key(root: Path) -> None:
    pem = private_pem(make("EdDSA"))
    status, said, _ = run({"JWT_ALGORITHM": "eddsa", "JWT_PRIVATE_KEY": pem}, root)
    assert status == 0
    assert said.count("PRIVATE KEY-----") == 2, "the whole new key"
    assert pem not in said


@pytest.mark.parametrize("pem", ["x", r"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_refuses_an_invalid_key(root: Path, pem: str) -> None:
    status, said, errors = run({"JWT_ALGORITHM": "ES256", "JWT_PRIVATE_KEY": pem}, root)
    assert (status, said) == (1, "")
    assert errors.startswith("keys: JWT_PRIVATE_KEY must be one private key in PEM")
    assert pem not in errors


def test_refuses_another_algorithm(root: Path) -> None:
    status, _, errors = run({}, root, "--algorithm", "HS256")
    assert status == 2
    assert "ES256" in errors
