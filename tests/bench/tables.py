"""Links between objects, and all objects of a kind in one text: what the kernel has already, what
making a text costs, and what stays of it."""
import os
import pathlib
import shutil
import subprocess
import time

import cached
import ground

HOLDS = ("--ttl", 86400, "--ttl-ready", 86400, "--ttl-final", 86400)
JOBS = 10000
MANY = 100000  # jobs whose table is made beside somebody who waits for something else
FORMS = ("tsv", "jsonl")
CHANGES, CHANGING = 1000, 1000  # of how many jobs
READERS = 5
FLAT = 256 * 1024  # bytes that the allocator may keep: about a text of so many jobs


def table(mount, form):
    return f"{mount.path}/tables/restore-jobs.{form}"


def read(path):
    """In pieces, as cat does; the number of bytes."""
    size = 0
    with open(path, "rb", buffering=0) as file:
        while data := file.read(128 * 1024):
            size += len(data)
    return size


def counter(mount, name):
    text = pathlib.Path(mount.path + "/.pinefs/stats").read_text()
    return sum(float(line.split()[1]) for line in text.splitlines()
               if line.startswith("pinefs_" + name))


# --- links ---------------------------------------------------------------------------------------

def links(setup):
    simulator = ground.Simulator(setup, "--jobs", 49, "--backups", 49, "--pending", 0)
    mount = ground.Mount.of(setup, simulator, *HOLDS, kinds="restore-jobs,backups")
    tmpfs = pathlib.Path(setup.make_directory("tmpfs"))
    job = os.listdir(mount.jobs)[0]
    target = os.readlink(f"{mount.jobs}/{job}/backup")
    ours, copy = f"{mount.jobs}/{job}/backup", tmpfs / "restore-jobs" / job / "backup"
    copy.parent.mkdir(parents=True)
    os.symlink(target, copy)
    backup = (copy.parent / target).resolve()
    backup.mkdir(parents=True)
    shutil.copyfile(ours + "/status", backup / "status")
    os.stat(ours + "/status")
    simulator.forget()
    messages = cached.mount_messages(mount)
    yield from cached.compare(setup, "link", 20000, "cached readlink", [
        ours, ("tmpfs", copy, None)])
    yield from cached.compare(setup, "read", 20000, "cached open+read+close, through a link", [
        ours + "/status", ("tmpfs", copy / "status", None)])
    yield ground.Figure("messages to pinefs during all that",
                        cached.mount_messages(mount) - messages, bound=0)
    yield ground.Figure("requests during all that", simulator.requests()["total"], bound=0)
    mount.stop()
    simulator.stop()


# --- texts ---------------------------------------------------------------------------------------

def make(mount, form):
    """ms of processor time, and KiB that it takes, to read the table for the first time."""
    cpu, memory = mount.cpu(), mount.memory()
    size = read(table(mount, form))
    return (mount.cpu() - cpu) * 1000, (mount.memory() - memory) / 1024, size / 1024


def make_anew(setup, simulator, jobs):
    """Of a list that is there; then the list, too."""
    rounds = []
    for _ in range(setup.few(7, 2)):
        mount = ground.Mount.of(setup, simulator, *HOLDS)
        ground.Used("ls", mount.jobs)
        rounds.append([make(mount, form) for form in FORMS])
        mount.stop()
    for i, form in enumerate(FORMS):
        title = f"{jobs:,} jobs: .{form} "
        yield ground.Figure(title + "made anew: processor", median(row[i][0] for row in rounds),
                            bound=100, unit="ms", rounds=len(rounds))
        yield ground.Figure.of_pairs(title + "held: resident memory",
                                     [row[i][1:] for row in rounds], "its bytes", unit="KiB")


def median(values):
    return ground.statistics.median(list(values))


def read_again(setup, simulator, jobs):
    mount = ground.Mount.of(setup, simulator, *HOLDS)
    tmpfs = pathlib.Path(setup.make_directory("tmpfs"))
    for form in FORMS:
        shutil.copyfile(table(mount, form), tmpfs / form)
        os.stat(table(mount, form))  # the kernel asks for the access time once
    messages = cached.mount_messages(mount)
    for form in FORMS:
        yield from cached.compare(setup, "whole", 200, f"{jobs:,} jobs: cached cat of .{form}", [
            table(mount, form), ("tmpfs", tmpfs / form, 1.3)])
    yield ground.Figure("messages to pinefs during all that",
                        cached.mount_messages(mount) - messages, bound=0)
    mount.stop()


def longest_wait(mount, form):
    """
    ms that statfs(2), which always asks pinefs, took at most while somebody reads a table; and of
    processor time.
    """
    longest, busiest, reads = 0, 0, True
    with subprocess.Popen(["cat", table(mount, form)], stdout=subprocess.DEVNULL) as reader:
        while reads:
            cpu, begun = mount.cpu(), time.perf_counter()
            os.statvfs(mount.path)
            longest = max(longest, time.perf_counter() - begun)
            busiest = max(busiest, mount.cpu() - cpu)
            reads = reader.poll() is None
    if reader.returncode:
        raise RuntimeError(f"cat: {reader.returncode}")
    return longest * 1000, busiest * 1000


def beside_others(setup, simulator, jobs):
    """Nobody else waits for long while one is made."""
    rounds = []
    for _ in range(setup.few(3, 1)):
        mount = ground.Mount.of(setup, simulator, *HOLDS)
        ground.Used("ls", mount.jobs)
        rounds.append([longest_wait(mount, form) for form in FORMS])
        mount.stop()
    for i, form in enumerate(FORMS):
        title = f"{jobs:,} jobs: longest wait of another while .{form} is made"
        yield ground.Figure(title, max(row[i][0] for row in rounds), bound=50, unit="ms",
                            rounds=len(rounds))
        yield ground.Figure(title + ": processor", max(row[i][1] for row in rounds), bound=50,
                            unit="ms", rounds=len(rounds))


def change(simulator, mount, jobs, number):
    """A job gets another status, and somebody sees it; some readers are always in the middle."""
    simulator.control("POST", "/_sim/jobs/" + jobs[number % len(jobs)],
                      {"target_index_name": f"target-{number}"})
    seen = f"target-{number}".encode()
    ground.wait_until("the change",
                      lambda: seen in pathlib.Path(table(mount, "tsv")).read_bytes())


def change_often(setup):
    """What stays of the texts that were: nothing."""
    number, changes = setup.few(CHANGING, 50), setup.few(CHANGES, 10)
    simulator = ground.Simulator(setup, "--jobs", number, "--pending", 0)
    jobs = simulator.ids(20)
    mount = ground.Mount.of(setup, simulator, "--ttl", 0, "--ttl-final", 0)
    readers, memory = [], []
    for i in range(changes):
        change(simulator, mount, jobs, i)
        file = open(table(mount, "tsv"), "rb", buffering=0)
        file.read(1000)
        readers.append(file)
        if len(readers) > READERS:
            readers.pop(0).close()
        if i + 1 in (changes // 10, changes):
            memory.append(mount.memory())
    for file in readers:
        file.close()
    ground.wait_until("the last reader's end", lambda: counter(mount, "table_texts") == 1)
    title = f"{changes:,} changes of a table of {number:,} jobs: "
    yield ground.Figure(title + "texts left", counter(mount, "table_texts"), bound=1)
    yield ground.Figure(title + "resident memory, the last nine tenths add",
                        max(0, memory[1] - memory[0]) / 1024, bound=FLAT / 1024, unit="KiB")
    mount.stop()
    simulator.stop()


def figures(setup):
    yield from links(setup)
    jobs = setup.few(JOBS, 150)
    simulator = ground.Simulator(setup, "--jobs", jobs, "--pending", 0)
    yield from read_again(setup, simulator, jobs)
    yield from make_anew(setup, simulator, jobs)
    simulator.stop()
    jobs = setup.few(MANY, 200)
    simulator = ground.Simulator(setup, "--jobs", jobs, "--pending", 0)
    yield from beside_others(setup, simulator, jobs)
    simulator.stop()
    yield from change_often(setup)
