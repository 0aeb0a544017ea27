"""nginx with TLS in front of another server, for the length of a with block."""
import os
import pathlib
import shutil
import socket
import subprocess
import time

from mount import SLOWER, until

CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/error;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    log_format told '$connection $server_protocol $status $request_uri';
    access_log {directory}/access told;
    server {{
        listen 127.0.0.1:{port} ssl {protocol};
        ssl_certificate {certificate}.pem;
        ssl_certificate_key {certificate}.key;
        keepalive_requests {requests};
        # Whatever ends a connection or a wait is the test's own.
        keepalive_timeout 1h;
        client_header_timeout 1h;
        client_body_timeout 1h;
        send_timeout 1h;
        proxy_read_timeout 1h;
        location / {{
            proxy_pass {behind};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


def find():
    """The program; /usr/sbin isn't in everybody's PATH."""
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Nginx:
    """certificate: path of NAME.pem and NAME.key without the ending."""

    def __init__(self, directory, behind, certificate, http2=True, requests=100000):
        self.directory = pathlib.Path(directory) / f"nginx-{time.monotonic_ns()}"
        self.directory.mkdir()
        self.settings = {"directory": self.directory, "protocol": "http2" if http2 else "",
                         "certificate": certificate, "requests": requests, "behind": behind}
        self.choose_port()

    def choose_port(self):
        self.port = free_port()
        (self.directory / "conf").write_text(
            CONFIGURATION.format(port=self.port, **self.settings))

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(
            [find(), "-c", str(self.directory / "conf"), "-e", str(self.directory / "error")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: self.listens() or self.process.poll() is not None, 20)
        return self.listens()

    def listens(self):
        """nginx writes the number of its process once the port is its own: not if another's is."""
        return self.process.poll() is None and (self.directory / "pid").exists()

    def stop(self):
        self.process.terminate()
        self.process.wait(20 * SLOWER)

    def __enter__(self):
        # Somebody else may take a free port before nginx does.
        for _ in range(5):
            if self.start():
                return self
            self.stop()
            self.choose_port()
        raise RuntimeError((self.directory / "error").read_text())

    def __exit__(self, *_):
        self.stop()

    def log(self):
        """Of each request: number of its connection, protocol, status, target."""
        return [tuple(line.split(" ")) for line in
                (self.directory / "access").read_text().splitlines()]
