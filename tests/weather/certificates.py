"""A certificate authority of the test's own, and what can be wrong with what it signs."""
import pathlib
import ssl
import subprocess


def openssl(*words, directory):
    subprocess.run(["openssl", *words], cwd=directory, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


class Authority:
    """In a directory: ca.pem, and NAME.pem and NAME.key of what it signed."""

    def __init__(self, directory, name="weather test"):
        self.directory = pathlib.Path(directory)
        self.make_key("ca")
        openssl("req", "-x509", "-key", "ca.key", "-subj", f"/CN={name}", "-days", "2",
                "-addext", "basicConstraints=critical,CA:true", "-out", "ca.pem",
                directory=self.directory)

    @property
    def file(self):
        return str(self.directory / "ca.pem")

    def make_key(self, name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                f"{name}.key", directory=self.directory)

    def sign(self, name, names="IP:127.0.0.1,DNS:localhost", days=2):
        """A certificate for these names; with 0 days it is over at once (-1 isn't always taken)."""
        self.make_key(name)
        (self.directory / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr",
                directory=self.directory)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext", "-out",
                f"{name}.pem", directory=self.directory)
        return self.context(name)

    def sign_itself(self, name):
        self.make_key(name)
        openssl("req", "-x509", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "2",
                "-addext", "subjectAltName=IP:127.0.0.1", "-out", f"{name}.pem",
                directory=self.directory)
        return self.context(name)

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        return context
