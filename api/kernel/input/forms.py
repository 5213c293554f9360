"""Fields of a query string or a form as pairs of text, from `a=1&b=2` or from multipart/form-data (RFC 7578) as sent by
browsers and `curl -F`. Both parsers refuse ambiguous input. Bodies are bounded and in memory, and files are not
accepted, so multipart needs no streaming parser."""

import re
from urllib.parse import parse_qsl

from api.kernel.errors import UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MAX_FIELDS = 100
_BOUNDARY = re.compile(
    r"multipart/form-data[ \t]*;[ \t]*boundary=(?:([\w'+.-]{1,70})|\"([\w'()+,./:=?-]{1,70})\")[ \t]*"
    r"(?:;[ \t]*charset=\"?utf-8\"?[ \t]*)?",
    re.ASCII | re.IGNORECASE,
)
_HEADER = re.compile(r"([\w-]+):[ \t]*(.*?)[ \t]*", re.ASCII)
_DISPOSITION = re.compile(r"form-data[ \t]*;[ \t]*name=(?:\"([^\"\\]+)\"|([\w-]+))", re.ASCII | re.IGNORECASE)
_TEXT = re.compile(r"text/plain[ \t]*(?:;[ \t]*charset=\"?(?:utf-8|us-ascii)\"?)?", re.IGNORECASE)


def parse_urlencoded(text: bytes) -> list[tuple[str, str]]:
    """Parse `a=1&b=2` into fields, in order. Raises VALIDATION_FAILED."""
    if re.search(rb"%(?![0-9a-fA-F]{2})", text):
        raise VALIDATION_FAILED("A percent sign must be followed by two hexadecimal digits.")
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise VALIDATION_FAILED("This is not valid, percent-encoded UTF-8, or has more than 100 fields.") from None


def boundary_of(content_type: bytes) -> bytes | None:
    """Return the boundary of a multipart/form-data Content-Type; None for another type. Raises UNSUPPORTED_MEDIA_TYPE
    for an invalid boundary."""
    text = content_type.decode("latin-1").strip(" \t")
    if text.partition(";")[0].rstrip(" \t").lower() != MULTIPART:
        return None
    match = _BOUNDARY.fullmatch(text)
    if match is None:
        raise UNSUPPORTED_MEDIA_TYPE(
            "multipart/form-data needs a boundary of 1 to 70 characters, and UTF-8.", headers={"connection": "close"}
        )
    return (match[1] or match[2]).encode()


def parse_multipart(body: bytes, boundary: bytes) -> list[tuple[str, str]]:
    """Parse multipart/form-data into fields, in order. Raises VALIDATION_FAILED."""
    try:
        first, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, MAX_FIELDS + 1)
        if first or not parts or parts.pop() not in (b"--", b"--\r\n"):
            raise ValueError("not delimited")
        return [_field(part) for part in parts]
    except ValueError:  # includes UnicodeDecodeError
        raise VALIDATION_FAILED(
            "This is not valid multipart/form-data of up to 100 text fields in UTF-8. Files are not accepted."
        ) from None


def _field(part: bytes) -> tuple[str, str]:
    head, blank, value = part.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    matches = [match for line in lines if (match := _HEADER.fullmatch(line))]
    headers = {match[1].lower(): match[2] for match in matches}
    if first or not blank or not len(headers) == len(matches) == len(lines):
        raise ValueError("malformed head of a part")
    disposition = _DISPOSITION.fullmatch(headers.get("content-disposition", ""))
    plain = _TEXT.fullmatch(headers.get("content-type", "text/plain"))
    # Other header fields have no meaning in a part (RFC 7578 §4.8).
    encoding = headers.get("content-transfer-encoding", "8bit").lower()
    if disposition is None or plain is None or encoding not in ("7bit", "8bit", "binary"):
        raise ValueError("not a text field")
    return disposition[1] or disposition[2], value.decode()
