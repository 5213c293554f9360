"""Conversion of other systems' password hashes into the formats of api/kernel/identity/hashes.py."""

import re
from collections.abc import Callable

from api.kernel import Settings
from api.kernel.identity.hashes import decode, encode, read
from api.users.settings import UserSettings

WEAK = "Is plain text or a fast hash, which is easy to crack. Omit it: the owner then chooses a new password."
# Spring's `{noop}` and digests, LDAP, Django and MySQL digests, md5-crypt, and hexadecimal digests.
_WEAK = re.compile(
    r"\{(noop|ldap|md4|md5|s?sha|sha-?1|sha-?256|sha256|crypt)\}.*|(unsalted_)?(md5|sha1)\$.*|\$1\$.*|\*[0-9A-F]{40}"
    r"|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}",
    re.IGNORECASE | re.DOTALL,
)


def adopt(written: str, salt: str | None, settings: Settings) -> str | None:
    """Convert a hash into the stored format; None for Django's marker of an unusable password. A hash with a separate
    `salt` is a Firebase hash. Raises ValueError with the reason, without quoting the hash."""
    if salt is not None:
        stored = _firebase(written, salt, settings)
    elif written.startswith("!"):
        return None
    elif _WEAK.fullmatch(written):
        raise ValueError(WEAK)
    else:
        stored = _translated(written)
    read(stored)
    return stored


def _translated(written: str) -> str:
    for pattern, translate in _FORMS:
        found = pattern.fullmatch(written)
        if found:
            return translate(found)
    return written


def _firebase(written: str, salt: str, settings: Settings) -> str:
    key, project = settings.firebase_scrypt_signer_key, settings.of(UserSettings)
    if key is None:
        raise ValueError("Has a salt like a Firebase hash, but FIREBASE_SCRYPT_SIGNER_KEY is not set.")
    alphabet = str.maketrans("-_", "+/")  # the API writes base64url, the command line base64
    kept, salted = decode(written.translate(alphabet)), decode(salt.translate(alphabet))
    if len(kept) != len(key):
        raise ValueError("Is not a hash of the Firebase project whose signer key is set.")
    parameters = f"ln={project.firebase_scrypt_mem_cost},r={project.firebase_scrypt_rounds}"
    parts = (project.firebase_scrypt_salt_separator, salted, kept)
    return f"$fbscrypt${parameters}${'$'.join(map(encode, parts))}"


def _pbkdf2(digest: str, size: int, rounds: str | int, salt: bytes, kept: bytes) -> str:
    """Build a PBKDF2 hash from its first block. The blocks are independent, so the first one is enough to verify."""
    salted, first = (encode(part).replace("+", ".") for part in (salt, kept[:size]))
    return f"$pbkdf2{digest}${int(rounds)}${salted}${first}"


def _django_pbkdf2(found: re.Match[str]) -> str:
    digest, size = ("-sha256", 32) if found[1] == "sha256" else ("", 20)
    return _pbkdf2(digest, size, found[2], found[3].encode(), decode(found[4]))


def _django_scrypt(found: re.Match[str]) -> str:
    work = int(found[1])
    if work & (work - 1):
        raise ValueError("The work factor of scrypt must be a power of two.")
    salt, kept = encode(found[2].encode()), encode(decode(found[5]))
    return f"$scrypt$ln={work.bit_length() - 1},r={int(found[3])},p={int(found[4])}${salt}${kept}"


def _spring_pbkdf2(found: re.Match[str]) -> str:
    octets = bytes.fromhex(found[2])
    if found[1] == "@SpringSecurity_v5_8":
        return _pbkdf2("-sha256", 32, 310_000, octets[:16], octets[16:])
    return _pbkdf2("", 20, 185_000, octets[:8], octets[8:])


def _spring_scrypt(found: re.Match[str]) -> str:
    parameters = int(found[1], 16)
    log, block, lanes = parameters >> 16, parameters >> 8 & 255, parameters & 255
    return f"$scrypt$ln={log},r={block},p={lanes}${encode(decode(found[2]))}${encode(decode(found[3]))}"


_FORMS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(pattern, re.ASCII), translate)
    for pattern, translate in (
        # Django: the hasher's name, and the hash.
        (r"pbkdf2_(sha1|sha256)\$([0-9]{1,8})\$([^$]+)\$([A-Za-z0-9+/=]+)", _django_pbkdf2),
        (r"scrypt\$([1-9][0-9]{0,8})\$([^$]+)\$([0-9]{1,4})\$([0-9]{1,4})\$([A-Za-z0-9+/=]+)", _django_scrypt),
        (r"(?:argon2|bcrypt\$)(\$.*)", lambda found: found[1]),
        (r"bcrypt_sha256\$(\$2.*)", lambda found: f"$django{found[1]}"),
        # Spring Security: the encoder's id in braces, and the hash.
        (r"\{(?:bcrypt|argon2(?:@SpringSecurity_v5_[28])?)\}(.*)", lambda found: found[1]),
        (r"\{pbkdf2(@SpringSecurity_v5_[58])?\}((?:[0-9a-f]{2}){28,})", _spring_pbkdf2),
        (
            r"\{scrypt(?:@SpringSecurity_v[0-9_]+)?\}\$([0-9a-f]{3,6})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)",
            _spring_scrypt,
        ),
    )
]
