"""Backups, indexes and collections beside restore jobs: what a whole project costs, what the kinds
cost each other, and what an object of each takes."""
import os

import ground

PROJECT = {"restore-jobs": 1000, "backups": 200, "indexes": 20, "collections": 5}
SMALL = {"restore-jobs": 150, "backups": 120, "indexes": 5, "collections": 2}
HOLDS = ("--ttl", 86400, "--ttl-ready", 86400, "--ttl-final", 86400)
ALL = ",".join(PROJECT)
MANY = 100000  # jobs beside which the indexes are listed
LARGE = {"backups": 10000, "indexes": 10000, "collections": 1000}  # for the memory of one
SHORT = 0.1  # seconds that an answer holds, where each listing shall ask


def simulator_of(setup, project):
    """With as many objects of each kind; none of them changes any more."""
    options = [word for kind, number in project.items()
               for word in ("--" + kind.replace("restore-", ""), number)]
    return ground.Simulator(setup, *options, "--pending", 0)


def walk(setup, simulator, kinds):
    """ms and number of pages of these lists, by libcurl."""
    walks = [setup.numbers("warm", "walk", f"{simulator.url}/{kind}")[0] for kind in kinds]
    return sum(time for time, _ in walks) / 1e6, sum(pages for _, pages in walks)


def list_and_read(mount, kinds):
    """ms of an `ls` of all these, and of reading all files in them then."""
    paths = [f"{mount.path}/{kind}" for kind in kinds]
    return (ground.Used("ls", *paths).time * 1000,
            ground.Used("grep", "-rc", "", *paths).time * 1000)


def whole_project(setup):
    project = SMALL if setup.smoke else PROJECT
    simulator = simulator_of(setup, project)
    rounds = []
    for _ in range(setup.rounds):
        mount = ground.Mount.of(setup, simulator, *HOLDS, kinds=ALL)
        simulator.forget()
        ls, read = list_and_read(mount, project)
        requests = simulator.requests()["total"]
        mount.stop()
        rounds.append((ls, read, requests, *walk(setup, simulator, project)))
    title = f"everything of a project, {sum(project.values()):,} objects"
    yield ground.Figure(title + ": requests", max(row[2] for row in rounds), "pages",
                        rounds[0][4], 1, rounds=len(rounds))
    yield ground.Figure.of_pairs(title + ": first ls", [(row[0], row[3]) for row in rounds],
                                 "lists by libcurl", unit="ms")
    yield ground.Figure.of_pairs(title + ": all files read", [row[1::-1] for row in rounds],
                                 "first ls", unit="ms")


def use(setup, simulator, kinds):
    """A new mount, all of which is listed and read: requests, KiB when idle, and KiB after."""
    simulator.forget()
    mount = ground.Mount.of(setup, simulator, *HOLDS, kinds=",".join(kinds))
    idle = mount.memory() / 1024
    ground.Used("ls", "-R", mount.path)
    ground.Used("grep", "-rc", "", mount.path)
    requests = simulator.requests()
    after = mount.memory() / 1024
    mount.stop()
    return requests, idle, after


def jobs_alone(setup):
    """Who wants restore jobs alone pays for nothing else, in requests and in memory."""
    project = SMALL if setup.smoke else PROJECT
    simulator = simulator_of(setup, project)
    rounds = [(use(setup, simulator, ["restore-jobs"]), use(setup, simulator, project))
              for _ in range(setup.few(5, 1))]
    counts = [requests for (requests, _, _), _ in rounds]
    title = f"--kinds restore-jobs, {project['restore-jobs']:,} of them: "
    yield ground.Figure(title + "requests", max(count["total"] for count in counts),
                        "check, and pages", 1 + walk(setup, simulator, ["restore-jobs"])[1], 1,
                        rounds=len(rounds))
    yield ground.Figure(title + "requests for others", bound=0, rounds=len(rounds),
                        ours=max(count["total"] - count["paths"]["/restore-jobs"]
                                 for count in counts))
    for i, what in (1, "resident memory, idle"), (2, "resident memory, all read"):
        yield ground.Figure.of_pairs(title + what, [(alone[i], every[i]) for alone, every in rounds],
                                     "all kinds", unit="KiB")


def time_listing(path):
    """us"""
    begun = ground.time.perf_counter()
    names = os.listdir(path)
    ended = ground.time.perf_counter()
    if not names:
        raise RuntimeError(f"{path}: nothing there")
    return (ended - begun) * 1e6


def compare_listings(setup, beside, without):
    """Of the indexes, each of which has to ask."""
    pairs = []
    for i in range(setup.few(40, 3)):
        ground.time.sleep(2 * SHORT)
        times = {mount: time_listing(mount.path + "/indexes")
                 for mount in ((beside, without) if i % 2 else (without, beside))}
        pairs.append((times[beside], times[without]))
    return pairs


def beside_many(setup):
    """One simulator for both mounts, so that the difference is what the jobs cost in pinefs."""
    indexes, jobs = PROJECT["indexes"], setup.few(MANY, 200)
    simulator = simulator_of(setup, {"restore-jobs": jobs, "indexes": indexes})
    beside, without = (ground.Mount.of(setup, simulator, "--ttl", SHORT, "--ttl-ready", 86400,
                                       "--ttl-final", 86400, kinds=ALL) for _ in range(2))
    ground.Used("ls", beside.jobs)
    simulator.forget()
    title = f"ls of {indexes} indexes beside {jobs:,} jobs, latency "
    for latency, bound in (0, None), (0.02, 1.05):
        simulator.control("POST", "/_sim/faults", {"match": "indexes", "delay": latency})
        yield ground.Figure.of_pairs(f"{title}{latency * 1000:.0f} ms",
                                     compare_listings(setup, beside, without), "without them",
                                     bound)
        simulator.control("DELETE", "/_sim/faults")
    asked = simulator.requests()
    yield ground.Figure("requests for others during that",
                        asked["total"] - asked["paths"]["/indexes"], bound=0)


def memory(setup, kind, number):
    """Of one object whose files have all been read, and the bytes that the API sent of it."""
    simulator = simulator_of(setup, {"restore-jobs": 0, kind: number})
    mount = ground.Mount.of(setup, simulator, *HOLDS, kinds=kind)
    idle = mount.memory()
    list_and_read(mount, [kind])
    taken = (mount.memory() - idle) / number
    directory = f"{mount.path}/{kind}"
    sent = sum(os.stat(f"{directory}/{name}/raw.json").st_size for name in os.listdir(directory))
    mount.stop()
    simulator.stop()
    yield ground.Figure(f"{number:,} {kind}: resident memory of one, all read", taken,
                        "its raw.json", sent / number, unit="B")


def figures(setup):
    yield from whole_project(setup)
    yield from jobs_alone(setup)
    yield from beside_many(setup)
    for kind, number in LARGE.items():
        yield from memory(setup, kind, setup.few(number, 150))
