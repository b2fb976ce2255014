"""The reference of every ratio: a Flask view that echoes JSON, on gunicorn's own gevent worker."""

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.post("/echo")
def echo() -> Response:
    """Answer with the JSON that was sent."""
    return jsonify(request.get_json())
