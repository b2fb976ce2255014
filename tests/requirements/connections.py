"""What WebSocket demands of a server, and MCP of whoever carries it over one."""

from typing import Final

from tests.requirements.requirement import Requirement

_WEBSOCKET: Final = "tests/mcpserver/transports/test_websocket.py"
_RFC: Final = "RFC 6455"
_TRANSPORTS: Final = "MCP 2026-07-28 transports"


def _held(identifier: str, source: str, section: str, text: str, *tests: str) -> Requirement:
    return Requirement(identifier, source, section, text, tuple(f"{_WEBSOCKET}::{test}" for test in tests))


CONNECTIONS: Final = (
    _held(
        "MCP-CUSTOM-FORMAT",
        _TRANSPORTS,
        "Custom Transports",
        "a transport of one's own keeps MCP's message format and its rules for opening a session",
        "test_a_session_opens_lists_and_calls",
        "test_a_modern_request_needs_no_handshake_of_mcp",
        "test_what_is_no_request_gets_the_code_for_it_and_the_connection_stays",
    ),
    _held(
        "WS-AFTER-CLOSE",
        _RFC,
        "5.5.1",
        "nothing follows a Close frame, and what comes after it is of no account",
        "test_what_comes_after_the_close_is_not_taken",
    ),
    _held(
        "WS-CLOSE-ANSWERED",
        _RFC,
        "5.5.1, 7.1.1",
        "a Close frame is answered with one, then the server closes the connection",
        "test_a_client_that_says_goodbye_gets_it_back",
    ),
    _held(
        "WS-HANDSHAKE",
        _RFC,
        "4.2.1",
        "what is no proper handshake is refused with an HTTP status",
        "test_a_request_that_is_no_handshake_is_refused",
    ),
    _held(
        "WS-MASK",
        _RFC,
        "5.1",
        "a frame of a client that has no mask ends the connection",
        "test_a_frame_without_a_mask_closes_with_its_code",
    ),
    _held(
        "WS-OPCODE",
        _RFC,
        "5.2",
        "a frame with an unknown opcode fails the connection",
        "test_a_frame_that_breaks_the_rules_closes_with_its_code",
    ),
    _held(
        "WS-ORIGIN",
        _RFC,
        "4.2.2, 10.2",
        "a page of an origin that is not served is refused at the handshake",
        "test_a_page_of_another_origin_is_refused",
    ),
    _held(
        "WS-PING",
        _RFC,
        "5.5.2",
        "a Ping is answered with a Pong of the same data",
        "test_a_ping_is_answered_with_its_own_data",
    ),
    _held(
        "WS-SUBPROTOCOL",
        _RFC,
        "4.2.2",
        "the server names a subprotocol only when the client offered it",
        "test_a_client_that_asks_for_no_subprotocol_is_served",
        "test_another_subprotocol_is_refused",
    ),
    _held(
        "WS-UTF8",
        _RFC,
        "8.1",
        "text that is not UTF-8 fails the connection",
        "test_text_that_is_not_utf_8_closes_with_its_code",
    ),
    _held(
        "WS-VERSION",
        _RFC,
        "4.4",
        "a version of WebSocket that is not spoken is refused with those that are",
        "test_another_version_of_websocket_is_told_the_right_one",
    ),
)
