"""Validation of display names: visible text on one line that reads the same for everyone."""

import unicodedata

import idna

from api.kernel import Unfit

LONGEST = 100
MOST_MARKS = 5
"""Maximum combining marks on one letter. Burmese and Vietnamese need four; more overlap the lines above and below."""

_ZWNJ, _ZWJ, _EMOJI_STYLE = "\u200c", "\u200d", "\ufe0f"
_VIRAMA = 9
"""Combining class of the signs that join two consonants."""
# Letters, digits, punctuation and symbols, including emoji. Marks and joiners are allowed in certain positions;
# control, format, private-use and unassigned characters are not allowed.
_VISIBLE = frozenset(
    ("Ll", "Lu", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So")
)
_MARKS = frozenset(("Mn", "Mc"))
# Letters, symbols and marks that are invisible: Hangul fillers, the empty Braille pattern, fillers of hieroglyphs,
# musical notation and Khitan, and Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties).
_BLANK = frozenset(
    chr(code)
    for code in (
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x1D159, 0x13441, 0x13442, 0x16FE4),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    )
)


def normal_name(typed: str) -> str:
    """Return the name in NFC with single spaces and none at its ends. Raises Unfit."""
    # A character decomposes into four at most, and normalization takes time quadratic in the number of marks.
    name = unicodedata.normalize("NFC", typed[: 4 * LONGEST + 1])
    if len(name) > LONGEST:
        raise Unfit(f"Must have at most {LONGEST} characters.", "too_long", max=LONGEST)
    marks = 0
    for place, each in enumerate(name):
        if not _shows(name, place):
            character = f"U+{ord(each):04X} ({unicodedata.name(each, 'unnamed character')})"
            detail = f"Must not have {character} at this position: it is invisible."
            raise Unfit(detail, "invisible", character=character)
        if unicodedata.category(each) in _MARKS:
            marks += 1
        elif each not in (_ZWNJ, _ZWJ):
            marks = 0
        if marks > MOST_MARKS:
            raise Unfit(f"Must have at most {MOST_MARKS} marks on one letter.", "marks", max=MOST_MARKS)
    spaced = " ".join(name.split())
    if not spaced:
        raise Unfit("Must not be blank.", "blank")
    return spaced


def _shows(name: str, place: int) -> bool:
    """Whether the character at this position is visible, by itself or by its effect on its neighbours."""
    each, before = name[place], name[place - 1 : place]
    category = unicodedata.category(each)
    if each in (_ZWNJ, _ZWJ, _EMOJI_STYLE):
        return _joins(name, place)
    if category in _MARKS:
        return each not in _BLANK and (before == _ZWJ or (before != "" and unicodedata.category(before)[0] in "LM"))
    return category == "Zs" or (category in _VISIBLE and each not in _BLANK)


def _joins(name: str, place: int) -> bool:
    """Whether the joiner or variation selector at this position has an effect: it shapes adjacent letters (RFC 5892
    appendix A, and Bengali's ZWJ before a virama), joins two emoji, or turns a symbol into an emoji."""
    before, after = name[place - 1 : place], name[place + 1 : place + 2]
    if name[place] == _EMOJI_STYLE:
        return _is_symbol(before)
    if name[place] == _ZWJ:
        if _is_symbol(after) and (before == _EMOJI_STYLE or _is_symbol(before)):
            return True
        if after != "" and unicodedata.combining(after) == _VIRAMA and before != "" and before.isalpha():
            return True
    try:
        return idna.valid_contextj(name, place)
    except ValueError:  # next to an unassigned character, which is rejected itself
        return False


def _is_symbol(each: str) -> bool:
    """Whether it is an emoji, a symbol with an emoji form, or a skin tone."""
    return each != "" and each not in _BLANK and unicodedata.category(each) in ("So", "Sm", "Sk")
