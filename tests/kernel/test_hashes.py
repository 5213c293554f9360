"""Password hashes of other systems: published vectors, and hashes that their libraries produce here."""

import base64
import hashlib
import hmac

import argon2
import bcrypt
import pytest

from api.kernel.context import Context
from api.kernel.identity import hashes
from api.kernel.identity.hashes import decoys, is_readable, normal_kind, read
from api.kernel.identity.passwords import Passwords

SIGNER_KEY = base64.b64decode(
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
)
# README of firebase/scrypt.
FIREBASE = (
    "$fbscrypt$ln=14,r=8$Bw$42xEC+ixf3L2lw$"
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ"
)
PUBLISHED = {
    # Openwall's test program of phpass.
    "phpass": ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"),
    # Spring Security's reference, “Password Storage Format”.
    "bcrypt": ("$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG", "password"),
    # PHP's manual of password_verify.
    "PHP": ("$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq", "rasmuslerdorf"),
    "Firebase": (FIREBASE, "user1password"),
    # RFC 7914, section 12: the scrypt of "pleaseletmein" with the salt "SodiumChloride".
    "scrypt": (
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
        + hashes.encode(
            bytes.fromhex(
                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
            )
        ),
        "pleaseletmein",
    ),
    # RFC 6070, the third vector of PBKDF2 with SHA-1.
    "PBKDF2": (
        "$pbkdf2$4096$"
        + hashes.encode(b"salt")
        + "$"
        + hashes.encode(bytes.fromhex("4b007901b765489abead49d926f721d065a429c1")).replace("+", "."),
        "password",
    ),
}


@pytest.mark.parametrize(("stored", "password"), PUBLISHED.values(), ids=PUBLISHED)
async def test_published_vectors_verify(stored: str, password: str) -> None:
    """C-255."""
    passwords = Passwords(firebase_signer_key=SIGNER_KEY)
    try:
        assert await passwords.verify(stored, password)
        assert passwords.outdated(stored, password)
        for wrong in ("", password[:-1], password + "x", "\ud800"):
            assert not await passwords.verify(stored, wrong)
    finally:
        passwords.close()


async def test_a_hash_of_firebases_matches_nothing_without_the_signer_key(passwords: Passwords) -> None:
    """C-255."""
    assert not await passwords.verify(FIREBASE, "user1password")


async def test_wordpress_hashes_a_digest(passwords: Passwords) -> None:
    """C-255: as wp_hash_password of WordPress 6.8 does, in pluggable.php."""
    digest = base64.b64encode(hmac.new(b"wp-sha384", "pässword".encode(), hashlib.sha384).digest())
    stored = "$wp" + bcrypt.hashpw(digest, bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")
    assert await passwords.verify(stored, "pässword")
    assert not await passwords.verify(stored, "password")
    assert not await passwords.verify(stored[3:], "pässword")


async def test_bcrypt_uses_the_first_72_bytes_of_a_long_password(passwords: Passwords) -> None:
    """C-256: like the system that made the hash. The application's own hashes use every byte."""
    stored = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    for long in ("x" * 72, "x" * 73, "x" * 200):
        assert await passwords.verify(stored, long)
    assert not await passwords.verify(stored, "x" * 71)
    assert not await passwords.verify(stored, "x" * 71 + "é")
    own = await passwords.hash("x" * 73)
    assert not await passwords.verify(own, "x" * 72)


@pytest.mark.parametrize("kind", [argon2.Type.I, argon2.Type.ID])
async def test_argon2_of_other_parameters(passwords: Passwords, kind: argon2.Type) -> None:
    """C-255: Argon2i, at the highest allowed cost."""
    stored = argon2.PasswordHasher(3, 65_536, 4, type=kind).hash("correct horse")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "wrong")
    assert passwords.outdated(stored, "correct horse")


ARGON2 = "$argon2id$v=19$m={},t={},p={}$c29tZXNhbHQxMjM0NTY$" + "A" * 43
SCRYPT = "$scrypt$ln={},r={},p={}$AAAA$" + "A" * 43
COSTLY = {
    "Argon2's memory": (ARGON2.format(102_401, 2, 1), "memory"),
    "Argon2's work": (ARGON2.format(102_400, 7, 8), "work"),
    "Argon2's passes": (ARGON2.format(19_456, 11, 1), "passes"),
    "Argon2's lanes": (ARGON2.format(19_456, 2, 9), "lanes"),
    "bcrypt": ("$2b$16$" + "a" * 53, "cost of bcrypt"),
    "bcrypt of a digest": ("$wp$2y$31$" + "a" * 53, "cost of bcrypt"),
    "scrypt's memory": (SCRYPT.format(17, 8, 1), "memory of scrypt"),
    "scrypt's work": (SCRYPT.format(16, 8, 5), "work"),
    "scrypt's cost": (SCRYPT.format(63, 1, 1), "cost ln"),
    "scrypt's block": (SCRYPT.format(4, 1000, 1), "block size"),
    "PBKDF2": (f"$pbkdf2-sha256$2000001$AAAA${'A' * 43}", "rounds"),
    "phpass": ("$P$H" + "a" * 30, "phpass"),
}


@pytest.mark.parametrize(("stored", "named"), COSTLY.values(), ids=COSTLY)
async def test_a_hash_above_the_bounds_is_refused_and_the_bound_is_named(
    passwords: Passwords, stored: str, named: str
) -> None:
    """C-257: once stored, it would add no cost to a sign-in."""
    with pytest.raises(ValueError, match=named) as refused:
        read(stored)
    assert stored not in str(refused.value)
    assert not await passwords.verify(stored, "x")


KINDS = [
    "$2b$10$",
    "$argon2id$v=19$m=19456,t=2,p=1$",
    "$argon2i$m=64,t=1,p=1$",
    "$scrypt$ln=4,r=8,p=1$",
    "$fbscrypt$ln=4,r=8$",
    "$P$9",
    "$pbkdf2-sha512$7$",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_decoy_costs_as_much_as_a_hash_of_its_kind(kind: str) -> None:
    """C-258."""
    [decoy] = decoys("", [kind])
    assert read(decoy).kind == kind
    assert not read(decoy).matches(b"x", SIGNER_KEY)
    assert decoys(kind, [kind]) == []


def test_a_refusal_costs_the_most_rounds_of_pbkdf2() -> None:
    """C-258: Django raises their number with every version; a refusal costs the largest number, not the sum."""
    kinds = [f"$pbkdf2-sha256${rounds}$" for rounds in (600_000, 1_000_000, 260_000)] + ["$pbkdf2$1000$"]

    def rounds(asked: str) -> dict[str, int]:
        parts = (decoy.split("$") for decoy in decoys(asked, kinds))
        return {digest: int(number) for _, digest, number, *_ in parts}

    assert rounds("$2b$10$") == {"pbkdf2-sha256": 1_000_000, "pbkdf2": 1000}
    assert rounds(kinds[0]) == {"pbkdf2-sha256": 400_000, "pbkdf2": 1000}
    assert rounds(kinds[1]) == {"pbkdf2": 1000}


@pytest.mark.parametrize(
    "stored",
    [
        *(stored for stored, _ in PUBLISHED.values()),
        "$django$2b$12$" + "a" * 53,
        "$wp$2y$10$" + "a" * 53,
        "$H$9" + "a" * 30,
        f"$pbkdf2-sha256$600000$AAAA${'A' * 43}",
        f"$pbkdf2-sha512$25000$AAAA${'A' * 86}",
        ARGON2.format(65_536, 10, 4),
        ARGON2.format(64, 1, 1).replace("argon2id", "argon2i").replace("v=19$", ""),
    ],
)
async def test_the_database_names_the_same_kinds(context: Context, stored: str) -> None:
    """C-258: an index on them gives the kinds that a refusal must cost."""
    [row] = await context.db.fetch("select password_kind($1)", stored)
    assert normal_kind(row[0]) == read(stored).kind


@pytest.mark.parametrize(
    "malformed",
    [
        "$P$9short",
        "$P$9" + "!" * 30,
        "$scrypt$ln=14,r=8,p=1$$",
        SCRYPT.format(0, 8, 1),
        SCRYPT.format(14, 0, 1),
        SCRYPT.format(14, 8, 0),
        SCRYPT.format(20, 1, 1),
        "$scrypt$ln=14,r=8,p=1$AAAAA$" + "A" * 43,
        "$pbkdf2-sha256$0$AAAA$" + "A" * 43,
        "$pbkdf2-sha256$1000$AAAA$" + "A" * 86,
        "$pbkdf2-md5$1000$AAAA$" + "A" * 43,
        "$fbscrypt$ln=14,r=8$Bw$AAAAA$" + "A" * 86,
        "$wp$2x$10$" + "a" * 53,
        "$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY$" + "A" * 43,
        "$argon2id$v=19$m=7,t=1,p=1$c29tZXNhbHQxMjM0NTY$" + "A" * 43,
        FIREBASE + "\n",
    ],
)
async def test_a_malformed_hash_matches_no_password(passwords: Passwords, malformed: str) -> None:
    """C-257: for any value in the database, a sign-in is refused and does not fail."""
    assert not is_readable(malformed)
    assert await passwords.verify(malformed, "x") is False
