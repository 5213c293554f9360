"""Argon2id in its own bounded thread pool: hashing never blocks the event loop, and excess logins are refused with 503
instead of queueing for long. Imported hashes are supported (hashes.py), as are hashes of text as typed, from before
normalization."""

import asyncio
import functools
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api.kernel.identity.hashes import ARGON2, NATIVE_KIND, decoys, encode, is_readable, normal_kind, read
from api.kernel.identity.turns import Turns

T = TypeVar("T")

WAITING = 64
"""Maximum number of passwords being hashed or waiting."""
WAITING_OTHERS = 32
"""The maximum for work other than sign-ins: registrations and password changes leave room for sign-ins."""
# A hash of no password, checked if there is no account, so that an unknown address takes as long as a wrong password.
# Random bytes in place of a computed hash, which would take 20 ms and 19 MiB at start.
_DUMMY = f"{NATIVE_KIND}{encode(os.urandom(16))}${encode(os.urandom(32))}"
MIN_SCORE = 2
"""Minimum score of the estimator, out of 4: 10^6 guesses, which takes years over the API. A score of 3 would refuse any
8 random characters."""
_MOST_TYPED = 1024
_MIN_KNOWN = 4
"""Minimum length of a known word that is removed from a password; shorter ones occur in many words."""
_WINDOW = 20
"""Number of characters estimated at once, which covers almost every word of the dictionaries. The time grows faster
than quadratically, to seconds for 100 characters, and the estimator holds the GIL."""


def _lower_priority() -> None:
    """Lower the priority of hashing threads, so that many logins slow down only logins."""
    if sys.platform == "linux":  # niceness is per thread
        os.nice(19)


def normal_password(typed: str) -> str:
    """Return the form that is counted and hashed: NFC, which makes it independent of the keyboard's composition. An
    overlong text stays unchanged, because normalization is quadratic in the number of marks."""
    return unicodedata.normalize("NFC", typed) if len(typed) <= _MOST_TYPED else typed


class Passwords:
    def __init__(self, network: Callable[[], str] = str, firebase_signer_key: bytes | None = None) -> None:
        """`network` returns the network of the current request, for a fair queue between networks."""
        # One per core: more would share the cores and cost 19 MiB each.
        cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(cores, "argon2", initializer=_lower_priority)
        self._turns = Turns(cores)
        self._network = network
        self._firebase_signer_key = firebase_signer_key

    async def hash(self, password: str, *, signing_in: bool = False) -> str:
        """Return a PHC string with its own salt and parameters. Raises UNAVAILABLE if too many are waiting."""
        return await self._run(lambda: ARGON2.hash(normal_password(password)), signing_in)

    async def verify(
        self, password_hash: str | None, password: str, kinds: Iterable[str] = (), *, signing_in: bool = False
    ) -> bool:
        """Return whether the password matches the hash; False for None, the hash of a missing account. Raises
        UNAVAILABLE if too many are waiting.

        `kinds` are the prefixes of the imported hashes in the database, with algorithm and parameters. A refusal does
        the work of each of these and of a native hash, whichever the account has, so that its time reveals nothing. A
        wait of equal length would be distinguishable by concurrent attempts."""
        known = password_hash if password_hash and is_readable(password_hash) else None
        asked = known or _DUMMY
        others = decoys(read(asked).kind, [read(_DUMMY).kind, *map(normal_kind, kinds)])
        work = functools.partial(_verify, asked, password, others, self._firebase_signer_key)
        return await self._run(work, signing_in) and known is not None

    def outdated(self, password_hash: str, password: str) -> bool:
        """Return whether to rehash the password, once verified: the hash is not Argon2id, has other parameters, or may
        not be of the normal form."""
        return (
            not password_hash.startswith("$argon2id$")
            or ARGON2.check_needs_rehash(password_hash)
            or password != normal_password(password)
        )

    async def weakness(self, password: str, known: Sequence[str]) -> str | None:
        """Return why the password is too easy to guess, as sentences for the client, or None. `known` are words that an
        attacker would try for this account: address and name. Raises UNAVAILABLE if too many are waiting."""
        words = {word for text in known for word in (text.lower(), *re.split(r"[\W_]+", text.lower())) if word}
        return await self._run(lambda: _weakness(password, sorted(words)), signing_in=False)

    def refuse_when_full(self) -> None:
        """Raise UNAVAILABLE if too many sign-ins are waiting. Call it before work that precedes hashing."""
        self._turns.refuse_when_full(self._network(), WAITING)

    def queue(self) -> tuple[int, int]:
        """Return the numbers of passwords being hashed and waiting."""
        return self._turns.taken, self._turns.waiting

    async def _run(self, work: Callable[[], T], signing_in: bool) -> T:
        await self._turns.take(self._network(), WAITING if signing_in else WAITING_OTHERS)
        hashing = asyncio.get_running_loop().run_in_executor(self._threads, work)
        hashing.add_done_callback(lambda _: self._turns.give())
        return await asyncio.shield(hashing)  # the thread continues without the client and keeps its place

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _matches(password_hash: str, password: str, firebase_signer_key: bytes | None) -> bool:
    try:
        return read(password_hash).matches(password.encode(), firebase_signer_key)
    except ValueError:  # lone surrogates
        return False


def _verify(asked: str, password: str, others: Sequence[str], firebase_signer_key: bytes | None) -> bool:
    """Check the normalized password first, then the password as typed if it differs. Returns False only after all the
    work is done."""
    forms = dict.fromkeys((normal_password(password), password))
    if any(_matches(asked, form, firebase_signer_key) for form in forms):
        return True
    for other in others:
        for form in forms:
            _matches(other, form, firebase_signer_key)
    return False


def _weakness(password: str, known: list[str]) -> str | None:
    """A password is as strong as its strongest part. Known words add no strength: they are removed first, and words
    longer than a window are in no dictionary."""
    from zxcvbn_rs_py import zxcvbn  # its dictionaries take 8 MB; not every process needs them

    for word in sorted(known, key=len, reverse=True):
        if len(word) >= _MIN_KNOWN:
            password = re.sub(re.escape(word), "", password, flags=re.IGNORECASE)
    if not password:
        return (
            f"This password is too easy to guess: its score is 0 of 4, and {MIN_SCORE} is needed. It is your own name."
        )
    starts = range(0, max(1, len(password) - _WINDOW // 2), _WINDOW // 2)
    best = None
    for start in starts:
        found = zxcvbn(password[start : start + _WINDOW], known)
        if int(found.score) >= MIN_SCORE:
            return None
        best = found if best is None or int(found.score) > int(best.score) else best
    assert best is not None
    hints = [best.feedback.warning, *best.feedback.suggestions] if best.feedback else []
    reason = f"This password is too easy to guess: its score is {int(best.score)} of 4, and {MIN_SCORE} is needed."
    return " ".join([reason, *(str(hint) for hint in hints if hint)])
