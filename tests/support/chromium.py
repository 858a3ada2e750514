"""A page in a headless Chromium that tells what a script in it found."""

from __future__ import annotations

import json
import queue
import shutil
import signal
import subprocess
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # it cannot be had by root, and the page is ours
    "--disable-gpu",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
)
_PAGE = """<!doctype html><video id=film muted playsinline></video><script>
const told = async () => {{ {script} }};
const tell = (found) => fetch("/told", {{method: "POST", body: JSON.stringify(found)}});
told().then(tell, (error) => tell({{error: String(error)}}));
</script>"""


def chromium() -> str:
    """Give the program; `LookupError` says what to install."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise LookupError("this test plays films in Chromium; install it (Debian: apt-get install chromium)")
    return found


def ask_page(script: str, files: dict[str, Path], profile: Path, limit_s: float = 120.0) -> dict[str, Any]:
    """Run an async JavaScript body in a page that can load ``files`` by name, and give what it returns."""
    told: queue.Queue[dict[str, Any]] = queue.Queue()
    handler = partial(_Handler, _PAGE.format(script=script), files, told)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        command = [chromium(), *_FLAGS, f"--user-data-dir={profile}", address]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
            try:
                return told.get(timeout=limit_s)
            finally:
                browser.send_signal(signal.SIGTERM)
                server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    """Serves the page and the files, in the byte ranges that a player asks for."""

    protocol_version = "HTTP/1.1"

    def __init__(self, page: str, files: dict[str, Path], told: queue.Queue[dict[str, Any]], *rest: Any) -> None:
        self._page = page
        self._files = files
        self._told = told
        super().__init__(*rest)

    def do_GET(self) -> None:
        file = self._files.get(self.path.lstrip("/"))
        body = self._page.encode() if file is None else file.read_bytes()
        start, end = 0, len(body)
        asked = self.headers.get("Range")
        if asked and file is not None:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(end, int(last) + 1) if last else end
        self.send_response(206 if asked and file is not None else 200)
        self.send_header("Content-Type", "text/html" if file is None else "video/mp4")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
        self.end_headers()
        self.wfile.write(body[start:end])

    def do_POST(self) -> None:
        self._told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""
