"""GET /.well-known/jwks.json."""

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwk, jwt

from api.app import create_app
from api.kernel.context import Context
from api.kernel.identity.auth import Tokens
from tests.conftest import client_of
from tests.sessions.signing import sign_in


async def test_a_shared_secret_is_not_published(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/.well-known/jwks.json")
    assert (answer.status_code, answer.json()) == (200, {"keys": []})


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_the_public_keys_verify_tokens(context: Context, algorithm: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    settings = msgspec.structs.replace(context.settings, jwt_algorithm=algorithm, jwt_private_key=pem)
    app = create_app(settings)
    app.state.context = msgspec.structs.replace(context, settings=settings, tokens=Tokens(settings))
    async with client_of(app) as client:
        pair = await sign_in(client, context)
        published = (await client.get("/api/.well-known/jwks.json")).json()
    assert "d" not in published["keys"][0], "the private part is not published"
    keys = jwk.KeySet.import_key_set(published)
    decoded = jwt.decode(pair["access_token"], keys, [algorithm])
    assert decoded.claims["iss"] == settings.public_url
