"""E-mails to the owners of endpoints that fail."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from api.kernel import Context, Task, Template, task
from api.webhooks import queries
from api.webhooks.events import EndpointDisabled, EndpointFailing

FAILING = Template(Path(__file__).parent / "emails", "webhook_failing")


@task(on=EndpointFailing)
async def warn_of_failures(context: Context, event: EndpointFailing, id: UUID) -> None:
    """Mail that deliveries to the endpoint fail."""
    await _mail(context, event.endpoint_id, id, event.reason)


@task(on=EndpointDisabled)
async def tell_of_disabling(context: Context, event: EndpointDisabled, id: UUID) -> None:
    """Mail that the endpoint was disabled, unless its owner did it."""
    if event.reason != "owner":
        await _mail(context, event.endpoint_id, id, "gone" if event.reason == "gone" else "disabled")


async def _mail(context: Context, endpoint_id: UUID, id: UUID, what: str) -> None:
    """The mail has the URL's host alone, because the rest may carry a credential."""
    owner = await queries.find_recipient(context.db, endpoint_id)
    if owner is None:
        return
    application = context.settings.public_url
    mail = FAILING.render(
        id=str(id),
        to=owner.email,
        language=owner.language,
        what=what,
        host=urlsplit(owner.url).hostname or "",
        application=application,
        link=f"{application}/webhooks/{owner.id}",
    )
    await context.mail.send(mail)


tasks: list[Task[Any]] = [warn_of_failures, tell_of_disabling]
