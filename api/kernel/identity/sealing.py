"""Encryption of values that the database must not reveal: AES-256-GCM (NIST SP 800-38D), with a key of `verifying_keys`
or one derived from it."""

import secrets
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


def seal(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    """Encrypt a value with a key of 32 bytes. It is decrypted only with the same `bound_to`, such as its row's id."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(keys: Iterable[bytes], sealed: bytes, bound_to: bytes) -> bytes | None:
    """Decrypt a value with the first key that fits; None if none does."""
    for key in keys:
        try:
            return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)
        except InvalidTag:
            continue
    return None
