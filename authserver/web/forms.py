"""What every form of ours is checked for when a browser submits it: where it comes from, and how it is
written.

Called by the endpoints that take a person's decision, before they look at it. That the form was opened in
this very browser is for them to check (``oauth.browser_form``, ``web.browser_session``).
"""

from typing import Final

from authserver.errors import PageError
from authserver.oauth.parameters import MalformedParameters, Parameters, parse_parameters
from authserver.web.http import HttpRequest

# What is sealed is longer than the longest parameters in it.
_MAX_SEALED_CHARACTERS: Final = 32_768


def read_form(request: HttpRequest) -> Parameters:
    """Return the fields of a form.

    Raises:
        PageError: another site sent it, or it cannot be read.
    """
    # The cookie of a form can be planted from another port or a subdomain (where there is no __Host-
    # prefix), and with it a form that nobody read. Origin says nothing: our pages send no referrer.
    if request.fetch_site not in (None, "same-origin", "none"):
        raise PageError("access_denied", "this form was sent by another site")
    try:
        sent = parse_parameters(request.form(), max_value_characters=_MAX_SEALED_CHARACTERS)
    except MalformedParameters as error:
        raise PageError("invalid_request", str(error)) from None
    if sent.doubled:
        raise PageError("invalid_request", "the form has a field twice")
    return sent


def read_query(request: HttpRequest) -> Parameters:
    """Return the parameters of a page's address.

    Raises:
        PageError: it cannot be read.
    """
    try:
        sent = parse_parameters(request.query)
    except MalformedParameters as error:
        raise PageError("invalid_request", str(error)) from None
    if sent.doubled:
        raise PageError("invalid_request", "a parameter was sent more than once")
    return sent
