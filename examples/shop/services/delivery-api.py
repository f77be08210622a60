"""Deliveries: where a parcel goes, and how large it is. Python's standard library alone; calls with urllib, which finds its
proxy in the environment."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, quote, urlsplit
from urllib.request import urlopen

USERS_API = os.environ.get("SHOP_USERS_API_URL", "http://users-api.default")
CATALOG = os.environ.get("SHOP_CATALOG_URL", "http://catalog.production")
PREFIX = "/api/deliveries/"
TIMEOUT_SECONDS = 5


def fetch(url):
    with urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
        return json.load(answer)


def delivery(order, user, sku):
    profile = fetch(f"{USERS_API}/api/users/{quote(user, safe='')}")
    parcel = fetch(f"{CATALOG}/parcels/{quote(sku, safe='')}.json")
    return {"order": order, "to": profile["email"], "parcel": parcel}


class Deliveries(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/health":
            self.answer(200, {"status": "ok"})
        elif url.path.startswith(PREFIX) and {"user", "sku"} <= query.keys():
            self.deliver(url.path[len(PREFIX) :], query)
        else:
            self.answer(404, {"error": "no such delivery"})

    def deliver(self, order, query):
        try:
            self.answer(200, delivery(order, query["user"], query["sku"]))
        except HTTPError as error:
            self.answer(502, {"error": f"{error.url} answered {error.code}: {error.read().decode()}"})
        except URLError as error:
            self.answer(502, {"error": str(error.reason)})

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """The mesh keeps the record."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8086"))), Deliveries)
print(f"delivery-api listens on {server.server_port}", flush=True)
server.serve_forever()
