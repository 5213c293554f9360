"""What this feature stores about accounts. Foreign keys erase all of it."""

from api.articles import queries
from api.kernel import PersonalTable

personal = [
    PersonalTable(name="articles", holds="Your articles", holds_de="Ihre Artikel", export=queries.export_articles),
    PersonalTable(
        name="article_comments", holds="Your comments", holds_de="Ihre Kommentare", export=queries.export_comments
    ),
    PersonalTable(
        name="article_favourites", holds="Your favourites", holds_de="Ihre Favoriten", export=queries.export_favourites
    ),
    PersonalTable(
        name="article_follows",
        holds="Authors that you follow",
        holds_de="Autoren, denen Sie folgen",
        export=queries.export_follows,
        omits={"token": "ends the subscription"},
    ),
    PersonalTable(
        name="article_avatars",
        holds="Your picture, in base64",
        holds_de="Ihr Bild, in Base64",
        export=queries.export_avatar,
    ),
]
