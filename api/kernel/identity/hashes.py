"""Password hashes, native and imported: parsing, cost limits, and verification. The primitives come from hashlib,
argon2-cffi, bcrypt and cryptography; this file implements the formats.

| form | made by |
|---|---|
| `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, `$argon2i$…` | this application, and others |
| `$2b$12$…`, `$2a$`, `$2y$` | bcrypt of the first 72 bytes |
| `$django$2b$12$…` | Django's BCryptSHA256PasswordHasher: bcrypt of the hexadecimal SHA-256 |
| `$wp$2y$10$…` | WordPress 6.8: bcrypt of the base64 of HMAC-SHA-384 |
| `$P$B…`, `$H$9…` | phpass: iterated MD5 |
| `$pbkdf2-sha256$rounds$salt$hash`, `$pbkdf2-sha512$`, `$pbkdf2$` (SHA-1) | PBKDF2 in passlib's form |
| `$scrypt$ln=…,r=…,p=…$salt$hash` | scrypt in PHC form |
| `$fbscrypt$ln=…,r=…$separator$salt$hash` | Firebase: a key of the project, encrypted with a key that scrypt derives |
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator

import argon2
import bcrypt
import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

MOST_MEMORY = 64 * 2**20
"""Maximum memory in bytes for checking one password, except with Argon2."""
MOST_ARGON2, MOST_LANES = 102_400, 8
"""Memory in KiB, and lanes: Django's defaults."""
MOST_ARGON2_WORK = 10 * 65_536
"""Memory in KiB times passes, which determines Argon2's time."""
MOST_BCRYPT, MOST_PASSES, MOST_ROUNDS, MOST_PHPASS = 15, 10, 2_000_000, 17
MOST_SCRYPT = 2**21
"""N·r·p, which determines scrypt's time."""

# OWASP's password storage cheat sheet: 19 MiB, two passes, one lane.
ARGON2 = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
NATIVE_KIND = f"$argon2id$v=19$m={ARGON2.memory_cost},t={ARGON2.time_cost},p={ARGON2.parallelism}$"
_WORDPRESS = b"wp-sha384"
_PHPASS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGESTS = {"": "sha1", "-sha256": "sha256", "-sha512": "sha512"}


class Hash(msgspec.Struct, frozen=True):
    """A parsed password hash."""

    kind: str
    """The algorithm and its parameters, which determine the time of `matches`."""
    matches: Callable[[bytes, bytes | None], bool]
    """Check a password; the second argument is Firebase's signer key. May raise ValueError, which means no match."""


def read(text: str) -> Hash:
    """Parse a hash. Raises ValueError if it is unknown, malformed or too costly, without quoting the hash."""
    for pattern, scheme in _SCHEMES:
        found = pattern.fullmatch(text)
        if found:
            return scheme(found)
    raise ValueError("Is not a hash of a supported form.")


def decoys(asked: str, kinds: Iterable[str]) -> list[str]:
    """Return hashes of no password. Checking them after a hash of the kind `asked` makes the work equal for hashes of
    all kinds. PBKDF2 kinds differ only in the number of rounds, so the largest number is sufficient."""
    found: set[str] = set()
    rounds: dict[str, int] = {}
    for kind in kinds:
        pbkdf2 = _PBKDF2_KIND.fullmatch(kind)
        if pbkdf2:
            rounds[pbkdf2[1]] = max(rounds.get(pbkdf2[1], 0), int(pbkdf2[2]))
        elif kind != asked:
            found.add(kind)
    own = _PBKDF2_KIND.fullmatch(asked)
    if own and own[1] in rounds:
        rounds[own[1]] -= int(own[2])
    found |= {f"$pbkdf2{digest}${number}$" for digest, number in rounds.items() if number > 0}
    return list(filter(is_readable, map(_decoy, sorted(found))))


def is_readable(text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def normal_kind(kind: str) -> str:
    """Return `Hash.kind` for the beginning of a hash; spellings with equal cost become one kind."""
    kind = re.sub(r"^(\$django|\$wp)?\$2[aby]\$", "$2b$", kind)
    return re.sub(r"^\$H\$", "$P$", kind)


def _decoy(kind: str) -> str:
    pbkdf2 = _PBKDF2_KIND.fullmatch(kind)
    if pbkdf2:
        size = hashlib.new(_DIGESTS[pbkdf2[1]]).digest_size
        return f"{kind}AAAA${encode(bytes(size)).replace('+', '.')}"
    if kind.startswith("$2"):
        return kind + "." * 53
    if kind.startswith("$P$"):
        return kind + "." * 30
    if kind.startswith("$fbscrypt$"):
        return f"{kind}Bw$AAAA${encode(bytes(64))}"
    return f"{kind}{'A' * 22}${'A' * 43}"  # 16 and 32 bytes


def encode(data: bytes) -> str:
    """Encode as base64 without padding, as in PHC strings."""
    return base64.b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Decode base64 with or without padding. Raises ValueError."""
    text = text.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("Has a part that is not base64.") from None


def _bound(what: str, asked: int, least: int, most: int) -> None:
    if not least <= asked <= most:
        raise ValueError(f"{what} must be {least} to {most:,}.")


def _bcrypt(found: re.Match[str]) -> Hash:
    _bound("The cost of bcrypt", int(found["cost"]), 4, MOST_BCRYPT)
    kept, prepare = found["own"].encode(), _PREPARED[found["wrapped"] or ""]
    return Hash(f"$2b${found['cost']}$", lambda password, _: bcrypt.checkpw(prepare(password), kept))


_PREPARED: dict[str, Callable[[bytes], bytes]] = {
    "": lambda password: password[:72],  # bcrypt ignores the rest
    "$django": lambda password: hashlib.sha256(password).hexdigest().encode(),
    "$wp": lambda password: base64.b64encode(hmac.digest(_WORDPRESS, password, "sha384")),
}


def _argon2(found: re.Match[str]) -> Hash:
    memory, passes, lanes = (int(found[name]) for name in ("memory", "passes", "lanes"))
    _bound("The memory of Argon2, in KiB,", memory, 8 * max(lanes, 1), MOST_ARGON2)
    _bound("The work of Argon2, memory in KiB times passes,", memory * passes, 0, MOST_ARGON2_WORK)
    _bound("The number of Argon2's passes", passes, 1, MOST_PASSES)
    _bound("The number of Argon2's lanes", lanes, 1, MOST_LANES)

    def matches(password: bytes, _: bytes | None) -> bool:
        try:
            return ARGON2.verify(found[0], password)
        except argon2.exceptions.Argon2Error:
            return False

    return Hash(found["kind"], matches)


def _scrypt(found: re.Match[str]) -> Hash:
    log, block, lanes = (int(found[name]) for name in ("log", "block", "lanes"))
    _bound_scrypt(log, block, lanes)
    salt, kept = decode(found["salt"]), decode(found["hash"])

    def matches(password: bytes, _: bytes | None) -> bool:
        return hmac.compare_digest(_derive(password, salt, log, block, lanes, len(kept)), kept)

    return Hash(found["kind"], matches)


def _firebase(found: re.Match[str]) -> Hash:
    log, block = int(found["log"]), int(found["block"])
    _bound_scrypt(log, block, 1)
    salt, kept = decode(found["salt"]) + decode(found["separator"]), decode(found["hash"])

    def matches(password: bytes, signer_key: bytes | None) -> bool:
        key = _derive(password, salt, log, block, 1, 32)
        encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
        return signer_key is not None and hmac.compare_digest(encryptor.update(signer_key), kept)

    return Hash(found["kind"], matches)


def _bound_scrypt(log: int, block: int, lanes: int) -> None:
    _bound("The block size r of scrypt", block, 1, 64)
    _bound("The parallelism p of scrypt", lanes, 1, 64)
    _bound("The cost ln of scrypt", log, 1, min(20, 16 * block - 1))  # RFC 7914 §2: N < 2^(16 r)
    _bound("The memory of scrypt, in KiB,", (block << log) // 8, 0, MOST_MEMORY // 1024)
    _bound("The work N*r*p of scrypt", lanes * block << log, 0, MOST_SCRYPT)


def _derive(password: bytes, salt: bytes, log: int, block: int, lanes: int, size: int) -> bytes:
    most = 2 * MOST_MEMORY  # OpenSSL counts more than the table
    return hashlib.scrypt(password, salt=salt, n=1 << log, r=block, p=lanes, maxmem=most, dklen=size)


def _pbkdf2(found: re.Match[str]) -> Hash:
    digest, rounds = _DIGESTS[found["digest"] or ""], int(found["rounds"])
    _bound("The number of PBKDF2's rounds", rounds, 1, MOST_ROUNDS)
    salt, kept = (decode(found[name].replace(".", "+")) for name in ("salt", "hash"))
    if len(kept) != hashlib.new(digest).digest_size:
        raise ValueError("Is a hash of PBKDF2 that is not as long as its digest.")

    def matches(password: bytes, _: bytes | None) -> bool:
        return hmac.compare_digest(hashlib.pbkdf2_hmac(digest, password, salt, rounds), kept)

    return Hash(found["kind"], matches)


def _phpass(found: re.Match[str]) -> Hash:
    log, salt, kept = _PHPASS.index(found["log"]), found["salt"].encode(), found["hash"]
    _bound("The cost of phpass", log, 7, MOST_PHPASS)

    def matches(password: bytes, _: bytes | None) -> bool:
        digest = hashlib.md5(salt + password, usedforsecurity=False).digest()
        for _round in range(1 << log):
            digest = hashlib.md5(digest + password, usedforsecurity=False).digest()
        return hmac.compare_digest("".join(_phpass_characters(digest)), kept)

    return Hash(f"$P${found['log']}", matches)


def _phpass_characters(digest: bytes) -> Iterator[str]:
    for index in range(0, len(digest), 3):
        group = digest[index : index + 3]
        value = int.from_bytes(group, "little")
        for place in range(len(group) + 1):
            yield _PHPASS[value >> 6 * place & 63]


_PBKDF2_KIND = re.compile(r"\$pbkdf2(|-sha256|-sha512)\$([0-9]{1,8})\$", re.ASCII)
_SCHEMES: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Hash]]] = [
    (re.compile(pattern, re.ASCII), scheme)
    for pattern, scheme in (
        (r"(?P<wrapped>\$django|\$wp)?(?P<own>\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53})", _bcrypt),
        (
            r"(?P<kind>\$argon2id?\$(v=(16|19)\$)?m=(?P<memory>[0-9]{1,9}),t=(?P<passes>[0-9]{1,9}),"
            r"p=(?P<lanes>[0-9]{1,9})\$)[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}",
            _argon2,
        ),
        (
            r"(?P<kind>\$scrypt\$ln=(?P<log>[0-9]{1,2}),r=(?P<block>[0-9]{1,4}),p=(?P<lanes>[0-9]{1,4})\$)"
            r"(?P<salt>[A-Za-z0-9+/]{0,172})\$(?P<hash>[A-Za-z0-9+/]{22,86})",
            _scrypt,
        ),
        (
            r"(?P<kind>\$fbscrypt\$ln=(?P<log>[0-9]{1,2}),r=(?P<block>[0-9]{1,2})\$)(?P<separator>[A-Za-z0-9+/]{0,86})"
            r"\$(?P<salt>[A-Za-z0-9+/]{0,86})\$(?P<hash>[A-Za-z0-9+/]{43,172})",
            _firebase,
        ),
        (
            r"(?P<kind>\$pbkdf2(?P<digest>-sha256|-sha512)?\$(?P<rounds>[0-9]{1,8})\$)"
            r"(?P<salt>[A-Za-z0-9./]{0,172})\$(?P<hash>[A-Za-z0-9./]{27,86})",
            _pbkdf2,
        ),
        (r"\$[PH]\$(?P<log>[./0-9A-Za-z])(?P<salt>[./0-9A-Za-z]{8})(?P<hash>[./0-9A-Za-z]{22})", _phpass),
    )
]
