"""Valid and invalid routes of streams and sockets, and their OpenAPI documents."""

import json
from typing import Any
from uuid import UUID

import pytest

from api.kernel.contract.openapi import document
from api.kernel.data.database import uuid7
from api.kernel.http.cookies import Cookies
from api.kernel.http.messages import Receiver
from api.kernel.http.routing import get, inputs_of, post, websocket
from api.kernel.identity.auth import anyone
from api.kernel.live.feeds import Feed
from api.kernel.outbox.events import Event, Thing
from tests.live.newsroom import NEWSROOM, Comment, NewComment, follow_article, knock, show_comment, write_comment

PATHS = json.loads(document([NEWSROOM]))["paths"]


class Quiet(Event, frozen=True, tag="news.quiet"):
    article_id: Thing


async def show_quiet(context: Any, event: Quiet) -> Comment | None:
    return None


async def answer(id: UUID, last_event_id: str | None) -> str:
    return ""


async def number() -> int:
    return 1


async def say_nothing(id: UUID) -> NewComment:
    return NewComment(1)


async def say_with_cookies(cookies: Cookies, body: NewComment) -> None: ...


def test_a_feed_consists_of_live_events() -> None:
    with pytest.raises(TypeError, match=r"Quiet needs `live: ClassVar\[bool\] = True`"):
        Feed(show_quiet)
    feed = Feed(show_comment, key=uuid7())
    assert feed.view.types == ["news.commented", "news.removed"]
    assert Feed(show_comment).view is feed.view, "one function is one view: events are encoded once"


def test_invalid_routes_are_refused() -> None:
    for route, told in (
        (post("/news/{id}", follow_article, guard=anyone), "a Feed needs the method GET"),
        (get("/news/{id}", follow_article, guard=anyone, etag=True), "and no ETag"),
        (get("/news/{id}", answer, guard=anyone), "last_event_id needs a handler that returns a Feed"),
        (websocket("/news", number, guard=anyone), "a WebSocket handler must return a Feed or None"),
    ):
        with pytest.raises(TypeError, match=told):
            inputs_of(route)
    for receives in (say_nothing, say_with_cookies):
        path = "/news/{id}" if receives is say_nothing else "/news"
        with pytest.raises(TypeError, match="the message is `body`"):
            Receiver(websocket(path, knock, guard=anyone, receives=receives))
    with pytest.raises(TypeError, match="a principal needs a guard"):
        Receiver(websocket("/news/{id}", follow_article, guard=anyone, receives=write_comment))


def test_a_stream_is_documented_with_the_schema_of_its_events() -> None:
    operation = PATHS["/news/{id}/live"]["get"]
    assert operation["operationId"] == "followArticle"
    [content] = operation["responses"]["200"]["content"].items()
    assert content[0] == "text/event-stream"
    kinds = content[1]["schema"]["oneOf"]
    assert {kind["$ref"].rpartition("/")[2] for kind in kinds} == {"Comment", "Gone"}
    assert [each["name"] for each in operation["parameters"]] == ["id", "Last-Event-ID"]
    assert "TOO_MANY_STREAMS" in operation["responses"]["429"]["description"]


def test_a_socket_is_documented_with_its_messages() -> None:
    operation = PATHS["/news/{id}/socket"]["get"]
    assert operation["operationId"] == "followArticleSocket"
    switched = operation["responses"]["101"]
    assert switched["x-messages"] == {"$ref": "#/components/schemas/NewComment"}
    assert switched["x-replies"] == {"$ref": "#/components/schemas/NewComment"}
    assert {"426", "403", "401", "429"} <= operation["responses"].keys()
    assert [(each["name"], each["in"]) for each in operation["parameters"]] == [("id", "path"), ("after", "query")]
    assert "x-messages" not in PATHS["/news/knock"]["get"]["responses"]["101"]
