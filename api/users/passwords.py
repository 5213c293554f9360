"""Password policy: a minimum length and a strength estimate that knows the account's data (ASVS 6.2). No composition
rules."""

from api.kernel import Context, Problem, normal_address
from api.kernel.identity.passwords import normal_password

SHORTEST, LONGEST = 8, 128


async def refuse_weak(
    context: Context, password: str, email: str, refusal: type[Problem], name: str | None = None
) -> None:
    """Raises `refusal` with the reason. Characters are counted in the normalized form that is hashed."""
    password = normal_password(password)
    if len(password) < SHORTEST:
        raise refusal(f"The password must have at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise refusal(f"The password must have at most {LONGEST} characters.")
    if normal_address(password) == normal_address(email):
        raise refusal("The password must not be the e-mail address.")
    weakness = await context.passwords.weakness(password, [email, name or ""])
    if weakness:
        raise refusal(weakness)
