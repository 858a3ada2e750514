"""Servers that speak S3: moto over HTTP, and whatever ``S3_ENDPOINT_URL`` names.

moto is a stand-in. It checks no signature, no checksum and no POST policy, and says of every unfinished upload that
it began in 2010; what depends on these is proved only at a real endpoint. Between it and a client a `Proxy` can be
put, which fails as real servers and networks do.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from pydantic import SecretStr

from cluster.settings import AddressingStyle, S3Settings
from cluster.storage.s3_client import open_client

SECRET = "not-to-be-shown-anywhere"  # noqa: S105 - moto takes any


@contextlib.contextmanager
def moto_server() -> Iterator[S3Settings]:
    """Run moto on a free port of the loopback; give settings of a fresh bucket on it, addressed by path."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield new_bucket(
            S3Settings(
                access_key_id="moto",
                secret_access_key=SecretStr(SECRET),
                endpoint_url=f"http://{host}:{port}",
                addressing_style=AddressingStyle.PATH,
            )
        )
    finally:
        server.stop()


@contextlib.contextmanager
def named_endpoint() -> Iterator[S3Settings]:
    """Give settings of the endpoint that the environment names: of its bucket, or else of a fresh one."""
    settings = S3Settings(_env_prefix="NAMED_S3_")  # tests/conftest.py renames them, so that no other test is meant
    if settings.bucket_name is not None:
        yield settings
        return
    settings = new_bucket(settings)
    try:
        yield settings
    finally:
        open_client(settings).delete_bucket(Bucket=str(settings.bucket_name))


def new_bucket(settings: S3Settings) -> S3Settings:
    """Make a bucket on the server that ``settings`` name, and give settings that name it too."""
    bucket = f"vibecraft-tests-{uuid.uuid4().hex[:12]}"
    open_client(settings).create_bucket(Bucket=bucket)
    return settings.model_copy(update={"bucket_name": bucket})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as it came; ``operation`` is S3's name for it."""

    method: str
    path: str
    headers: Message
    body: bytes = field(repr=False)

    @property
    def operation(self) -> str:
        """Tell what is asked, as far as the tests ask it."""
        parts = urlsplit(self.path)
        if "list-type=2" in parts.query:
            return "ListObjectsV2"
        if "partNumber=" in parts.query:
            return "UploadPart"
        if "uploads" in parts.query.split("&") and self.method == "POST":
            return "CreateMultipartUpload"
        if "uploadId=" in parts.query:
            return {"POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}.get(self.method, "ListParts")
        return {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject"}.get(self.method, self.method)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; with ``cut_at`` the connection breaks after so many bytes of the body."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    cut_at: int | None = None

    @classmethod
    def error(cls, status: int, code: str) -> Answer:
        """Make an error as S3 words it."""
        body = f"<Error><Code>{code}</Code><Message>It says {SECRET}</Message></Error>".encode()
        return cls(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))], body)


Forward = Callable[[Asked], Answer]


@dataclass
class Proxy:
    """A server that hands requests on, unless ``between`` answers in another way; ``asked`` are all that came."""

    settings: S3Settings
    between: Callable[[Asked, Forward], Answer] = lambda asked, forward: forward(asked)
    asked: list[Asked] = field(default_factory=list)

    def operations(self) -> list[str]:
        """Tell the names of what was asked, in order."""
        return [asked.operation for asked in self.asked]


@contextlib.contextmanager
def proxy_of(settings: S3Settings) -> Iterator[Proxy]:
    """Run a proxy before the server of ``settings``; give it with settings that lead through it."""
    upstream = str(urlsplit(str(settings.endpoint_url)).netloc)

    def forward(asked: Asked) -> Answer:
        connection = http.client.HTTPConnection(upstream, timeout=60)
        try:
            changed = {"expect", "content-length"}
            headers = {name: value for name, value in asked.headers.items() if name.lower() not in changed}
            connection.request(asked.method, asked.path, asked.body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle_one_request()
                return
            self.close_connection = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, self.headers, body)
            proxy.asked.append(asked)
            answer = proxy.between(asked, forward)
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                if name.lower() not in {"connection", "transfer-encoding"}:
                    self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[: answer.cut_at])
            if answer.cut_at is not None:
                self.close_connection = True

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing of requests on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    address = f"http://127.0.0.1:{server.server_address[1]}"
    proxy = Proxy(settings.model_copy(update={"endpoint_url": address}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
