"""Media types: what a request declares, and what its first bytes say."""

import re

from api.kernel.errors import UNSUPPORTED_MEDIA_TYPE
from api.kernel.input.bodies import CLOSE

SIGNATURE_BYTES = 12
"""So many bytes tell each of these types."""
# WHATWG's MIME Sniffing §6.1, for the types that uploads are made of.
_SIGNATURES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "application/pdf": re.compile(rb"%PDF-"),
}
_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")


def media_type_of(content: bytes) -> str | None:
    """The type of a PNG, JPEG, GIF, WebP or PDF by its first bytes; None for any other content."""
    return next((kind for kind, signature in _SIGNATURES.items() if signature.match(content)), None)


def is_media_type(text: str) -> bool:
    """Whether the text is a type in lower case without parameters, such as `image/png`."""
    return _TYPE.fullmatch(text) is not None


def declared_type(headers: dict[bytes, bytes], accepts: tuple[str, ...]) -> str:
    """The Content-Type without its parameters. Raises UNSUPPORTED_MEDIA_TYPE where it is none of those."""
    return refuse_other(headers.get(b"content-type", b"").decode("latin-1"), accepts)


def refuse_other(content_type: str, accepts: tuple[str, ...]) -> str:
    """The type of a Content-Type field. Raises UNSUPPORTED_MEDIA_TYPE where it is none of those."""
    kind = content_type.partition(";")[0].strip(" \t").lower()
    if kind not in accepts:
        raise UNSUPPORTED_MEDIA_TYPE(f"This needs a body of type {' or '.join(accepts)}.", headers=CLOSE)
    return kind


def refuse_disguised(start: bytes, kind: str) -> None:
    """Raises UNSUPPORTED_MEDIA_TYPE where content that begins so is not of the type that it was declared to be. Types
    without a signature above are not checked."""
    if kind in _SIGNATURES and media_type_of(start) != kind:
        raise UNSUPPORTED_MEDIA_TYPE(f"The content is not {kind}, as its Content-Type says.", headers=CLOSE)
