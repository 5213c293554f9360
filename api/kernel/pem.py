"""Signing keys in PEM, as an environment holds them."""

import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----\n.*?-----END \1-----", re.DOTALL)
_CURVES = {"ES256": "secp256r1", "EdDSA": "Ed25519"}


def read_keys(text: str, algorithm: str, *, signing: bool) -> tuple[str, ...]:
    """Keys in PEM, one after the other, of which a signing one must be private and alone; none with HS256, which has no
    use for them. Raises ValueError."""
    if algorithm not in _CURVES:
        return ()
    text = text.replace("\\n", "\n")  # a PaaS' form field often keeps newlines escaped
    pems = tuple(match[0] for match in _PEM.finditer(text))
    fit = not _PEM.sub("", text).strip() and all(_curve_of(pem).startswith(_CURVES[algorithm]) for pem in pems)
    if not fit or (signing and (len(pems) != 1 or "PRIVATE" not in pems[0])):
        what = "one private key" if signing else "keys"
        raise ValueError(f"must be {what} in PEM, without a password: P-256 for ES256, Ed25519 for EdDSA.")
    return pems


def _curve_of(pem: str) -> str:
    try:
        key = load_pem_private_key(pem.encode(), None) if "PRIVATE" in pem else load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):  # no key, encrypted, of a kind that nobody knows
        return ""
    return str(getattr(getattr(key, "curve", key), "name", type(key).__name__))  # secp256r1, Ed25519PrivateKey
