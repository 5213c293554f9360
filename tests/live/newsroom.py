"""A feature with live events, and the web process that serves it: `python -m tests.live.newsroom`. Deadlines are short,
so that tests can wait for them."""

import asyncio
import itertools
import os
import signal
import sys
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
import uvicorn
from starlette.applications import Starlette

from api.app import create_app
from api.features import FEATURES
from api.kernel import (
    NOT_FOUND,
    Context,
    Event,
    Feature,
    Feed,
    Label,
    Principal,
    Thing,
    anyone,
    conflict,
    get,
    record,
    role,
    signed_in,
    telemetry,
    websocket,
)
from api.kernel.live import clients, hub
from api.kernel.process.supervision import follow_supervisor
from api.kernel.settings import load
from api.kernel.wire import server
from api.kernel.wire.process import bind, configuration
from tests.conftest import ENVIRONMENT, KINDS

SHOWN: list[int] = []


class Commented(Event, frozen=True, tag="news.commented"):
    live: ClassVar[bool] = True
    article_id: Thing
    number: int
    text: Annotated[str, Label] = ""


class Removed(Event, frozen=True, tag="news.removed"):
    live: ClassVar[bool] = True
    article_id: Thing
    number: int


class Comment(msgspec.Struct, frozen=True, tag="comment"):
    """A comment as readers see it."""

    number: int
    text: str
    shown: int
    """Number of earlier views."""


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    number: int


async def show_comment(context: Context, event: Commented | Removed) -> Comment | Gone | None:
    if isinstance(event, Removed):
        return Gone(event.number)
    match event.text:
        case "hidden":
            return None
        case "vanished":
            raise NOT_FOUND
        case "broken":
            raise RuntimeError("cannot be shown")
    SHOWN.append(event.number)
    return Comment(event.number, event.text, len(SHOWN))


async def follow_article(context: Context, id: UUID) -> Feed[Comment | Gone]:
    """Follow an article's comments.

    As they are written."""
    return Feed(show_comment, key=id)


async def follow_slowly(context: Context, id: UUID) -> Feed[Comment | Gone]:
    """The same, with few messages."""
    return Feed(show_comment, key=id)


async def follow_all(context: Context, principal: Principal, last_event_id: str | None) -> Feed[Comment | Gone]:
    """Follow all comments."""
    return Feed(show_comment)


async def follow_as_editor(context: Context, principal: Principal) -> Feed[Comment | Gone]:
    """Follow all comments, as an editor."""
    return Feed(show_comment)


class NewComment(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    number: int
    text: str = ""


OUT_OF_INK = conflict("OUT_OF_INK", "There is no ink left.")


async def write_comment(context: Context, principal: Principal, id: UUID, body: NewComment) -> NewComment:
    """Comment on an article."""
    if body.text == "ink":
        raise OUT_OF_INK
    if body.text == "bug":
        raise RuntimeError("a mistake")
    async with context.db.transaction() as db:
        await record(db, Commented(article_id=id, number=body.number, text=body.text))
    return body


class Note(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    text: str


async def echo(body: Note) -> Note:
    """Comment on an article."""
    return body


async def listen() -> None:
    """Echo each message."""


async def knock() -> None:
    """Nothing is sent and nothing received."""


async def count_tasks() -> int:
    """The tasks of this process."""
    return len(asyncio.all_tasks())


async def count_followers(context: Context) -> int:
    """The streams and sockets of this process."""
    return context.live.places.total


ROUTES: list[Any] = [
    get("/news/{id}/live", follow_article, guard=anyone, limit="off"),
    get("/news/live", follow_all, guard=signed_in),
    get("/news/editors/live", follow_as_editor, guard=role("editor")),
    websocket("/news/{id}/socket", follow_article, receives=write_comment, guard=signed_in),
    websocket("/news/{id}/limited", follow_slowly, receives=write_comment, guard=signed_in, messages="3/hour"),
    websocket("/news/echo", listen, receives=echo, guard=anyone, limit="off", messages="off"),
    websocket("/news/knock", knock, guard=anyone),
    get("/news/followers", count_followers, guard=anyone, limit="off"),
    get("/news/tasks", count_tasks, guard=anyone, limit="off"),
]
NEWSROOM = Feature(name="news", routes=ROUTES)


def create() -> Starlette:
    settings = load(kinds=KINDS)
    follow_supervisor()
    hub.BEAT_SECONDS = int(os.environ.get("BEAT_SECONDS", "2"))
    clients._slots = itertools.count(hub.BEAT_SECONDS // 2)  # the first heartbeat is as late as the others
    clients.LONGEST_SECONDS = float(os.environ.get("LONGEST_SECONDS", "3600"))
    clients.SLOW_SECONDS = float(os.environ.get("SLOW_SECONDS", "20"))
    server.WRITE_SECONDS = float(os.environ.get("WRITE_SECONDS", "30"))
    return create_app(settings, (*FEATURES, NEWSROOM), telemetry.set_up(settings, "web"))


def main() -> None:
    settings = load({**ENVIRONMENT, **os.environ}, KINDS)
    config = configuration(settings)
    config.app = "tests.live.newsroom:create"
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    uvicorn.Server(config).run(bind(settings))


if __name__ == "__main__":
    main()
