"""Hashes in the formats of other systems, made here by Django's hashers and by passlib, or published."""

import base64
import functools
import hashlib
import warnings
from collections.abc import Callable

import bcrypt
import msgspec
import pytest
from django.contrib.auth import hashers as django

from api.kernel.identity.hashes import MOST_PHPASS, encode, read
from api.kernel.settings import Settings
from api.users.hashes import WEAK, adopt
from tests.kernel.test_hashes import SIGNER_KEY

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib import hash as passlib

PASSWORD = "pässword 🐎"
BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def _spring(password: str) -> str:
    """Return a hash like Pbkdf2PasswordEncoder.defaultsForSpringSecurity_v5_8: hexadecimal of salt and hash."""
    salt = bytes(range(16))
    return (
        "{pbkdf2@SpringSecurity_v5_8}" + (salt + hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 310_000)).hex()
    )


MADE: dict[str, Callable[[str], str]] = {
    "Django pbkdf2_sha256": lambda text: django.PBKDF2PasswordHasher().encode(text, "sodium", 1000),
    "Django pbkdf2_sha1": lambda text: django.PBKDF2SHA1PasswordHasher().encode(text, "sodium", 1000),
    "Django argon2": lambda text: django.Argon2PasswordHasher().encode(text, "sodiumchloride"),
    "Django bcrypt_sha256": lambda text: django.BCryptSHA256PasswordHasher().encode(text, bcrypt.gensalt(4)),
    "Django bcrypt": lambda text: django.BCryptPasswordHasher().encode(text, bcrypt.gensalt(4)),
    "Django scrypt": lambda text: django.ScryptPasswordHasher().encode(text, "sodium", 1024, 8, 5),
    "passlib phpass": lambda text: str(passlib.phpass.using(rounds=7).hash(text)),
    "passlib phpass of phpBB": lambda text: str(passlib.phpass.using(rounds=7, ident="H").hash(text)),
    "passlib pbkdf2_sha1": lambda text: str(passlib.pbkdf2_sha1.using(rounds=1000).hash(text)),
    "passlib pbkdf2_sha256": lambda text: str(passlib.pbkdf2_sha256.using(rounds=1000).hash(text)),
    "passlib pbkdf2_sha512": lambda text: str(passlib.pbkdf2_sha512.using(rounds=1000).hash(text)),
    "passlib scrypt": lambda text: str(passlib.scrypt.using(rounds=4).hash(text)),
    "Spring bcrypt": lambda text: "{bcrypt}" + bcrypt.hashpw(text.encode(), bcrypt.gensalt(4, b"2a")).decode(),
    "Spring argon2": lambda text: (
        "{argon2@SpringSecurity_v5_8}" + django.Argon2PasswordHasher().encode(text, "sodiumchloride")[6:]
    ),
    "Spring pbkdf2": _spring,
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_hash_of_the_other_system_matches(settings: Settings, make: Callable[[str], str]) -> None:
    """C-259."""
    stored = adopt(make(PASSWORD), None, settings)
    assert stored
    assert read(stored).matches(PASSWORD.encode(), None)
    for wrong in ("", "password", PASSWORD + " "):
        assert not read(stored).matches(wrong.encode(), None)


# Spring Security's reference, “Password Storage Format”.
SPRING = [
    "{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG",
    "{pbkdf2}5d923b44a6d129f3ddf3e3c8d29412723dcbde72445e8ef6bf3b508fbf17fa4ed4d6b99ca763d8dc",
    "{scrypt}$e0801$8bWJaSu2IKSn9Z9kM+TPXfOc/9bdYSrN1oD9qfVThWEwdRTnO7re7Ei+fUZRJ68k9lTyuTeUp4of4g24hHnazw=="
    "$OAOec05+bXxvuu/1qZ6NUR+xQYvYv7BeL1QxwRpY5Pc=",
]


@pytest.mark.parametrize("written", SPRING, ids=["bcrypt", "pbkdf2", "scrypt"])
def test_the_hashes_of_springs_reference_match(settings: Settings, written: str) -> None:
    """C-259."""
    stored = adopt(written, None, settings)
    assert stored
    assert read(stored).matches(b"password", None)
    assert not read(stored).matches(b"Password", None)


def test_firebase_needs_the_projects_parameters(settings: Settings) -> None:
    """C-259: the README of firebase/scrypt, in plain base64 and in that of its API."""
    written = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
    project = msgspec.structs.replace(settings, firebase_scrypt_signer_key=SIGNER_KEY)
    for form in (written, written.replace("/", "_").replace("+", "-")):
        stored = adopt(form, "42xEC+ixf3L2lw==", project)
        assert stored
        assert read(stored).matches(b"user1password", SIGNER_KEY)
        assert not read(stored).matches(b"user1password", None)
    with pytest.raises(ValueError, match="FIREBASE_SCRYPT_SIGNER_KEY"):
        adopt(written, "42xEC+ixf3L2lw==", settings)
    other = msgspec.structs.replace(settings, firebase_scrypt_signer_key=SIGNER_KEY[:32])
    with pytest.raises(ValueError, match="signer key"):
        adopt(written, "42xEC+ixf3L2lw==", other)


def test_an_unusable_password_of_django_matches_nothing(settings: Settings) -> None:
    """C-259."""
    assert adopt(django.make_password(None), None, settings) is None


DIGEST = functools.partial(hashlib.new, data=b"password")
REFUSED = {
    "Spring's plain text": ("{noop}password", WEAK),
    "Spring's SHA-256": (
        "{sha256}97cde38028ad898ebc02e690819fa220e88c62e0699403e94fff291cfffaf8410849f27605abcbc0",
        WEAK,
    ),
    "Spring's MD5": ("{MD5}{salt}" + DIGEST("md5").hexdigest(), WEAK),
    "LDAP's": ("{SSHA}" + "A" * 32, WEAK),
    "Django's MD5": ("md5$sodium$" + DIGEST("md5").hexdigest(), WEAK),
    "Django's SHA-1": ("sha1$sodium$" + DIGEST("sha1").hexdigest(), WEAK),
    "MD5": (DIGEST("md5").hexdigest(), WEAK),
    "SHA-512": (DIGEST("sha512").hexdigest(), WEAK),
    "md5-crypt": ("$1$sodium$" + "a" * 22, WEAK),
    "nothing": ("", "not a hash of a supported form"),
    "SHA-crypt": ("$6$sodium$" + "a" * 86, "not a hash of a supported form"),
    "another encoder of Spring's": ("{custom}" + BCRYPT, "not a hash of a supported form"),
    "Argon2d": ("argon2$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY$" + "A" * 43, "not a hash"),
    "PBKDF2 of many rounds": (
        "pbkdf2_sha256$2000001$sodium$" + base64.b64encode(bytes(32)).decode(),
        "PBKDF2's rounds",
    ),
    "PBKDF2 cut short": ("pbkdf2_sha256$1000$sodium$" + base64.b64encode(bytes(30)).decode(), "as long as its digest"),
    "PBKDF2 that is not base64": ("pbkdf2_sha256$1000$sodium$" + "A" * 41, "not base64"),
    "scrypt of no power of two": ("scrypt$16383$sodium$8$1$" + encode(bytes(64)), "power of two"),
    "scrypt of much memory": ("scrypt$131072$sodium$8$1$" + encode(bytes(64)), "memory of scrypt"),
    "Spring's scrypt of much memory": ("{scrypt}$140801$AAAA$" + encode(bytes(32)), "memory of scrypt"),
    "bcrypt of many rounds": ("{bcrypt}$2a$16$" + "a" * 53, "cost of bcrypt"),
    "phpass of many rounds": ("$P$" + "./0123456789ABCDEFGHIJ"[MOST_PHPASS + 1] + "a" * 30, "cost of phpass"),
}


@pytest.mark.parametrize(("written", "reason"), REFUSED.values(), ids=REFUSED)
def test_weak_and_unsupported_hashes_are_refused_with_a_reason(settings: Settings, written: str, reason: str) -> None:
    """C-260: no reason quotes the hash."""
    with pytest.raises(ValueError, match=reason.replace("(", r"\(")) as refused:
        adopt(written, None, settings)
    assert not written or written not in str(refused.value)
