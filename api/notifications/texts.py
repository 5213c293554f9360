"""Types of the texts of notifications."""

from typing import Annotated

import msgspec

# A character that shows: neither space, nor one that is drawn as nothing or as a gap (Default_Ignorable_Code_Point, and
# the blanks of Braille and Hangul).
_SHOWN = (
    r"[^\s\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff]"
)
# One line, without control, bidirectional-override or invisible characters.
SUBJECT_PATTERN = rf"^(?=.*{_SHOWN})[^\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff]+(?![\s\S])"
# Control characters are commands to the terminals in which some people read mail; overrides reverse what follows.
TEXT_PATTERN = rf"^(?=[\s\S]*{_SHOWN})[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]+(?![\s\S])"
Subject = Annotated[str, msgspec.Meta(max_length=150, pattern=SUBJECT_PATTERN, description="Subject, one line.")]
Text = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=10_000,
        pattern=TEXT_PATTERN,
        description="Plain text; tabs and line breaks are kept.",
    ),
]
