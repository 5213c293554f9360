"""The table of credentials after each action, in docs/security.md and in test_handover.py: `python -m
tests.users.handover_table` writes it into the former.

Each row: the state of the account, the action, the answer, and the credentials from before that are still valid. `=`
means all, `-` none, `new` a session that replaces the caller's."""

from pathlib import Path

HELD = {
    "session": "another session",
    "own": "the current session",
    "new": "a new session in its place",
    "password": "the password",
    "name": "the name",
    "verify": "a link to verify",
    "reset": "a link to reset",
    "invite": "the invitation",
    "confirm": "a link to confirm the change",
    "revert": "the old address' link",
    "later": "the later address' link",
    "deletion": "the deletion",
}
STATES = {
    "unproved": (
        "registered, the address not confirmed; a change of address is pending",
        "session own password name verify reset confirm",
    ),
    "invited": (
        "created by an administrator; without a password yet",
        "name verify reset invite",
    ),
    "proved": (
        "confirmed; a change of address is pending",
        "session own password name reset confirm revert",
    ),
    "moved": (
        "at a new, confirmed address; another change is pending",
        "session own password name reset confirm revert later",
    ),
    "leaving": (
        "confirmed; its deletion was requested",
        "password name reset revert deletion",
    ),
    "disabled": (
        "confirmed, then disabled by an administrator; the remaining credentials work when it is enabled again",
        "password name reset revert",
    ),
}
"""A description of each state, and the credentials before the action."""
ROWS = """
unproved | verify | 200 | password name reset
unproved | verify, signed in | 200 | own password name reset
unproved | verify with a password | 200 | -
unproved | reset the password | 200 | -
unproved | accept the invitation | RESET_PASSWORD_BAD_TOKEN | =
unproved | confirm the new address | 200 | password name
unproved | revert the change | REVERT_EMAIL_BAD_TOKEN | =
unproved | revert with a password | REVERT_EMAIL_BAD_TOKEN | =
unproved | revert to the later address | REVERT_EMAIL_BAD_TOKEN | =
unproved | change the password | 204 | new name verify reset
unproved | request deletion | 202 | password name verify reset deletion
unproved | administrator: superuser | 200 | -
unproved | administrator: role | 200 | -
unproved | administrator: verified | 200 | -
unproved | administrator: password | 200 | name
unproved | administrator: address | 200 | password name
unproved | administrator: address, verified | 200 | -
unproved | administrator: disable | 200 | password name
unproved | make superuser | 200 | -
invited | verify | 200 | name reset invite
invited | verify, signed in | 200 | name reset invite
invited | verify with a password | 200 | name
invited | reset the password | 200 | name
invited | accept the invitation | 200 | name
invited | confirm the new address | CONFIRM_EMAIL_BAD_TOKEN | =
invited | revert the change | REVERT_EMAIL_BAD_TOKEN | =
invited | revert with a password | REVERT_EMAIL_BAD_TOKEN | =
invited | revert to the later address | REVERT_EMAIL_BAD_TOKEN | =
invited | change the password | UNAUTHORIZED | =
invited | request deletion | UNAUTHORIZED | =
invited | administrator: superuser | 200 | =
invited | administrator: role | 200 | =
invited | administrator: verified | 200 | name reset invite
invited | administrator: password | 200 | name
invited | administrator: address | 200 | name
invited | administrator: address, verified | 200 | name
invited | administrator: disable | 200 | name
invited | make superuser | 200 | =
proved | verify | VERIFY_USER_BAD_TOKEN | =
proved | verify, signed in | VERIFY_USER_BAD_TOKEN | =
proved | verify with a password | VERIFY_USER_BAD_TOKEN | =
proved | reset the password | 200 | name revert
proved | accept the invitation | RESET_PASSWORD_BAD_TOKEN | =
proved | confirm the new address | 200 | password name revert
proved | revert the change | 200 | name
proved | revert with a password | 200 | name
proved | revert to the later address | REVERT_EMAIL_BAD_TOKEN | =
proved | change the password | 204 | new name revert
proved | request deletion | 202 | password name revert deletion
proved | administrator: superuser | 200 | =
proved | administrator: role | 200 | =
proved | administrator: verified | 200 | =
proved | administrator: password | 200 | name revert
proved | administrator: address | 200 | password name
proved | administrator: address, verified | 200 | -
proved | administrator: disable | 200 | password name revert
proved | make superuser | 200 | =
moved | verify | VERIFY_USER_BAD_TOKEN | =
moved | verify, signed in | VERIFY_USER_BAD_TOKEN | =
moved | verify with a password | VERIFY_USER_BAD_TOKEN | =
moved | reset the password | 200 | name revert later
moved | accept the invitation | RESET_PASSWORD_BAD_TOKEN | =
moved | confirm the new address | 200 | password name revert later
moved | revert the change | 200 | name
moved | revert with a password | 200 | name
moved | revert to the later address | 200 | name revert
moved | change the password | 204 | new name revert later
moved | request deletion | 202 | password name revert later deletion
moved | administrator: superuser | 200 | =
moved | administrator: role | 200 | =
moved | administrator: verified | 200 | =
moved | administrator: password | 200 | name revert later
moved | administrator: address | 200 | password name
moved | administrator: address, verified | 200 | -
moved | administrator: disable | 200 | password name revert later
moved | make superuser | 200 | =
leaving | verify | VERIFY_USER_BAD_TOKEN | =
leaving | verify, signed in | VERIFY_USER_BAD_TOKEN | =
leaving | verify with a password | VERIFY_USER_BAD_TOKEN | =
leaving | reset the password | 200 | name revert
leaving | accept the invitation | RESET_PASSWORD_BAD_TOKEN | =
leaving | confirm the new address | CONFIRM_EMAIL_BAD_TOKEN | =
leaving | revert the change | 200 | name
leaving | revert with a password | 200 | name
leaving | revert to the later address | REVERT_EMAIL_BAD_TOKEN | =
leaving | change the password | UNAUTHORIZED | =
leaving | request deletion | UNAUTHORIZED | =
leaving | administrator: superuser | USER_LEAVING | =
leaving | administrator: role | USER_LEAVING | =
leaving | administrator: verified | 200 | =
leaving | administrator: password | 200 | name revert deletion
leaving | administrator: address | 200 | password name deletion
leaving | administrator: address, verified | USER_LEAVING | =
leaving | administrator: disable | 200 | password name revert deletion
leaving | make superuser | USER_LEAVING | =
disabled | verify | VERIFY_USER_BAD_TOKEN | =
disabled | verify, signed in | VERIFY_USER_BAD_TOKEN | =
disabled | verify with a password | VERIFY_USER_BAD_TOKEN | =
disabled | reset the password | RESET_PASSWORD_BAD_TOKEN | =
disabled | accept the invitation | RESET_PASSWORD_BAD_TOKEN | =
disabled | confirm the new address | CONFIRM_EMAIL_BAD_TOKEN | =
disabled | revert the change | REVERT_EMAIL_BAD_TOKEN | =
disabled | revert with a password | REVERT_EMAIL_BAD_TOKEN | =
disabled | revert to the later address | REVERT_EMAIL_BAD_TOKEN | =
disabled | change the password | UNAUTHORIZED | =
disabled | request deletion | UNAUTHORIZED | =
disabled | administrator: superuser | USER_DISABLED | =
disabled | administrator: role | USER_DISABLED | =
disabled | administrator: verified | 200 | =
disabled | administrator: password | 200 | name revert
disabled | administrator: address | 200 | password name
disabled | administrator: address, verified | USER_DISABLED | =
disabled | administrator: disable | 200 | =
disabled | make superuser | USER_DISABLED | =
"""
MARKS = "<!-- python -m tests.users.handover_table -->", "<!-- end of the table -->"


def cells() -> list[tuple[str, str, str, set[str]]]:
    """State, action, answer, and the remaining credentials."""
    found = []
    for row in ROWS.strip().splitlines():
        state, action, answer, left = (part.strip() for part in row.split("|"))
        before = set(STATES[state][1].split())
        found.append((state, action, answer, before if left == "=" else set(left.split()) - {"-"}))
    return found


def table() -> str:
    """Return Markdown, one table per state; refusals that change nothing share a row."""
    parts = []
    for state, (what, before) in STATES.items():
        parts.append(f"**{state.capitalize()}**: {what}. Credentials before: {_words(set(before.split()))}.\n")
        lines = ["| action | answer | still valid |", "|---|---|---|"]
        for of, action, answer, left in cells():
            if of == state:
                kept = "all" if left == set(before.split()) else _words(left)
                lines.append(f"| {action} | {answer} | {kept} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _words(held: set[str]) -> str:
    return ", ".join(word for name, word in HELD.items() if name in held) or "nothing"


def placed(text: str) -> str:
    """Return the document with the table between its marks."""
    before, begin, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    return f"{before}{begin}\n\n{table()}\n{end}{after}"


if __name__ == "__main__":
    path = Path(__file__).parents[2] / "docs/security.md"
    path.write_text(placed(path.read_text()))
