"""What every group of figures stands on: the programs, a simulator, a mount, a figure."""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

KEY = "pcsk_bench"
PATIENCE = 60  # seconds until something that must happen is taken for failed
NO_LIMIT = ("--max-rate", "1000000")
PLACES = {"pinefs": "src/pinefs", "pinecone-sim": "src/sim/pinecone-sim",
          "burst": "tests/bench/bench-burst", "cached": "tests/bench/bench-cached",
          "warm": "tests/bench/bench-warm"}


def programs(build):
    """The paths of all that is built for the figures."""
    return [build / place for place in PLACES.values()]


# A daemon that outlives us would keep its mount.
WITH_US = ("setpriv", "--pdeathsig", "TERM")


class Setup:
    """Where the programs are, how much is measured, and what must be undone at the end."""

    def __init__(self, build, smoke, million):
        self.build = pathlib.Path(build).resolve()
        self.smoke = smoke
        self.million = million
        self.rounds = 2 if smoke else 9
        self.undo = contextlib.ExitStack()
        # On a tmpfs, since that is what is compared with.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pinefs-bench.", dir="/dev/shm"))
        os.environ["PINECONE_API_KEY"] = KEY

    def clean(self):
        self.undo.close()
        shutil.rmtree(self.directory)

    def program(self, name):
        return str(self.build / PLACES[name])

    def few(self, normal, smoke):
        return smoke if self.smoke else normal

    def make_directory(self, name):
        return tempfile.mkdtemp(prefix=name + ".", dir=self.directory)

    def numbers(self, name, *args):
        """Lines of numbers that one of the C programs prints."""
        done = subprocess.run([self.program(name), *map(str, args)], check=True,
                              stdout=subprocess.PIPE, text=True)
        return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


def wait_until(what, condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.01)


def end_process(process):
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Simulator:
    def __init__(self, setup, *args):
        self.process = subprocess.Popen(
            [setup.program("pinecone-sim"), "--die-with-parent", *map(str, args)],
            stdout=subprocess.PIPE, text=True)
        setup.undo.callback(self.stop)
        self.url = self.process.stdout.readline().strip()

    def control(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def ids(self, count):
        """Of the first jobs; asked without the mount, and not counted."""
        ids, query = [], "limit=100"
        while len(ids) < count:
            request = urllib.request.Request(f"{self.url}/restore-jobs?{query}",
                                             headers={"Api-Key": KEY})
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                page = json.load(answer)
            ids += [job["restore_job_id"] for job in page["data"]]
            if not page["pagination"]:
                break
            query = "paginationToken=" + urllib.parse.quote(page["pagination"]["next"])
        self.forget()
        return ids[:count]

    def forget(self):
        self.control("DELETE", "/_sim/requests")

    def requests(self):
        return self.control("GET", "/_sim/requests")

    def stop(self):
        if self.process.poll() is None:
            end_process(self.process)
        self.process.stdout.close()


class Mount:
    def __init__(self, setup, *args):
        self.path = setup.make_directory("mount")
        self.process = subprocess.Popen(
            [*WITH_US, setup.program("pinefs"), "-f", *map(str, args), self.path],
            stderr=subprocess.DEVNULL)
        setup.undo.callback(self.stop)
        wait_until("the mount", self.is_there)

    @classmethod
    def of(cls, setup, simulator, *args, kinds="restore-jobs"):
        """Most figures are about jobs alone, and can be compared with those of older versions."""
        return cls(setup, "--api-url", simulator.url, *NO_LIMIT, "--kinds", kinds, *args)

    def is_there(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"pinefs ended with {self.process.returncode}")
        return os.stat(self.path).st_dev != os.stat(os.path.dirname(self.path)).st_dev

    @property
    def jobs(self):
        return self.path + "/restore-jobs"

    def status(self, job):
        return f"{self.jobs}/{job}/status"

    def processes(self):
        """The daemon and its children (but not --demo's simulator)."""
        pids = [self.process.pid]
        with open(f"/proc/{pids[0]}/task/{pids[0]}/children") as file:
            for pid in file.read().split():
                with open(f"/proc/{pid}/comm") as comm:
                    if comm.read().strip() != "pinecone-sim":
                        pids.append(int(pid))
        return pids

    def cpu(self):
        """Seconds on a processor so far."""
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def status_number(self, key):
        """The sum over its processes of a number in /proc/PID/status."""
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/status") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith(key + ":"))
        return total

    def memory(self):
        """Resident bytes."""
        return 1024 * self.status_number("VmRSS")

    def switches(self):
        return self.status_number("voluntary_ctxt_switches") + self.status_number(
            "nonvoluntary_ctxt_switches")

    def stop(self):
        if self.process.poll() is None:
            # Not by unmounting: a mount namespace that was made meanwhile would still have it.
            end_process(self.process)


class Used:
    """What a command took: seconds, seconds on a processor (its children's too)."""

    def __init__(self, *command, **options):
        options.setdefault("stdout", subprocess.DEVNULL)
        begun = time.monotonic()
        process = subprocess.Popen(command, **options)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.time = time.monotonic() - begun
        self.cpu = usage.ru_utime + usage.ru_stime
        if process.returncode not in (0, -13):  # head ends and its feeder gets SIGPIPE
            raise RuntimeError(f"{command}: {process.returncode}")


class Figure:
    """
    One row of the table. bound is the largest ratio that is good; without another side it is the
    largest value of ours that is.
    """

    def __init__(self, name, ours, other_name="", other=None, bound=None, unit="", rounds=1):
        self.name, self.unit, self.other_name = name, unit, other_name
        self.ours, self.other, self.bound, self.rounds = ours, other, bound, rounds
        self.ratio = None if other is None or not other else ours / other

    @classmethod
    def of_pairs(cls, name, pairs, other_name, bound=None, unit="us"):
        """Rounds of (ours, other): each side's median, and the median of their ratios."""
        figure = cls(name, statistics.median(ours for ours, _ in pairs), other_name,
                     statistics.median(other for _, other in pairs), bound, unit, len(pairs))
        figure.ratio = statistics.median(ours / other for ours, other in pairs)
        return figure

    @property
    def ok(self):
        if self.bound is None:
            return None
        return (self.ours if self.other is None else self.ratio) <= self.bound

    def as_dict(self):
        return {"figure": self.name, "unit": self.unit, "ours": self.ours,
                "other_name": self.other_name, "other": self.other, "ratio": self.ratio,
                "bound": self.bound, "ok": self.ok, "rounds": self.rounds}
