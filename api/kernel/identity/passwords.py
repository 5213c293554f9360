"""Argon2id on threads of its own, bounded: hashing never stalls the event loop, and a storm of logins is refused with
503 before it becomes a queue nobody waits for. Hashes that other systems made are checked too (hashes.py), and so are
hashes of the text as it was typed, from before it was normalised."""

import asyncio
import functools
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api.kernel.identity.hashes import ARGON2, decoys, is_readable, normal_kind, read
from api.kernel.identity.turns import Turns

T = TypeVar("T")

WAITING = 64
"""Passwords that are hashed or wait for it, at most."""
WAITING_OTHERS = 32
"""The same where nobody signs in: registering and changing a password leave room for who signs in."""
# Of no password: what is checked where there is no account, so that an unknown address takes as long as a wrong
# password.
_NOBODY = ARGON2.hash(os.urandom(32))
ENOUGH = 2
"""Of the estimator's four: 10^6 guesses, which is years of asking us. Three would refuse any 8 random characters."""
_MOST_TYPED = 1024
_TELLING = 4
"""Characters of a known word that is not worth anything in a password; shorter ones stand in many words."""
_WINDOW = 20
"""Characters that are estimated at once: as many as almost every word of the dictionaries has. The time grows faster
than the square of their number, to seconds for 100, and the estimator holds the interpreter meanwhile."""


def _give_way() -> None:
    """Whoever hashes leaves the core to the event loop, so that a storm of logins slows logins alone."""
    if sys.platform == "linux":  # where niceness is a thread's own
        os.nice(19)


def normal_password(typed: str) -> str:
    """The form that is counted and hashed: NFC, so that it does not matter how a keyboard composes its letters. What is
    far too long for a password stays as it is: normalising takes the square of the number of marks."""
    return unicodedata.normalize("NFC", typed) if len(typed) <= _MOST_TYPED else typed


class Passwords:
    def __init__(self, network: Callable[[], str] = str, firebase_signer_key: bytes | None = None) -> None:
        """`network` says for whom the current request works, so that no network takes the others' turns."""
        # As many as there are cores to run on: more would only share them, and cost 19 MiB each.
        cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(cores, "argon2", initializer=_give_way)
        self._turns = Turns(cores)
        self._network = network
        self._firebase_signer_key = firebase_signer_key

    async def hash(self, password: str, *, signing_in: bool = False) -> str:
        """A PHC string with its own salt and parameters. Raises UNAVAILABLE when too many are waiting."""
        return await self._run(lambda: ARGON2.hash(normal_password(password)), signing_in)

    async def verify(
        self, password_hash: str | None, password: str, kinds: Iterable[str] = (), *, signing_in: bool = False
    ) -> bool:
        """Whether the password is the one that was hashed; None, for an account that does not exist, is False. Raises
        UNAVAILABLE when too many are waiting.

        `kinds` are the beginnings of the hashes that other systems left in the database, with algorithm and parameters.
        A refusal does the work of each of these and of our own, whichever the account has, so that its time tells
        nothing. It is the same work and not a wait of that length, which several attempts at once would tell apart."""
        known = password_hash if password_hash and is_readable(password_hash) else None
        asked = known or _NOBODY
        others = decoys(read(asked).kind, [read(_NOBODY).kind, *map(normal_kind, kinds)])
        work = functools.partial(_verify, asked, password, others, self._firebase_signer_key)
        return await self._run(work, signing_in) and known is not None

    def outdated(self, password_hash: str, password: str) -> bool:
        """Whether to hash the password anew, once it is known to be right: not Argon2id, not with our parameters, or
        perhaps not of its normal form."""
        return (
            not password_hash.startswith("$argon2id$")
            or ARGON2.check_needs_rehash(password_hash)
            or password != normal_password(password)
        )

    async def weakness(self, password: str, known: Sequence[str]) -> str | None:
        """Why the password is too easy to guess, in sentences for whoever chose it, or None. `known` is what a guesser
        would try for this person: their address and name. Raises UNAVAILABLE when too many are waiting."""
        words = {word for text in known for word in (text.lower(), *re.split(r"[\W_]+", text.lower())) if word}
        return await self._run(lambda: _weakness(password, sorted(words)), signing_in=False)

    def refuse_when_full(self) -> None:
        """Raises UNAVAILABLE when too many wait to sign in: to be asked before any other work that hashing would
        follow."""
        self._turns.refuse_when_full(self._network(), WAITING)

    def queue(self) -> tuple[int, int]:
        """How many passwords are being hashed, and how many wait for it."""
        return self._turns.taken, self._turns.waiting

    async def _run(self, work: Callable[[], T], signing_in: bool) -> T:
        await self._turns.take(self._network(), WAITING if signing_in else WAITING_OTHERS)
        hashing = asyncio.get_running_loop().run_in_executor(self._threads, work)
        hashing.add_done_callback(lambda _: self._turns.give())
        return await asyncio.shield(hashing)  # the thread goes on where the client has left, and its place is taken

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _matches(password_hash: str, password: str, firebase_signer_key: bytes | None) -> bool:
    try:
        return read(password_hash).matches(password.encode(), firebase_signer_key)
    except ValueError:  # lone surrogates
        return False


def _verify(asked: str, password: str, others: Sequence[str], firebase_signer_key: bytes | None) -> bool:
    """Normalised first, then as typed where that differs. The answer is False only after everything was computed."""
    forms = dict.fromkeys((normal_password(password), password))
    if any(_matches(asked, form, firebase_signer_key) for form in forms):
        return True
    for other in others:
        for form in forms:
            _matches(other, form, firebase_signer_key)
    return False


def _weakness(password: str, known: list[str]) -> str | None:
    """The password is as strong as the strongest part of it. What a guesser knows of the person adds nothing: longer
    words than a window are in no dictionary, and `known` words are removed before."""
    from zxcvbn_rs_py import zxcvbn  # its dictionaries take 8 MB, which a process that opens no account does not need

    for word in sorted(known, key=len, reverse=True):
        if len(word) >= _TELLING:
            password = re.sub(re.escape(word), "", password, flags=re.IGNORECASE)
    if not password:
        return f"This password is too easy to guess: its score is 0 of 4, and {ENOUGH} is needed. It is your own name."
    starts = range(0, max(1, len(password) - _WINDOW // 2), _WINDOW // 2)
    best = None
    for start in starts:
        found = zxcvbn(password[start : start + _WINDOW], known)
        if int(found.score) >= ENOUGH:
            return None
        best = found if best is None or int(found.score) > int(best.score) else best
    assert best is not None
    hints = [best.feedback.warning, *best.feedback.suggestions] if best.feedback else []
    told = f"This password is too easy to guess: its score is {int(best.score)} of 4, and {ENOUGH} is needed."
    return " ".join([told, *(str(hint) for hint in hints if hint)])
