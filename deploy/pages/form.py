"""A form's fields from a request, bounded."""

from urllib.parse import parse_qsl

from fastapi import Request

from shared_model.errors import PneumofedError

MAX_FORM_BYTES = 64 * 1024
_MAX_FIELDS = 50


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a url-encoded form, the last of each name.

    Raises PneumofedError `form-too-long`, `form-unreadable`.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise PneumofedError(
                "form-too-long", f"a form may have {MAX_FORM_BYTES} bytes; shorten its texts"
            )
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise PneumofedError("form-unreadable", "the form cannot be read; send it from the page") from None
