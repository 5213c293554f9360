"""Media types: as declared by a request, and as detected from the first bytes."""

import re

from api.kernel.errors import UNSUPPORTED_MEDIA_TYPE
from api.kernel.input.bodies import CLOSE

SIGNATURE_BYTES = 12
"""Number of bytes sufficient to detect each of these types."""
# Signatures of common upload types, from WHATWG's MIME Sniffing §6.1.
_SIGNATURES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "application/pdf": re.compile(rb"%PDF-"),
}
_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")


def media_type_of(content: bytes) -> str | None:
    """Detect PNG, JPEG, GIF, WebP or PDF from the first bytes; None for any other content."""
    return next((kind for kind, signature in _SIGNATURES.items() if signature.match(content)), None)


def is_media_type(text: str) -> bool:
    """Return whether the text is a lower-case media type without parameters, such as `image/png`."""
    return _TYPE.fullmatch(text) is not None


def declared_type(headers: dict[bytes, bytes], accepts: tuple[str, ...]) -> str:
    """Return the Content-Type without its parameters. Raises UNSUPPORTED_MEDIA_TYPE if it is not accepted."""
    return refuse_other(headers.get(b"content-type", b"").decode("latin-1"), accepts)


def refuse_other(content_type: str, accepts: tuple[str, ...]) -> str:
    """Return the type of a Content-Type field. Raises UNSUPPORTED_MEDIA_TYPE if it is not accepted."""
    kind = content_type.partition(";")[0].strip(" \t").lower()
    if kind not in accepts:
        raise UNSUPPORTED_MEDIA_TYPE(f"This needs a body of type {' or '.join(accepts)}.", headers=CLOSE)
    return kind


def refuse_disguised(start: bytes, kind: str) -> None:
    """Raise UNSUPPORTED_MEDIA_TYPE if content with this beginning is not of its declared type. Types without a known
    signature are not checked."""
    if kind in _SIGNATURES and media_type_of(start) != kind:
        raise UNSUPPORTED_MEDIA_TYPE(f"The content is not {kind}, as its Content-Type says.", headers=CLOSE)
