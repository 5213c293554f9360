"""api/sessions/tokens.py: properties of refresh tokens."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from api.sessions.tokens import make, read

KEYS = st.binary(min_size=32, max_size=32)
GENERATIONS = st.integers(1, 2**31 - 1)


@given(KEYS, st.uuids(), GENERATIONS)
def test_a_token_round_trips(key: bytes, sid: UUID, generation: int) -> None:
    token = make(key, sid, generation)
    assert read([key], token) == (sid, generation)
    assert token == make(key, sid, generation), "a retry gets the same token"
    assert token.isascii()
    assert len(token) == 70


@given(KEYS, st.uuids(), GENERATIONS, st.integers(0, 69), st.characters())
def test_a_changed_character_is_refused(key: bytes, sid: UUID, generation: int, position: int, character: str) -> None:
    token = make(key, sid, generation)
    mutated = token[:position] + character + token[position + 1 :]
    assert mutated == token or read([key], mutated) is None


@given(KEYS, st.uuids(), GENERATIONS, st.integers(0, 69), st.text(max_size=3))
def test_removed_or_inserted_characters_are_refused(
    key: bytes, sid: UUID, generation: int, position: int, text: str
) -> None:
    token = make(key, sid, generation)
    assert read([key], token[:position]) is None
    longer = token[:position] + text + token[position:]
    assert longer == token or read([key], longer) is None
    assert read([key], token + "==") is None


@given(KEYS, KEYS, st.uuids(), GENERATIONS)
def test_another_key_reads_nothing(key: bytes, other: bytes, sid: UUID, generation: int) -> None:
    assert key == other or read([other], make(key, sid, generation)) is None


@given(KEYS, st.text())
def test_no_text_causes_a_failure(key: bytes, text: str) -> None:
    assert read([key], text) is None
