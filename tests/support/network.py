"""A TCP link that can be cut: what is sent meanwhile waits, as in a network that is split."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_BLOCK_BYTES = 1 << 16


@dataclass
class Link:
    """Leads from ``port`` on the loopback to a server there; ``held`` counts what had to wait."""

    target: int
    listener: socket.socket
    open: threading.Event = field(default_factory=threading.Event)
    held: int = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.listener.getsockname()[1]
        return port

    def cut(self) -> None:
        """Let nothing through any more, and close nothing."""
        self.open.clear()

    def mend(self) -> None:
        """Let everything through, what waited too."""
        self.open.set()

    def serve(self) -> None:
        """Lead every connection through until the listener is closed."""
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(near,), daemon=True).start()

    def _lead(self, near: socket.socket) -> None:
        self.open.wait()
        with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as far:
            back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
            back.start()
            self._pump(near, far)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_BLOCK_BYTES):
                self.held += not self.open.is_set()
                self.open.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def link_to(port: int) -> Iterator[Link]:
    """Open a link to a server on the loopback; it is mended and closed when the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = Link(port, listener)
        link.mend()
        thread = threading.Thread(target=link.serve, daemon=True)
        thread.start()
        try:
            yield link
        finally:
            link.mend()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
