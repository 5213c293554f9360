"""What a person may be called: text that shows, in one line, and says the same to everybody who reads it."""

import unicodedata

import idna

LONGEST = 100
MOST_MARKS = 5
"""On one letter. Burmese and Vietnamese need four; more than this overlaps the lines above and below."""

_ZWNJ, _ZWJ, _EMOJI_STYLE = "\u200c", "\u200d", "\ufe0f"
_VIRAMA = 9
"""The combining class of signs that join two consonants."""
# Letters, digits, punctuation and symbols, emoji among them. Marks and joiners are allowed in their places; controls,
# formats, private and unassigned characters are not.
_VISIBLE = frozenset(
    ("Ll", "Lu", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So")
)
_MARKS = frozenset(("Mn", "Mc"))
# Letters, symbols and marks by their category, of which nothing shows: Hangul fillers, the empty Braille pattern,
# fillers of hieroglyphs, musical notation and Khitan, Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties).
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
    """The name as it is kept: in NFC, every space a plain one, none at its ends and no two together. Raises ValueError,
    saying what is wrong."""
    # One character is at most four when it is taken apart, and normalising takes the square of the number of marks.
    name = unicodedata.normalize("NFC", typed[: 4 * LONGEST + 1])
    if len(name) > LONGEST:
        raise ValueError(f"Must have at most {LONGEST} characters.")
    marks = 0
    for place, each in enumerate(name):
        if not _shows(name, place):
            called = unicodedata.name(each, "a character without a name")
            raise ValueError(f"Must not have U+{ord(each):04X} ({called}) at this place: it does not show by itself.")
        if unicodedata.category(each) in _MARKS:
            marks += 1
        elif each not in (_ZWNJ, _ZWJ):
            marks = 0
        if marks > MOST_MARKS:
            raise ValueError(f"Must have at most {MOST_MARKS} marks on one letter.")
    spaced = " ".join(name.split())
    if not spaced:
        raise ValueError("Must not be blank.")
    return spaced


def _shows(name: str, place: int) -> bool:
    """Whether the character here is seen, alone or by what it does to its neighbours."""
    each, before = name[place], name[place - 1 : place]
    category = unicodedata.category(each)
    if each in (_ZWNJ, _ZWJ, _EMOJI_STYLE):
        return _joins(name, place)
    if category in _MARKS:
        return each not in _BLANK and (before == _ZWJ or (before != "" and unicodedata.category(before)[0] in "LM"))
    return category == "Zs" or (category in _VISIBLE and each not in _BLANK)


def _joins(name: str, place: int) -> bool:
    """Whether the invisible character here does what it is for: it shapes the letters beside it (RFC 5892, appendix A,
    and Bengali's ZWJ before a virama), joins two emoji, or makes a symbol one."""
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
    except ValueError:  # next to a character without a name, which is refused in its turn
        return False


def _is_symbol(each: str) -> bool:
    """An emoji, a symbol that can become one, or a skin tone."""
    return each != "" and each not in _BLANK and unicodedata.category(each) in ("So", "Sm", "Sk")
