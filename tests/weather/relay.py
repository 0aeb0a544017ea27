"""A relay of TCP connections on loopback, some of which die without a word."""
import ctypes
import os
import select
import socket
import struct
import threading

from tap import Skip

SO_ATTACH_FILTER = 26


def drop_packets(stream):
    """What comes for this socket isn't even acknowledged from now on: a filter takes no byte."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # return 0
    try:
        stream.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                          struct.pack("HL", 1, ctypes.addressof(program)))
    except PermissionError as error:
        if os.geteuid() == 0:
            raise
        raise Skip("the kernel lets no ordinary user drop packets here") from error


class Relay:
    """To 127.0.0.1:PORT, for the length of a with block. Those who come later are served again."""

    def __init__(self, port):
        self.behind = port
        self.pairs = []  # of sockets: the client's and the server's
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.accepted = 0

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self.behind)) as server:
            with self.lock:
                self.pairs.append((client, server))
            try:
                self.forward(client, server)
            except OSError:
                pass
            with self.lock:
                if (client, server) in self.pairs:
                    self.pairs.remove((client, server))

    def forward(self, client, server):
        while True:
            for end in select.select([client, server], [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                if (client, server) in self.pairs:
                    (server if end is client else client).sendall(data)

    def fall_silent(self):
        """What comes is acknowledged, and that is all."""
        with self.lock:
            self.pairs.clear()

    def vanish(self):
        """As if the other side, or a NAT between, had never heard of these connections."""
        with self.lock:
            for client, _ in self.pairs:
                drop_packets(client)
            self.pairs.clear()
