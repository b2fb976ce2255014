"""GET and POST /device (RFC 8628 3.3): a person types the code that a device shows, reads who asks for what,
and decides; then signs in at Entra in this same browser.

Three steps, each a form of this browser's own: the code, the decision, and, back from Entra, the approval. A
link that holds the code fills it in and skips none of them: who sends such a link wants to be the device.
"""

from typing import Any

from authserver.errors import PageError
from authserver.model import Clock, Login, Resource, SignedIn, SignInHints
from authserver.oauth.browser_form import BrowserForms
from authserver.oauth.clients.directory import ClientDirectory
from authserver.oauth.device.guess_limit import GuessLimit, TooManyGuesses
from authserver.oauth.device.requests import DeviceRequests
from authserver.oauth.device.states import DeviceAuthorization
from authserver.oauth.device.user_codes import shown, typed
from authserver.oauth.resource_directory import ResourceDirectory
from authserver.oauth.vault import Vault
from authserver.tokens import new_sid
from authserver.upstream.tenants import TenantPolicy
from authserver.web.addresses import Addresses, network_of
from authserver.web.cookies import Cookies
from authserver.web.departure import Departures
from authserver.web.display import ago, clean_name
from authserver.web.forms import read_form, read_query
from authserver.web.http import HttpRefusal, HttpRequest, Reply
from authserver.web.pages import Pages
from telemetry.audit import audit

# The hash of the user code that a form decides about; None: the form that asks for the code.
DeviceForms = BrowserForms[str | None]
_NOT_WAITING = "this code was used already or has expired"
_GONE = "this application is not registered here any more"


class DeviceEndpoint:
    """Args: forms: seal what is decided; requests: what waits; guesses: how many codes may be tried; clients
    and resources: whom and what the page names; addresses; departures: the way to Entra; cookies; pages;
    clock.
    """

    name = "device"
    methods: tuple[str, ...] = ("GET", "POST")
    speaks_json = False
    cross_origin = False

    def __init__(
        self,
        *,
        forms: DeviceForms,
        requests: DeviceRequests,
        guesses: GuessLimit,
        clients: ClientDirectory,
        resources: ResourceDirectory,
        addresses: Addresses,
        departures: Departures,
        cookies: Cookies,
        pages: Pages,
        clock: Clock,
    ) -> None:
        self._forms = forms
        self._requests = requests
        self._guesses = guesses
        self._clients = clients
        self._resources = resources
        self._addresses = addresses
        self._departures = departures
        self._cookies = cookies
        self._pages = pages
        self._clock = clock

    def handle(self, request: HttpRequest, /) -> Reply:
        """Ask for the code, then for the decision, then send the person to Entra."""
        if request.method != "POST":
            prefilled = typed(read_query(request).one("user_code") or "")
            return self._ask_code(request, "" if prefilled is None else shown(prefilled))
        sent = read_form(request)
        opened = self._forms.unseal(sent.one("request"))
        cookie_name = self._cookies.form_name("device", opened.form_id)
        opened.check_browser(request.cookies.get(cookie_name), sent.one("csrf_token"))
        decision = sent.one("decision")
        if decision == "continue" and opened.contents is None:
            reply = self._look_up(request, sent.one("user_code") or "")
        elif decision == "allow" and opened.contents is not None:
            reply = self._allow(opened.contents)
        elif decision == "deny" and opened.contents is not None:
            reply = self._deny(opened.contents)
        else:
            raise PageError("invalid_request", "no decision was made")
        return reply.with_headers(self._cookies.clear(cookie_name))

    def _ask_code(self, request: HttpRequest, prefilled: str, *, is_refused: bool = False) -> Reply:
        values = {"user_code": prefilled, "is_refused": is_refused}
        return self._form(request, "device_code.html", None, 400 if is_refused else 200, values)

    def _look_up(self, request: HttpRequest, text: str) -> Reply:
        address = self._addresses.address_of(request)
        network = network_of(address)
        try:
            self._guesses.count(network)
        except TooManyGuesses as error:
            audit("device.guesses_refused", address=address, reason=error.scope)
            raise HttpRefusal(
                429,
                "temporarily_unavailable",
                "too many codes were tried, try again later",
                (("Retry-After", str(error.retry_after_seconds)),),
            ) from None
        user_code = typed(text)
        record = None if user_code is None else self._requests.find_typed(user_code)
        if user_code is None or record is None:
            audit("device.code_unknown", address=address)
            return self._ask_code(request, "", is_refused=True)
        self._guesses.give_back(network)
        return self._ask_decision(request, record, shown(user_code))

    def _ask_decision(self, request: HttpRequest, record: DeviceAuthorization, user_code: str) -> Reply:
        client = self._clients.get(record.client_id)
        resource = self._resources.by_uri(record.resource)
        if client is None or resource is None:
            raise PageError("invalid_client", _GONE)
        values = {
            "user_code": user_code,
            "client_name": clean_name(client.client_name, "An application without a name"),
            "is_verified": client.source == "operator",
            "resource_name": clean_name(resource.name, resource.uri),
            "permissions": _in_words(record.scopes, resource),
            "address": record.address,
            "program": record.program,
            "asked": ago(self._clock() - record.created_at_seconds),
        }
        return self._form(request, "device_decision.html", record.user_code_hash, 200, values)

    def _allow(self, user_code_hash: str) -> Reply:
        record = self._waiting(user_code_hash)
        if self._clients.get(record.client_id) is None:
            raise PageError("invalid_client", _GONE)
        reply = self._departures.depart("device", SignInHints(), user_code_hash=user_code_hash)
        audit(
            "consent.given",
            client_id=record.client_id,
            scopes=record.scopes,
            resource=record.resource,
            purpose="device",
        )
        return reply

    def _deny(self, user_code_hash: str) -> Reply:
        record = self._waiting(user_code_hash)
        if not self._requests.deny(user_code_hash):
            raise PageError("invalid_request", _NOT_WAITING)
        audit("consent.denied", client_id=record.client_id, purpose="device")
        return self._pages.message(
            "Nothing was allowed", "The device gets no access. You can close this page.", is_good=False
        )

    def _waiting(self, user_code_hash: str) -> DeviceAuthorization:
        record = self._requests.find(user_code_hash)
        if record is None:
            raise PageError("invalid_request", _NOT_WAITING)
        return record

    def _form(
        self,
        request: HttpRequest,
        template: str,
        decides_about: str | None,
        status: int,
        values: dict[str, Any],
    ) -> Reply:
        form = self._forms.seal(decides_about)
        name = self._cookies.form_name("device", form.form_id)
        return self._pages.show(template, status, form=form, **values).with_headers(
            self._cookies.set(name, form.csrf_token, self._forms.lifetime_seconds),
            *self._cookies.surplus_forms("device", request.cookies),
        )


class DeviceArrival:
    """Back from Entra: what was allowed is approved for whoever signed in.

    Args:
        requests: what waits.
        clients: know whether the application may still be given anything.
        tenants: know which of the scopes this person holds.
        vault: takes what Entra gave for the session.
        pages: for the last word.
    """

    def __init__(
        self,
        requests: DeviceRequests,
        clients: ClientDirectory,
        tenants: TenantPolicy,
        vault: Vault,
        pages: Pages,
    ) -> None:
        self._requests = requests
        self._clients = clients
        self._tenants = tenants
        self._vault = vault
        self._pages = pages

    def arrive(self, login: Login, signed_in: SignedIn) -> Reply:
        """Approve, and tell the person to go back to the device."""
        user_code_hash, identity = login.user_code_hash or "", signed_in.identity
        record = self._requests.find(user_code_hash)
        if record is None:
            raise PageError("invalid_request", _NOT_WAITING)
        if self._clients.get(record.client_id) is None:
            raise PageError("invalid_client", _GONE)
        person = {"client_id": record.client_id, "tid": identity.tid, "oid": identity.oid}
        scopes = self._tenants.admitted(identity, record.scopes)
        if not scopes:
            self._requests.deny(user_code_hash)
            audit("login.refused", reason="scopes", purpose="device", **person)
            raise PageError("access_denied", "this account may do nothing of what the device asks for")
        sid = new_sid()
        self._vault.put(sid, signed_in.refresh_token)
        if not self._requests.approve(user_code_hash, identity, scopes, sid):
            raise PageError("invalid_request", _NOT_WAITING)
        audit("login.succeeded", purpose="device", sid=sid, **person)
        return self._pages.message(
            "Your device is signed in", "Go back to it; it goes on by itself. You can close this page."
        )


def _in_words(scopes: tuple[str, ...], resource: Resource) -> tuple[str, ...]:
    return tuple(resource.scopes.get(scope, scope) for scope in scopes)
