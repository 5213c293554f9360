"""What the worker does for accounts."""

import hashlib
import secrets
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from api.kernel.context import Context
from api.kernel.mail import Template
from api.kernel.tasks import task
from api.users import queries
from api.users.events import UserRegistered

VERIFY_LIFETIME = timedelta(hours=24)
VERIFY = Template(Path(__file__).parent / "emails", "verify")


@task(on=UserRegistered)
async def send_verification(context: Context, event: UserRegistered, id: UUID) -> None:
    """Mail the link that confirms the address. The token is made here, so that no row, queue or log ever held it."""
    user = await queries.find(context.db, event.user_id)
    if user is None or user.is_verified:
        return
    token = secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).digest()
    await queries.insert_token(context.db, digest, user.id, "verify", user.email, VERIFY_LIFETIME)
    # Kept before it is sent: a crash in between costs a second mail, never a link that does not work. Browsers send
    # no fragment to any server, so no access log sees the token.
    link = f"{context.settings.public_url}/verify#token={token}"
    await context.mail.send(
        VERIFY.render(id=str(id), to=user.email, link=link, hours=VERIFY_LIFETIME // timedelta(hours=1))
    )


tasks = [send_verification]
