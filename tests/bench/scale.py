"""More and more jobs: listings, reading everything, requests, memory, and how they grow."""
import math
import os

import ground

SIZES = (1000, 10000, 100000)
MILLION = 1000000
HOLDS = ("--ttl", 86400, "--ttl-final", 86400)
READ_ALL_UP_TO = 100000  # jobs; ten times as many files
SHORT_READ = 'ls -1U "$1" | head -n 1'


def first_entry(mount):
    return ground.Used("bash", "-c", SHORT_READ, "bench", mount.jobs).time


def measure(setup, simulator, jobs):
    """One mount: its first `ls`, then everything read. A dict of values."""
    values = {}
    mount = ground.Mount.of(setup, simulator, *HOLDS)
    idle = mount.memory()
    simulator.forget()
    before = mount.cpu()
    ls = ground.Used("ls", mount.jobs)
    values["ls"], values["ls cpu"] = ls.time, ls.cpu + mount.cpu() - before
    values["ls requests"] = simulator.requests()["total"]
    values["memory"] = (mount.memory() - idle) / jobs
    if jobs <= READ_ALL_UP_TO:
        before = mount.cpu()
        grep = ground.Used("grep", "-rc", "", mount.jobs)
        values["all"], values["all cpu"] = grep.time, grep.cpu + mount.cpu() - before
        values["all memory"] = (mount.memory() - idle) / jobs
    values["all requests"] = simulator.requests()["total"]
    mount.stop()
    mount = ground.Mount.of(setup, simulator, *HOLDS)
    values["head"] = first_entry(mount)
    mount.stop()
    [[walk, pages]] = setup.numbers("warm", "walk", simulator.url + "/restore-jobs")
    [[page, _]] = setup.numbers("warm", "each", simulator.url + "/restore-jobs?limit=100", 1)
    values["walk"], values["pages"], values["page"] = walk / 1e9, pages, page / 1e9
    return values


def rows(jobs, rounds):
    def pairs(ours, other, scale):
        return [(values[ours] * scale, values[other] * scale) for values in rounds]

    def most(key):
        return max(values[key] for values in rounds)

    title = f"{jobs:,} jobs: "
    yield ground.Figure.of_pairs(title + "first ls", pairs("ls", "walk", 1000),
                                 "list by libcurl", unit="ms")
    yield ground.Figure.of_pairs(title + "ls -1U | head -n 1", pairs("head", "ls", 1000),
                                 "first ls", unit="ms")
    yield ground.Figure(title + "requests of ls", most("ls requests"), "pages", most("pages"), 1,
                        rounds=len(rounds))
    if "all" in rounds[0]:
        yield ground.Figure.of_pairs(title + "all files read, a job",
                                     [(values["all"] * 1e6 / jobs, values["ls"] * 1e6 / jobs)
                                      for values in rounds], "first ls")
        yield ground.Figure(title + "requests of both", most("all requests"), "pages",
                            most("pages"), 1, rounds=len(rounds))
        yield ground.Figure(title + "resident memory a job, all read", most("all memory"),
                            unit="B", rounds=len(rounds), bound=1024 if jobs >= 100000 else None)
    yield ground.Figure(title + "resident memory a job, after ls", most("memory"), unit="B",
                        rounds=len(rounds), bound=1024 if jobs >= 100000 else None)


def exponent(sizes, values):
    """Of the power law through the first and the last."""
    return math.log(values[-1] / values[0]) / math.log(sizes[-1] / sizes[0])


def figures(setup):
    sizes = [100, 200] if setup.smoke else list(SIZES) + [MILLION] * setup.million
    medians = []
    for jobs in sizes:
        simulator = ground.Simulator(setup, "--jobs", jobs, "--pending", 0)
        count = setup.few({1000: 9, 10000: 7}.get(jobs, 1), 1)
        rounds = [measure(setup, simulator, jobs) for _ in range(count)]
        medians.append({key: ground.statistics.median(values[key] for values in rounds)
                        for key in rounds[0]})
        simulator.stop()
        yield from rows(jobs, rounds)
    for key, name in (("ls", "first ls, time"), ("ls cpu", "first ls, processor"),
                      ("all", "all files read, time"), ("all cpu", "all files read, processor")):
        some = [(size, values[key]) for size, values in zip(sizes, medians) if key in values]
        yield ground.Figure(f"growth of {name}: exponent, {some[0][0]:,} to {some[-1][0]:,} jobs",
                            exponent(*zip(*some)), bound=1.1)
    yield ground.Figure("growth of ls -1U | head -n 1: exponent",
                        exponent(sizes, [values["head"] for values in medians]), bound=0.5)
