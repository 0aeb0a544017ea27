"""A mount for the length of a with block, and readers as a user has them."""
import errno
import os
import shutil
import signal
import subprocess
import tempfile
import time

ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.startswith("PINECONE_") and not name.lower().endswith("_proxy")
               and name != "CREDENTIALS_DIRECTORY"} | {"LC_ALL": "C"}
KEY = "pcsk_weather"
MEMCHECK = "PINEFS_MEMCHECK" in os.environ
# So many times as slow as a quick machine: see private. What has to happen in time has so much more.
SLOWER = int(os.environ.get("PINEFS_PATIENCE", 1))
# The memory of a process isn't the program's alone: a sanitizer or valgrind is in it, too.
SHARES_MEMORY = "asan" in os.environ["PINEFS"] or MEMCHECK


def until(condition, seconds):
    """Poll until it holds; False at the deadline."""
    end = time.monotonic() + seconds * SLOWER
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def is_mounted(directory):
    with open("/proc/self/mounts") as mounts:
        return any(line.split(" ")[1] == directory for line in mounts)


class Mount:
    """`pinefs -f OPTIONS DIRECTORY`, mounted; what went wrong at its end is in complaint."""

    def __init__(self, url, *options, environment=None, wrapper=None):
        self.url = url
        self.options = [] if "--timeout" in options else ["--timeout", str(30 * SLOWER)]
        self.options += options
        self.environment = ENVIRONMENT | {"PINECONE_API_KEY": KEY} | (environment or {})
        self.wrapper = wrapper or []
        self.complaint = ""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="pinefs-weather.")
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*self.wrapper, os.environ["PINEFS"], "-f", "--api-url", self.url, *self.options,
             self.directory],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        # Between mount(2) and the kernel's first message an unmount is a mount that failed.
        if not until(self.is_serving_or_dead, 30) or self.process.poll() is not None:
            said = self.logged()
            self.__exit__()
            raise RuntimeError(f"not mounted: {said}")
        return self

    def is_serving_or_dead(self):
        return "mounted on" in self.logged() or self.process.poll() is not None

    def logged(self):
        # Not by seek: the daemon writes where the descriptor that we share stands.
        return os.pread(self.log.fileno(), 1 << 24, 0).decode("latin-1")

    def __exit__(self, *_):
        # Somebody may be on it still: a reader that is about to end.
        until(lambda: not is_mounted(self.directory) or not subprocess.run(
            ["fusermount3", "-u", self.directory], stderr=subprocess.DEVNULL).returncode, 10)
        try:
            status = self.process.wait(20 * SLOWER)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if is_mounted(self.directory):
            subprocess.run(["fusermount3", "-uz", self.directory], stderr=subprocess.DEVNULL)
        if status:
            self.complaint = f"the daemon ended with {status}: {self.logged()[-3000:]}"
        self.log.close()
        try:
            os.rmdir(self.directory)
        except OSError as error:
            self.complaint = self.complaint or str(error)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def job(self, job, file="status"):
        return self.path("restore-jobs", job, file)

    def stats(self):
        """The figures of .pinefs/stats by name, with the label as it stands there."""
        with open(self.path(".pinefs", "stats")) as file:
            return {name: float(value) for name, value in
                    (line.rsplit(" ", 1) for line in file if line[0] != "#")}

    def memory(self):
        """Resident and its own, in KiB: pages of the program and of libraries come as they are used."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("RssAnon:"))


class Result:
    """What a program that was started on the mount came to."""

    def __init__(self, status, output, error, seconds):
        self.status = status
        self.output = output
        self.error = error    # what it wrote to stderr
        self.seconds = seconds

    @property
    def errno(self):
        """The name of the error that it met; "" if it succeeded, "?" if it is none we know."""
        if self.status == 0:
            return ""
        said = self.error.strip().rsplit(": ", 1)[-1]
        return next((name for number, name in errno.errorcode.items()
                     if os.strerror(number) == said), f"? ({self.status}: {self.error.strip()})")


def run(command, patience):
    """Run it. A program that doesn't end in time is killed, and its errno is "stuck"."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=ENVIRONMENT)
    try:
        output, error = process.communicate(timeout=patience * SLOWER)
        status = process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        try:
            process.communicate(timeout=10 * SLOWER)
            output, error, status = b"", "killed: it took too long", -1
        except subprocess.TimeoutExpired:
            output, error, status = b"", "stuck: not even SIGKILL ends it", -2
    if isinstance(error, bytes):
        error = error.decode("latin-1")
    return Result(status, output, error, time.monotonic() - begun)


def cat(path, patience=30):
    return run(["cat", path], patience)


def attribute(path, name):
    try:
        return os.getxattr(path, f"user.pinefs.{name}").decode()
    except OSError as error:
        return error.strerror


def have(*programs):
    return all(shutil.which(program) for program in programs)
