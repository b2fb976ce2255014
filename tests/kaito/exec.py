"""`kubectl exec` on the server's side: a command's output over WebSocket.

Used by ``tests.kaito.server``. Each message begins with the number of its channel: 1 standard output, 3 the
end, a Status object. Kubernetes, subprotocol v5.channel.k8s.io.
"""

import json
from http.server import BaseHTTPRequestHandler

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request

_SUBPROTOCOL = "v5.channel.k8s.io"


def serve_exec(handler: BaseHTTPRequestHandler, output: str, code: int) -> None:
    """Answer an upgrade with a command's output and exit code."""
    handler.close_connection = True
    connection = WSConnection(ConnectionType.SERVER)
    lines = [f"{handler.command} {handler.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in handler.headers.items()]
    connection.receive_data("\r\n".join([*lines, "", ""]).encode())
    request = next(iter(connection.events()))
    assert isinstance(request, Request)
    write = handler.wfile.write
    write(connection.send(AcceptConnection(subprotocol=_SUBPROTOCOL)))
    if output:
        write(connection.send(BytesMessage(b"\x01" + output.encode())))
    write(connection.send(BytesMessage(b"\x03" + json.dumps(_end(code)).encode())))
    write(connection.send(CloseConnection(code=1000)))
    handler.wfile.flush()
    # Until the other side has closed too: what it had not read yet would be lost otherwise.
    while data := handler.connection.recv(4096):
        connection.receive_data(data)
        if any(isinstance(event, CloseConnection) for event in connection.events()):
            break


def _end(code: int) -> dict[str, object]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
