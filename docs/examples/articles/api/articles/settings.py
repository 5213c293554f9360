"""The feature's settings."""

from typing import Annotated

from msgspec import Meta

from api.kernel import FeatureSettings


class ArticleSettings(FeatureSettings, frozen=True, kw_only=True):
    hidden_days: Annotated[
        int, Meta(ge=1, le=365, description="Days after which a hidden article is deleted: 1 to 365.")
    ] = 30
    digest_articles: Annotated[int, Meta(ge=1, le=50, description="Most articles in a weekly digest: 1 to 50.")] = 10
