"""mkdir in `restores`: what it sends and how long it takes; and that while one waits for its answer,
nobody else waits."""
import os
import statistics
import subprocess
import time

import ground

HOLDS = ("--ttl", 86400, "--ttl-ready", 86400, "--ttl-final", 86400, "--ttl-missing", 86400)
BACKUP = "bench"
BLOCKED = 10  # seconds until the answer
MOST = 50     # ms for anybody else meanwhile


def world(setup):
    """A simulator with a backup, a mount of it with nothing to be asked any more, and `restores`."""
    simulator = ground.Simulator(setup, "--jobs", 50, "--pending", 0, "--backups", 0,
                                 "--restore-time", 86400)
    simulator.control("POST", "/_sim/backups", {"backup_id": BACKUP, "status": "Ready"})
    mount = ground.Mount.of(setup, simulator, *HOLDS, "--allow-restore", "--timeout", 60,
                            kinds="restore-jobs,backups,indexes")
    restores = f"{mount.path}/backups/{BACKUP}/restores"
    ground.Used("ls", "-R", mount.path)
    simulator.forget()
    return simulator, mount, restores


def cost(setup):
    simulator, _, restores = world(setup)
    pairs, commands = [], []
    for i in range(setup.few(20, 3)):
        before = simulator.requests()["commands"]
        ours = ground.Used("mkdir", f"{restores}/ours-{i}").time * 1000
        commands.append(simulator.requests()["commands"] - before)
        other = ground.Used("curl", "-sS", "-H", f"Api-Key: {ground.KEY}", "-d",
                            f'{{"name":"other-{i}"}}',
                            f"{simulator.url}/backups/{BACKUP}/create-index").time * 1000
        pairs.append((ours, other))
    yield ground.Figure("mkdir of a restore: requests that are commands", max(commands), bound=1,
                        rounds=len(commands))
    yield ground.Figure.of_pairs("mkdir of a restore", pairs, "curl", unit="ms")
    before = simulator.requests()["commands"]
    ground.Used("mkdir", "-p", *(f"{restores}/ours-{i}" for i in range(len(pairs))))
    subprocess.run(["mkdir", f"{restores}/Not-A-Name"], stderr=subprocess.DEVNULL, check=False)
    yield ground.Figure("mkdir -p of what is there, or of no name: requests that are commands",
                        simulator.requests()["commands"] - before, bound=0)


def time_of(action):
    """ms"""
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


def read(path):
    with open(path, "rb") as file:
        return file.read()


def others(mount):
    """What somebody else does: by its name, an action."""
    job = sorted(os.listdir(mount.jobs))[0]
    return {
        "another file's cached read": lambda: read(mount.status(job)),
        "another directory's ls": lambda: os.listdir(mount.path + "/indexes"),
        "ls -l of all jobs": lambda: [os.stat(entry.path) for entry in os.scandir(mount.jobs)],
    }


def while_blocked(setup):
    simulator, mount, restores = world(setup)
    seconds = setup.few(BLOCKED, 2)
    actions = others(mount)
    free = {name: [] for name in actions}
    for _ in range(setup.few(50, 5)):
        for name, action in actions.items():
            free[name].append(time_of(action))
        time.sleep(0.05)
    simulator.control("POST", "/_sim/faults",
                      {"match": f"/backups/{BACKUP}/create-index", "delay": seconds})
    begun = time.monotonic()
    process = subprocess.Popen(["mkdir", f"{restores}/blocked"])
    ground.wait_until("the command", lambda: simulator.requests()["commands"] == 1)
    blocked = {name: [] for name in actions}
    while process.poll() is None:
        for name, action in actions.items():
            took = time_of(action)
            if process.poll() is None:
                blocked[name].append(took)
        time.sleep(0.05)
    took = time.monotonic() - begun
    if process.returncode or took < seconds:
        raise RuntimeError(f"mkdir ended with {process.returncode} after {took:.1f} s")
    for name, times in blocked.items():
        title = f"{name} while a mkdir waits for {seconds} s"
        yield ground.Figure(f"{title}: the slowest", max(times), bound=MOST, unit="ms",
                            rounds=len(times))
        yield ground.Figure(title, statistics.median(times), "before", statistics.median(free[name]),
                            unit="ms", rounds=len(times))


def figures(setup):
    yield from cost(setup)
    yield from while_blocked(setup)
