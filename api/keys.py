"""`python -m api.keys [--algorithm ES256|EdDSA]`: create a key that signs access tokens, and print the steps of a
rotation that keeps all sessions. It reads only the JWT_ variables. Run it where its output is not logged."""

import argparse
import os
import sys
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from api.kernel.config.pem import read_keys
from api.kernel.identity.auth import ACCESS_SECONDS
from api.kernel.process.terminal import show

ALGORITHMS = ("ES256", "EdDSA")
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def make(algorithm: str) -> Key:
    return ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else ed25519.Ed25519PrivateKey.generate()


def private_pem(key: Key) -> str:
    return _one_line(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def public_pem(key: Key) -> str:
    return _one_line(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def current(environ: Mapping[str, str], algorithm: str) -> Key | None:
    """The current signing key of this algorithm; None if there is none. Raises ValueError if it is invalid."""
    text = environ.get("JWT_PRIVATE_KEY", "").strip()
    if not text or _algorithm(environ) != algorithm:
        return None
    [pem] = read_keys(text, algorithm, signing=True)
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, Key)  # ensured by read_keys
    return key


def steps(algorithm: str, environ: Mapping[str, str]) -> str:
    """The variables to set at each step. Raises ValueError if JWT_PRIVATE_KEY is invalid."""
    new, old = make(algorithm), current(environ, algorithm)
    signing = [f"JWT_ALGORITHM={algorithm}", f"JWT_PRIVATE_KEY={private_pem(new)}"]
    minutes = ACCESS_SECONDS // 60 + 1
    if old is None:
        return "\n".join(
            [
                "Set these variables together and deploy. Access tokens of another algorithm are then refused, and",
                "clients refresh them, so that sessions continue.",
                "",
                *signing,
                "JWT_PREVIOUS_KEYS=",
            ]
        )
    return "\n".join(
        [
            "1. Set this and deploy, so that every process knows the new key before any of them signs with it.",
            "",
            f"JWT_PREVIOUS_KEYS={public_pem(new)}",
            "",
            "2. When all processes use it, set these together and deploy. Tokens of the old key stay valid.",
            "",
            *signing,
            f"JWT_PREVIOUS_KEYS={public_pem(old)}",
            "",
            f"3. After {minutes} minutes all tokens of the old key have expired: unset JWT_PREVIOUS_KEYS.",
        ]
    )


def _algorithm(environ: Mapping[str, str]) -> str | None:
    now = environ.get("JWT_ALGORITHM", "").strip().lower()
    return next((name for name in ALGORITHMS if name.lower() == now), None)


def _one_line(pem: bytes) -> str:
    return pem.decode().strip().replace("\n", "\\n")


def main(arguments: list[str], environ: Mapping[str, str]) -> str:
    parser = argparse.ArgumentParser("python -m api.keys", description="Make a key for access tokens.")
    parser.add_argument("--algorithm", choices=ALGORITHMS, default=_algorithm(environ) or "ES256")
    return steps(parser.parse_args(arguments).algorithm, environ)


if __name__ == "__main__":
    try:
        show(main(sys.argv[1:], os.environ))
    except ValueError as error:
        sys.exit(f"keys: JWT_PRIVATE_KEY {error}")
