# SPDX-License-Identifier: Apache-2.0
"""Listens where programs send their logs: /dev/log and the journal's sockets of a sandbox."""

import os
import socket
import threading
import time


class Sink:
    """A datagram socket that keeps what it is told."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path):
            os.unlink(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.path = path
        self.marks = 0
        self.heard = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            self.heard.append(self.socket.recv(1 << 16))

    def take(self):
        """What came since the last call: all that was sent before this one, for it is a queue."""
        self.marks += 1
        mark = f"mark {self.marks}".encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(mark, self.path)
        end = time.monotonic() + 10
        while mark not in self.heard:
            assert time.monotonic() < end, "the sink does not read"
            time.sleep(0.001)
        count = self.heard.index(mark)
        taken = self.heard[:count]
        del self.heard[:count + 1]
        return taken
