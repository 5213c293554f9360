"""A search of accounts in PostgreSQL: a tsquery, and the terms by which accounts are found in an index."""

import re

import msgspec

from api.kernel import Context, punycode
from api.users import queries
from api.users.types import Range, UserSearch

MOST_TERMS = 8
"""Limit of the terms that are counted. The others only filter."""
_LAST = "\U0010ffff"


class Term(msgspec.Struct, frozen=True):
    """A condition of a search. `query` is a tsquery over users.search. Each account that it matches has a row of
    user_words in one of `ranges`, from the first word to the last."""

    query: str
    ranges: tuple[tuple[str, str], ...]


class Search(msgspec.Struct, frozen=True):
    """The conditions of a search."""

    words: list[Term]
    """The words of the name or the local part, the role and the state."""
    domain: list[Term]
    """The words after an @."""

    @property
    def scope(self) -> tuple[str | None, str | None]:
        """What distinguishes this search from others."""
        return _all(self.words), _all(self.domain)

    @property
    def tsquery(self) -> str | None:
        return _all(self.words + self.domain)

    @property
    def ranges(self) -> list[Range]:
        """The ranges of the terms that may be rare, the likely ones first. The words of common domains, and the state,
        match many accounts."""
        terms = [*sorted(self.words, key=_rarity), *sorted(self.domain, key=_rarity)][:MOST_TERMS]
        return [Range(number, *each) for number, term in enumerate(terms, 1) for each in term.ranges]


async def search_of(context: Context, query: UserSearch) -> Search:
    """Return the conditions of a request. An address is looked up by its local part."""
    name, _, domain = query.q.partition("@")
    words, rest = await _terms(context, name.split(), domain.split())
    if not words:
        words, rest = rest, []
    if query.role is not None:
        words.append(_exact(query.role))
    if query.is_active is not None:
        words.append(_exact("+active" if query.is_active else "-active"))
    return Search(words, rest)


async def _terms(context: Context, *texts: list[str]) -> list[list[Term]]:
    """Return the terms of each text. PostgreSQL splits and normalizes words; for ASCII, that is what `_split` does."""
    parts = [part for text in texts for part in text if not part.isascii()]
    split = dict(zip(parts, await queries.split_words(context.db, parts), strict=True)) if parts else {}
    found = [
        [term for part in text for term in ([*map(_prefix, _split(part))] if part.isascii() else _folded(part, split))]
        for text in texts
    ]
    return [[*dict.fromkeys(terms)] for terms in found]


def _split(text: str) -> list[str]:
    """Return the words of a text in ASCII, as search_words does."""
    return re.findall(r"[a-z0-9]+", text.lower())


def _folded(part: str, split: dict[str, list[str]]) -> list[Term]:
    """Return the terms of a part that is not ASCII. Domains are stored in punycode, so it may match the words of a name
    or the labels of a domain. `split_words` returns no character that is an operator or a quote in a tsquery."""
    domain = punycode(part)  # unchanged if it cannot be a domain
    words, labels = [*map(_prefix, split[part])], [*map(_prefix, _split(domain) if domain.isascii() else ())]
    if not words or not labels or words == labels:
        return words
    query = f"({' & '.join(word.query for word in words)} | {' & '.join(label.query for label in labels)})"
    return [Term(query, (min(words, key=_rarity).ranges[0], min(labels, key=_rarity).ranges[0]))]


def _prefix(word: str) -> Term:
    return Term(f"'.{word}':*", ((f".{word}", f".{word}{_LAST}"),))


def _exact(word: str) -> Term:
    return Term(f"'{word}'", ((word, word),))


def _rarity(term: Term) -> tuple[bool, int]:
    """A sort key: longer prefixes match fewer words, and most accounts are active."""
    return term.query == "'+active'", -len(term.query)


def _all(terms: list[Term]) -> str | None:
    return " & ".join(term.query for term in terms) or None
