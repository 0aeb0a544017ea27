"""An answer that has run out: one question to the API, compared with asking it by other means."""
import os
import shutil
import statistics
import subprocess

import ground

# As short as an answer may hold: each read after PAUSE has to ask. By then pinefs has also looked
# who is watching, which it does a little more than a TTL after the last message.
SHORT = 0.02
PAUSE = 100  # ms
JOBS = 50


def for_short(seconds=SHORT):
    return "--ttl", seconds, "--ttl-final", seconds


# 100 polls at one a second, while an answer holds for 5 s, in a fortieth of the time.
POLLS = 100
TICK = 0.025
POLL_TTL = 0.125

PIPELINE = 'curl -sS -H "Api-Key: $PINECONE_API_KEY" "$1" | jq -r .status'
LOOP = """
tick() { local now=${EPOCHREALTIME/[.,]/}; ((next += $1)); ((next <= now)) ||
	read -rt "$(printf '0.%06d' $((next - now)))" <>"$fifo" || :; }
next=${EPOCHREALTIME/[.,]/}; polls=$1 step=$2 fifo=$3; shift 3
for ((i = 0; i < polls; i++)); do BODY; tick "$step"; done
"""


def against_libcurl(setup):
    simulator = ground.Simulator(setup, "--jobs", JOBS, "--pending", 0)
    jobs = simulator.ids(JOBS)

    def sides_of(mount):
        return [side for job in jobs for side in (f"{simulator.url}/restore-jobs/{job}",
                                                  mount.status(job))]

    # A read is several messages, and what the first has fetched must hold until the last: of the
    # slowest read, too, in the middle of which the processor was taken from us.
    probe = ground.Mount.of(setup, simulator, *for_short())
    slowest = max(slow for _, _, slow in setup.numbers("warm", "get", "path", 3, PAUSE,
                                                       *sides_of(probe)))
    holds = max(SHORT, 10 * slowest / 1e9)
    pause = max(PAUSE, round(5000 * holds))
    sides = sides_of(ground.Mount.of(setup, simulator, *for_short(holds)))
    control = simulator.url + "/_sim/jobs"
    rounds = setup.few(15, 2)
    other = "warm libcurl GET"
    alone = f"one open+read+close every {pause / 1000:g} s"
    for name, kind, how, count, bound in (
            ("uncached open+read+close, unchanged", ["get"], "path", JOBS, 1.5),
            ("uncached open+read+close, changed", ["change", control], "path", JOBS, 2.2),
            ("uncached read of an open file, unchanged", ["get"], "open", JOBS, 1.5),
            ("uncached read of an open file, changed", ["change", control], "open", JOBS, 2.2),
            (f"{alone}, unchanged", ["get"], "path", 1, None),
            (f"{alone}, changed", ["change", control], "path", 1, None)):
        ground.time.sleep(pause / 1000)
        simulator.forget()
        times = setup.numbers("warm", *kind, how, rounds, pause, *sides[:2 * count])
        pairs = [(read / 1000, get / 1000) for get, read, _ in times]
        yield ground.Figure.of_pairs(name, pairs, other, bound)
        gets = count * (rounds + 1)
        reads = gets + (count if how == "open" else 0)  # what opens it asks, too
        yield ground.Figure(name + ": requests of each read",
                            (simulator.requests()["total"] - gets) / reads, bound=1, rounds=rounds)


def client_directory(setup):
    """Where the official client is; installed by its own suite if it must be. None without."""
    directory = setup.build / "tests/peer/client"
    if not (directory / "node_modules").exists():
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run([here + "/../peer/run", directory], stdout=subprocess.DEVNULL,
                       env={**os.environ, "PINEFS_SIM": setup.program("pinecone-sim")})
    return directory if (directory / "node_modules").exists() and shutil.which("node") else None


class Contest:
    """The same question by cat, by curl | jq, and by the official client."""

    def __init__(self, setup):
        self.simulator = ground.Simulator(setup, "--jobs", 3, "--pending", 3, "--restore-time",
                                          3600)
        self.setup = setup
        self.job = self.simulator.ids(1)[0]
        self.url = f"{self.simulator.url}/restore-jobs/{self.job}"
        self.client = None if setup.smoke else client_directory(setup)
        self.pause = PAUSE / 1000
        self.fifo = setup.make_directory("fifo") + "/fifo"
        os.mkfifo(self.fifo)

    def node(self, polls, tick):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "poll.js")
        return ("node", script, str(self.client), self.simulator.url, self.job, str(polls),
                str(tick))

    def bash(self, body, polls, tick, *args):
        return ("bash", "-c", LOOP.replace("BODY", body), "bench", str(polls),
                str(round(tick * 1e6)), self.fifo, *args)

    def take(self, command, mount=None):
        """seconds, seconds of processor, requests, connections"""
        before = mount.cpu() if mount else 0
        connected = self.count_connections(mount)
        self.simulator.forget()
        used = ground.Used(*command)
        ground.time.sleep(self.pause)
        requests = self.simulator.requests()
        if mount:
            used.cpu += mount.cpu() - before
            requests["connections"] = self.count_connections(mount) - connected
        return used.time, used.cpu, requests["total"], requests["connections"]

    @staticmethod
    def count_connections(mount):
        if not mount:
            return 0
        with open(mount.path + "/.pinefs/stats") as file:
            return sum(float(line.split()[1]) for line in file
                       if line.startswith("pinefs_http_connections_total"))

    def rows(self, title, rounds, others):
        for i, other in enumerate(others, 1):
            for which, what, scale, unit in ((0, "time", 1000, "ms"), (1, "processor", 1000, "ms"),
                                             (2, "requests", 1, ""), (3, "new connections", 1, "")):
                pairs = [(results[0][which] * scale, results[i][which] * scale)
                         for results in rounds]
                if not unit:
                    yield ground.Figure(f"{title}: {what}",
                                        statistics.median(ours for ours, _ in pairs), other,
                                        statistics.median(theirs for _, theirs in pairs), 1,
                                        rounds=len(pairs))
                else:
                    bound = 1 if what == "processor" or title.startswith("one") else None
                    yield ground.Figure.of_pairs(f"{title}: {what}", pairs, other, bound, unit)

    def one_poll(self):
        # What the first message of a cat has fetched must hold until its last.
        probe = ground.Mount.of(self.setup, self.simulator, *for_short())
        slowest = max(ground.Used("cat", probe.status(self.job)).time for _ in range(3))
        holds = max(SHORT, 10 * slowest)
        self.pause = max(self.pause, 5 * holds)
        mount = ground.Mount.of(self.setup, self.simulator, *for_short(holds))
        path = mount.status(self.job)
        ground.Used("cat", path)
        ground.time.sleep(self.pause)
        others = ["curl | jq"] + ["official client"] * bool(self.client)
        rounds = []
        for _ in range(self.setup.rounds):
            results = [self.take(("cat", path), mount),
                       self.take(("bash", "-c", PIPELINE, "bench", self.url))]
            if self.client:
                results.append(self.take(self.node(1, 0)))
            rounds.append(results)
        yield from self.rows("one poll", rounds, others)

    def many_polls(self):
        mount = ground.Mount.of(self.setup, self.simulator, "--ttl", POLL_TTL)
        path = mount.status(self.job)
        polls = self.setup.few(POLLS, 4)
        others = ["curl | jq"] + ["official client"] * bool(self.client)
        rounds = []
        for _ in range(self.setup.few(7, 1)):
            results = [self.take(self.bash('cat "$1"', polls, TICK, path), mount),
                       self.take(self.bash(PIPELINE, polls, TICK, self.url))]
            if self.client:
                results.append(self.take(self.node(polls, TICK)))
            rounds.append(results)
        yield from self.rows("100 polls", rounds, others)


def figures(setup):
    yield from against_libcurl(setup)
    contest = Contest(setup)
    yield from contest.one_poll()
    yield from contest.many_polls()
