"""Sessions: who is signed in where. A session is a row that ends at once; a refresh token, used once, renews its
short access token."""

from api.kernel.feature import Feature
from api.sessions import routes

feature = Feature(name="sessions", routes=routes.routes, authenticate=routes.authenticate)
