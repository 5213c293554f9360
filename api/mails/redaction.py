"""Removal of links and tokens from the texts of mails. A link in a mail may open an account once: it is stored nowhere
but as a hash, and an operator who looks at the mail must not be able to use it."""

import re
from urllib.parse import urlsplit

# Any scheme: an application may have one of its own.
_URL = re.compile(r"""\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s<>"']+""")
_HREF = re.compile(r"""(?i)\s(?:href|src|action|formaction)\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)""")
# As long as a token: 32 characters have 190 random bits. Ids of that length are no secrets.
_TOKEN = re.compile(r"(?<![\w-])(?![0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![\w-]))[\w+/=-]{32,}", re.ASCII)
_PAGE = re.compile(r"/[a-z-]{1,30}")


def redact(text: str) -> str:
    """Return the text with `[/verify …]` for each link to a page, and `[…]` for each possible token."""
    return _TOKEN.sub("[…]", _URL.sub(lambda match: _shortened(match[0]), text))


def redact_html(html: str) -> str:
    """Return the HTML without addresses of links and images, and redacted as text."""
    return redact(_HREF.sub("", html))


def has_secret(text: str) -> bool:
    """Whether a text has a link or a possible token."""
    return redact(text) != text


def _shortened(url: str) -> str:
    """The host of a link, or the page of the application, whose name cannot be a token."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "[…]"
    page = _PAGE.match(parts.path)
    if page and parts.path in (page[0], f"{page[0]}/"):
        return f"[{host}{page[0]} …]"
    return f"[{host} …]" if parts.path.strip("/") or parts.query or parts.fragment else f"[{host}]"
