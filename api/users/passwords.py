"""Which passwords are acceptable: long enough, not among the ones everybody tries first, not the address itself (ASVS
6.2). No rules about digits and signs, which make passwords worse."""

from pathlib import Path

from api.kernel.errors import Problem

SHORTEST, LONGEST = 8, 128
COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text("utf-8").split())


def refuse_weak(password: str, email: str, refusal: type[Problem]) -> None:
    """Raises `refusal`, saying what to change."""
    if len(password) < SHORTEST:
        raise refusal(f"The password must have at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise refusal(f"The password must have at most {LONGEST} characters.")
    if password.lower() in COMMON:
        raise refusal("This password is among the first that anybody would try; choose another.")
    if password.lower() == email.lower():
        raise refusal("The password must not be the e-mail address.")
