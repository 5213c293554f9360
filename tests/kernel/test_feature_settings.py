"""C-310: a feature's settings are read from variables with its prefix, checked with the kernel's, and typed."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from api.app import create_app
from api.kernel import Feature, FeatureSettings, Variable
from api.kernel.config.variables import declared
from api.kernel.feature import settings_of
from api.kernel.settings import SettingsError, load
from tests.configured import configured
from tests.kernel.environ import GOOD
from tests.variables_table import examples, table


class ArticleSettings(FeatureSettings, frozen=True, kw_only=True):
    avatar_bytes: Annotated[int, Meta(ge=1, le=2_000_000, description="Size of an avatar.")] = 1000
    drafts: Annotated[bool, Meta(description="Whether drafts are kept.")] = True
    order: Annotated[Literal["newest", "best"], Meta(description="First in lists.")] = "newest"
    ratio: Annotated[float, Meta(ge=0, le=1, description="Of sampled views.")] = 0.5
    tags: Annotated[tuple[str, ...], Meta(description="Suggested.", examples=[("go", "rust")])] = ()
    feed_key: Annotated[bytes | None, Meta(description="Base64.")] = None
    search_url: Annotated[
        str, Variable("SEARCH_URL"), Meta(pattern="^https://", description="The search.", examples=["https://s/"])
    ]


ARTICLES = Feature(name="articles", settings=ArticleSettings)
KINDS = settings_of([ARTICLES])
NEEDED = GOOD | {"SEARCH_URL": "https://search.example.com"}


def test_defaults_are_those_of_the_fields() -> None:
    own = load(NEEDED, KINDS).of(ArticleSettings)
    assert own == ArticleSettings(search_url="https://search.example.com")


def test_each_field_is_a_variable_with_the_features_prefix() -> None:
    own = load(
        NEEDED
        | {
            "ARTICLES_AVATAR_BYTES": "2000",
            "ARTICLES_DRAFTS": "False",
            "ARTICLES_ORDER": "BEST",
            "ARTICLES_RATIO": "0.25",
            "ARTICLES_TAGS": "a, b",
            "ARTICLES_FEED_KEY": "c2lnbmVy",
        },
        KINDS,
    ).of(ArticleSettings)
    assert (own.avatar_bytes, own.drafts, own.order, own.ratio) == (2000, False, "best", 0.25)
    assert (own.tags, own.feed_key, own.search_url) == (("a", "b"), b"signer", "https://search.example.com")


def test_all_faults_are_named_at_once_with_the_kernels_and_quote_no_value() -> None:
    wrong = {
        "PORT": "canary",
        "ARTICLES_AVATAR_BYTES": "canary",
        "ARTICLES_DRAFTS": "canary",
        "ARTICLES_ORDER": "canary",
        "ARTICLES_RATIO": "1.5",
        "ARTICLES_FEED_KEY": "canary!",
    }
    with pytest.raises(SettingsError) as refused:
        load(GOOD | wrong, KINDS)
    assert "canary" not in str(refused.value)
    assert str(refused.value).splitlines()[1:] == [
        "  - PORT must be a whole number from 1 to 65535.",
        "  - ARTICLES_AVATAR_BYTES must be a whole number from 1 to 2000000.",
        "  - ARTICLES_DRAFTS must be one of true, false.",
        "  - ARTICLES_ORDER must be one of newest, best.",
        "  - ARTICLES_RATIO must be a number from 0 to 1.",
        "  - ARTICLES_FEED_KEY must be base64.",
        "  - SEARCH_URL is missing.",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEARCH_URL", "ftp://x"),
        ("SEARCH_URL", "https://x\ny"),
        ("ARTICLES_AVATAR_BYTES", "-1"),
        ("ARTICLES_RATIO", "nan"),
    ],
)
def test_a_value_outside_of_the_fields_limits_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load(NEEDED | {name: value}, KINDS)


class Shared(FeatureSettings, frozen=True, kw_only=True):
    search_url: Annotated[str, Variable("SEARCH_URL"), Meta(pattern="^https://", description="Elsewhere.")]


class SharedOtherwise(FeatureSettings, frozen=True, kw_only=True):
    search_url: Annotated[str, Variable("SEARCH_URL"), Meta(description="Elsewhere.")] = "https://x"


class Undescribed(FeatureSettings, frozen=True, kw_only=True):
    size: int = 1


class Unreadable(FeatureSettings, frozen=True, kw_only=True):
    size: Annotated[dict[str, int], Meta(description="Sizes.")] = {}  # noqa: RUF012  # msgspec copies it


class Ports(FeatureSettings, frozen=True, kw_only=True):
    port: Annotated[int, Variable("PORT"), Meta(description="The kernel's.")] = 1


def test_two_features_may_read_one_variable_that_they_declare_alike() -> None:
    both = settings_of([ARTICLES, Feature(name="search", settings=Shared)])
    assert load(NEEDED, both).of(Shared).search_url == "https://search.example.com"
    with pytest.raises(SettingsError) as refused:
        load(GOOD, both)
    assert str(refused.value).count("SEARCH_URL") == 1
    assert table(both).count("`SEARCH_URL`") == 1


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (SharedOtherwise, "SEARCH_URL is declared in two ways"),
        (Undescribed, "Undescribed.size needs a description"),
        (Unreadable, "Unreadable.size: .* cannot be read"),
        (Ports, "PORT is a variable of the kernel"),
    ],
)
def test_an_invalid_declaration_is_refused_at_start(kind: type[FeatureSettings], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        load(NEEDED, KINDS | {"other": kind})


def test_an_application_does_not_start_without_its_features_settings() -> None:
    with pytest.raises(LookupError, match="ArticleSettings was not read"):
        create_app(load(NEEDED), [ARTICLES])


def test_a_repr_shows_no_value() -> None:
    settings = load(NEEDED | {"ARTICLES_FEED_KEY": "c2lnbmVy"}, KINDS)
    assert repr(settings.of(ArticleSettings)) == "ArticleSettings(…)"
    assert "signer" not in repr(settings)


def test_the_operators_table_and_example_match_the_declaration() -> None:
    assert "| `ARTICLES_AVATAR_BYTES` | 1000 | Size of an avatar. |\n" in table(KINDS)
    assert "| `SEARCH_URL` | needed | The search. |\n" in table(KINDS)
    assert "| `ARTICLES_FEED_KEY` | | Base64. |\n" in table(KINDS)
    lines = examples(KINDS).splitlines()
    assert {"#ARTICLES_TAGS=go,rust", "#ARTICLES_DRAFTS=true", "SEARCH_URL=https://s/"} <= set(lines)


@pytest.mark.parametrize("each", declared("articles", ArticleSettings), ids=lambda each: each.name)
def test_a_default_in_the_example_parses_to_that_default(each: Any) -> None:
    if each.default is None:
        return
    parse: Callable[[str], Any] = each.parse
    assert parse(each.default) == getattr(ArticleSettings(search_url="https://x"), each.field)


def test_tests_change_a_setting_in_every_declaration() -> None:
    settings = configured(load(NEEDED, KINDS), drafts=False, port=9)
    assert (settings.of(ArticleSettings).drafts, settings.port) == (False, 9)
    with pytest.raises(TypeError, match="dafts"):
        configured(settings, dafts=True)
