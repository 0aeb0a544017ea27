"""An API played byte by byte: what pinecone-sim is too well-behaved for.

Each path has a scene: a function that is given the connection and how often the path was asked for
before. It sends what it likes, and says whether the connection can be used again.
"""
import socket
import struct
import threading
import time


class Connection:
    """One TCP (or TLS) connection to a client, as a scene sees it."""

    def __init__(self, stream, server):
        self.stream = stream
        self.server = server
        self.unread = b""

    def send(self, data):
        """False: the client is gone."""
        try:
            self.stream.sendall(data)
            return True
        except OSError:
            return False

    def reset(self):
        """Close so that the client gets a RST rather than an end."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()

    def wait_for_end(self):
        """Say nothing more, until the client gives up or the server ends."""
        self.stream.settimeout(0.2)
        while not self.server.ended.is_set():
            try:
                if not self.stream.recv(4096):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def read_head(self):
        """Request line and headers of the next request; None at the end."""
        while b"\r\n\r\n" not in self.unread:
            try:
                data = self.stream.recv(65536)
            except OSError:
                return None
            if not data:
                return None
            self.unread += data
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        return head.decode("latin-1")


class Server:
    """Listens on loopback from the beginning of a with block to its end.

    scenes: path (without query) to scene; otherwise fallback. context: for TLS. greeting: bytes to
    send before anything is asked, and nothing else.
    """

    def __init__(self, scenes=None, fallback=None, context=None, greeting=b""):
        self.scenes = scenes or {}
        self.fallback = fallback
        self.context = context
        self.greeting = greeting
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.asked = {}   # path to number of requests
        self.targets = []  # of all requests, with their query
        self.keys = set()  # Api-Key headers that came
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)

    def accept(self):
        while not self.ended.is_set():
            try:
                stream, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        try:
            if self.context:
                stream.settimeout(600)  # nothing here waits for it
                stream = self.context.wrap_socket(stream, server_side=True)
                stream.settimeout(None)
            connection = Connection(stream, self)
            if self.greeting:
                connection.send(self.greeting)
                connection.wait_for_end()
            while not self.ended.is_set():
                head = connection.read_head()
                if head is None or not self.play(connection, head):
                    break
        except OSError:
            pass
        finally:
            try:
                stream.close()
            except OSError:
                pass

    def play(self, connection, head):
        lines = head.split("\r\n")
        target = lines[0].split(" ")[1]
        path = target.split("?")[0]
        with self.lock:
            count = self.asked.get(path, 0)
            self.asked[path] = count + 1
            self.targets.append(target)
            self.keys.update(line.split(":", 1)[1].strip() for line in lines
                             if line.lower().startswith("api-key:"))
        scene = self.scenes.get(path, self.fallback)
        if scene is None:
            return connection.send(plain(404, b'{"error":{"message":"no such scene"}}'))
        return scene(connection, count)

    def count(self, path):
        with self.lock:
            return self.asked.get(path, 0)


# --- what to send --------------------------------------------------------------------------------

def plain(status, body=b"", headers=(), reason="Reason", version="1.1", length=None):
    """The bytes of an answer."""
    lines = [f"HTTP/{version} {status} {reason}", *headers]
    if length is None:
        length = len(body)
    if length >= 0:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# --- scenes --------------------------------------------------------------------------------------

def says(*arguments, **keywords):
    """Always this answer, on a connection that stays."""
    data = plain(*arguments, **keywords)
    return lambda connection, count: connection.send(data)


def says_and_ends(data):
    """Just these bytes, and then an orderly end."""
    def scene(connection, count):
        connection.send(data)
        return False
    return scene


def resets_after(data):
    def scene(connection, count):
        connection.send(data)
        connection.reset()
        return False
    return scene


def silent_after(data):
    def scene(connection, count):
        connection.send(data)
        connection.wait_for_end()
        return False
    return scene


def drips(data, every):
    """A byte each so many seconds, for as long as somebody listens."""
    def scene(connection, count):
        for byte in data:
            if connection.server.ended.wait(every) or not connection.send(bytes([byte])):
                break
        return False
    return scene


def floods(head, piece, times):
    """A lot of bytes, for as long as somebody takes them."""
    def scene(connection, count):
        connection.send(head)
        for _ in range(times):
            if not connection.send(piece):
                break
        return False
    return scene


def after(seconds, scene):
    def late(connection, count):
        time.sleep(seconds)
        return scene(connection, count)
    return late


def in_turn(*scenes):
    """The first for the first request, and so on; the last one for all that come after."""
    return lambda connection, count: scenes[min(count, len(scenes) - 1)](connection, count)
