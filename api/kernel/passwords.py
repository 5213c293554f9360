"""Argon2id on threads of its own, bounded: hashing never stalls the event loop, and a storm of logins is refused with
503 before it becomes a queue nobody waits for. Hashes of bcrypt, which another system left us, are understood too. So
are hashes of the text as it was typed, from before it was normalised."""

import asyncio
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
import bcrypt

from api.kernel.turns import Turns

T = TypeVar("T")

WAITING = 64
"""Passwords that are hashed or wait for it, at most."""
WAITING_OTHERS = 32
"""The same where nobody signs in: registering and changing a password leave room for who signs in."""
# OWASP's password storage cheat sheet: 19 MiB, two passes, one lane.
_ARGON2 = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Of no password: what is checked where there is no account, so that an unknown address takes as long as a wrong
# password.
_NOBODY = _ARGON2.hash(os.urandom(32))
# What one hash may ask of us, whoever wrote it: an import must not be able to stall every sign-in.
_MOST_MEMORY, _MOST_PASSES, _MOST_LANES, _MOST_ROUNDS = 65_536, 10, 4, 15
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}", re.ASCII)
# What decides the cost of a hash: the algorithm and its parameters.
_KIND = re.compile(r"\$2[aby]\$[0-9]{2}\$|\$argon2[a-z]+\$(v=[0-9]+\$)?[^$]+\$", re.ASCII)
ENOUGH = 2
"""Of the estimator's four: 10^6 guesses, which is years of asking us. Three would refuse any 8 random characters."""
_MOST_TYPED = 1024
_WINDOW = 20
"""Characters that are estimated at once: as many as almost every word of the dictionaries has. The time grows faster
than the square of their number, to seconds for 100, and the estimator holds the interpreter meanwhile."""


def _give_way() -> None:
    """Whoever hashes leaves the core to the event loop, so that a storm of logins slows logins alone."""
    if sys.platform == "linux":  # where niceness is a thread's own
        os.nice(19)


_ARGON2ID = re.compile(
    r"\$argon2id\$v=19\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}", re.ASCII
)


def may_be_imported(password_hash: str) -> bool:
    """Whether it is a hash of Argon2id or bcrypt that we would check: no other algorithm, and nothing that costs more
    than we would ever ask."""
    known = _BCRYPT.fullmatch(password_hash) or _ARGON2ID.fullmatch(password_hash)
    return known is not None and _affordable(password_hash)


def normal_password(typed: str) -> str:
    """The form that is counted and hashed: NFC, so that it does not matter how a keyboard composes its letters. What is
    far too long for a password stays as it is: normalising takes the square of the number of marks."""
    return unicodedata.normalize("NFC", typed) if len(typed) <= _MOST_TYPED else typed


class Passwords:
    def __init__(self, network: Callable[[], str] = str) -> None:
        """`network` says for whom the current request works, so that no network takes the others' turns."""
        # As many as there are cores to run on: more would only share them, and cost 19 MiB each.
        cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(cores, "argon2", initializer=_give_way)
        self._turns = Turns(cores)
        self._network = network

    async def hash(self, password: str, *, signing_in: bool = False) -> str:
        """A PHC string with its own salt and parameters. Raises UNAVAILABLE when too many are waiting."""
        return await self._run(lambda: _ARGON2.hash(normal_password(password)), signing_in)

    async def verify(
        self, password_hash: str | None, password: str, kinds: Iterable[str] = (), *, signing_in: bool = False
    ) -> bool:
        """Whether the password is the one that was hashed; None, for an account that does not exist, is False. Raises
        UNAVAILABLE when too many are waiting.

        `kinds` are the beginnings of the hashes that other systems left in the database, with algorithm and parameters.
        A refusal does the work of each of these and of our own, whichever the account has, so that its time tells
        nothing. It is the same work and not a wait of that length, which several attempts at once would tell apart."""
        known = password_hash if password_hash and _affordable(password_hash) else None
        asked = known or _NOBODY
        others = {_kind(each) for each in (_NOBODY, *kinds)} - {_kind(asked)}
        decoys = [decoy for kind in others if _affordable(decoy := _decoy(kind))]
        return await self._run(lambda: _verify(asked, password, decoys), signing_in) and known is not None

    def outdated(self, password_hash: str, password: str) -> bool:
        """Whether to hash the password anew, once it is known to be right: not Argon2id, not with our parameters, or
        perhaps not of its normal form."""
        return (
            not password_hash.startswith("$argon2id$")
            or _ARGON2.check_needs_rehash(password_hash)
            or password != normal_password(password)
        )

    async def weakness(self, password: str, known: Sequence[str]) -> str | None:
        """Why the password is too easy to guess, in sentences for whoever chose it, or None. `known` is what a guesser
        would try for this person: their address and name. Raises UNAVAILABLE when too many are waiting."""
        words = {word for text in known for word in (text.lower(), *re.split(r"[\W_]+", text.lower())) if word}
        return await self._run(lambda: _weakness(password, sorted(words)), False)

    def refuse_when_full(self) -> None:
        """Raises UNAVAILABLE when too many wait to sign in: to be asked before any other work that hashing would
        follow."""
        self._turns.refuse_when_full(self._network(), WAITING)

    async def _run(self, work: Callable[[], T], signing_in: bool) -> T:
        await self._turns.take(self._network(), WAITING if signing_in else WAITING_OTHERS)
        hashing = asyncio.get_running_loop().run_in_executor(self._threads, work)
        hashing.add_done_callback(lambda _: self._turns.give())
        return await asyncio.shield(hashing)  # the thread goes on where the client has left, and its place is taken

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _affordable(password_hash: str) -> bool:
    """Whether it is a hash, and checking it costs no more than we would ever ask."""
    found = _BCRYPT.fullmatch(password_hash)
    if found:
        return int(found[1]) <= _MOST_ROUNDS
    try:
        asked = argon2.extract_parameters(password_hash)
    except (argon2.exceptions.InvalidHashError, ValueError):
        return False
    return asked.memory_cost <= _MOST_MEMORY and asked.time_cost <= _MOST_PASSES and asked.parallelism <= _MOST_LANES


def _matches(password_hash: str, password: str) -> bool:
    try:
        if password_hash.startswith("$2"):
            return bcrypt.checkpw(password.encode(), password_hash.encode())
        return _ARGON2.verify(password_hash, password)
    except (argon2.exceptions.Argon2Error, ValueError):  # another password, longer than bcrypt's 72 bytes, no hash
        return False


def _kind(password_hash: str) -> str:
    """The beginning that decides the cost; bcrypt's three letters cost the same."""
    found = _KIND.match(password_hash)
    return re.sub(r"^\$2[aby]", "$2b", found[0]) if found else ""


def _decoy(kind: str) -> str:
    """A hash of that kind, of no password."""
    if kind.startswith("$2"):
        return kind + bcrypt.gensalt(4).decode()[7:] + "." * 31
    return kind + "A" * 22 + "$" + "A" * 43  # 16 and 32 bytes in base64


def _verify(asked: str, password: str, decoys: Sequence[str]) -> bool:
    """Normalised first, then as typed where that differs. The answer is False only after everything was computed."""
    forms = dict.fromkeys((normal_password(password), password))
    if any(_matches(asked, form) for form in forms):
        return True
    for decoy in decoys:
        for form in forms:
            _matches(decoy, form)
    return False


def _weakness(password: str, known: list[str]) -> str | None:
    """The password is as strong as the strongest part of it."""
    from zxcvbn_rs_py import zxcvbn  # its dictionaries take 8 MB, which a process that opens no account does not need

    starts = range(0, max(1, len(password) - _WINDOW // 2), _WINDOW // 2)
    best = None
    for start in starts:
        found = zxcvbn(password[start : start + _WINDOW], known)
        if int(found.score) >= ENOUGH:
            return None
        best = found if best is None or int(found.score) > int(best.score) else best
    assert best is not None
    hints = [best.feedback.warning, *best.feedback.suggestions] if best.feedback else []
    told = f"This password is too easy to guess: its strength is {int(best.score)} of 4, and {ENOUGH} is needed."
    return " ".join([told, *(str(hint) for hint in hints if hint)])
