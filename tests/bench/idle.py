"""Nobody reads; the start; the size."""
import os
import subprocess

import ground


def watch_nothing(setup):
    """After work, with a connection in the pool and the kernel's caches full."""
    simulator = ground.Simulator(setup, "--jobs", 20)
    mount = ground.Mount.of(setup, simulator, "--ttl", 0.5)
    for job in os.listdir(mount.jobs):
        ground.Used("cat", mount.status(job))
    seconds = setup.few(20, 1)
    ground.time.sleep(setup.few(4, 1))  # pinefs looks once more who watches
    simulator.forget()
    switches, cpu = mount.switches(), mount.cpu()
    ground.time.sleep(seconds)
    yield ground.Figure(f"idle for {seconds} s: context switches", mount.switches() - switches,
                        bound=0)
    yield ground.Figure(f"idle for {seconds} s: processor", (mount.cpu() - cpu) * 1e6, bound=0,
                        unit="us")
    yield ground.Figure(f"idle for {seconds} s: requests", simulator.requests()["total"], bound=0)
    yield ground.Figure("resident memory, idle, both processes", mount.memory() / 1024, unit="KiB")


def start(setup):
    """pinefs --demo, in the background as users start it, until the first status is read."""
    times = []
    for _ in range(setup.rounds):
        path = setup.make_directory("demo")
        command = '"$0" --demo "$1" && for f in "$1"/restore-jobs/*/status; do cat "$f"; exit; done'
        try:
            times.append(ground.Used("bash", "-c", command, setup.program("pinefs"), path).time)
        finally:
            subprocess.run(["fusermount3", "-u", path], stderr=subprocess.DEVNULL)
    yield ground.Figure("mount to first byte, demo", 1000 * ground.statistics.median(times),
                        bound=100, unit="ms", rounds=len(times))


def size(setup):
    stripped = setup.directory / "stripped"
    subprocess.run(["strip", "-o", stripped, setup.program("pinefs")], check=True)
    yield ground.Figure("the program, stripped", stripped.stat().st_size / 1024, unit="KiB")


def figures(setup):
    yield from watch_nothing(setup)
    yield from start(setup)
    yield from size(setup)
