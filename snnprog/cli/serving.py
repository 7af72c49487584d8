"""A page that a browser reloads whenever it changes, served on 127.0.0.1.

A page from a file cannot do that: browsers do not let it read other files, not even to notice that it has
changed. The address holds a secret, so that other users of this computer cannot read the page. The
page is served unchanged, with a script that waits for changes (``live.js``); its content security policy lets it reach
this server and nothing else.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

SECRET_BYTES = 16  # 128 bits: not to be guessed
REST_SECONDS = 15.0
"""Time without a change after which a comment is sent, to detect closed browsers. Insensitive within a factor of 3."""


class PageServer(ThreadingHTTPServer):
    """Serves one page, and notifies browsers of changes.

    Attributes
    ----------
    address : str
        The address of the page.
    """

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port; raise `OSError` if there is none."""
        super().__init__(("127.0.0.1", 0), PageRequest)
        self.path = f"/{secrets.token_urlsafe(SECRET_BYTES)}/"
        self.address = f"http://127.0.0.1:{self.server_port}{self.path}"
        self.page, self.version = b"", 0
        self.changed = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def show(self, html: str) -> None:
        """Set the page."""
        with self.changed:
            self.page, self.version = html.encode("utf-8"), self.version + 1
            self.changed.notify_all()

    def version_after(self, version: int) -> int:
        """Return the version that is shown; wait for a while if it is this one."""
        with self.changed:
            self.changed.wait_for(lambda: self.version != version, REST_SECONDS)
            return self.version


class PageRequest(BaseHTTPRequestHandler):
    """Answers a browser: the page at ``/SECRET/?VERSION``, and an event for each new version at ``changes``."""

    server: PageServer

    def do_GET(self) -> None:
        """Answer with the page, its events, or an error."""
        place = urlsplit(self.path)
        if place.path == self.server.path and place.query == str(self.server.version):
            self._begin(HTTPStatus.OK, "text/html; charset=utf-8")
            self.wfile.write(self.server.page)
        elif place.path == self.server.path:
            self._begin(HTTPStatus.SEE_OTHER, "text/plain", location=f"{self.server.path}?{self.server.version}")
        elif place.path == f"{self.server.path}changes":
            self._begin(HTTPStatus.OK, "text/event-stream")
            self._send_changes()
        else:
            self._begin(HTTPStatus.NOT_FOUND, "text/plain")

    def log_message(self, *_: object) -> None:
        """Print nothing: the terminal shows results."""

    def _begin(self, status: HTTPStatus, kind: str, *, location: str = "") -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        for name, value in (headers | ({"Location": location} if location else {})).items():
            self.send_header(name, value)
        self.end_headers()

    def _send_changes(self) -> None:
        """Send the version that is shown, and each later one, until the browser disconnects."""
        sent = 0
        with suppress(OSError):
            while True:
                version = self.server.version_after(sent)
                self.wfile.write(b":\n\n" if version == sent else f"data: {version}\n\n".encode("ascii"))
                self.wfile.flush()
                sent = version
