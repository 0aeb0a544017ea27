"""What the kernel has already: no message to pinefs, compared with filesystems in the kernel."""
import os
import pathlib
import subprocess

import ground

# Small files and directories of middling size, with no work behind them.
SYSFS_FILE = "/sys/kernel/fscaps"
SYSFS_DIRECTORY = "/sys/devices/virtual/tty"
PROCFS_FILE = "/proc/version"
PROCFS_DIRECTORY = "/proc/sys/kernel"
ENTRIES = 49  # and the two dots
HELLO = "/usr/share/doc/libfuse3-dev/examples/hello_ll.c"


def copy_to_tmpfs(setup, mount):
    """The same names as in the mount, and the same depth."""
    copy = pathlib.Path(setup.make_directory("tmpfs")) / "restore-jobs"
    for job in os.listdir(mount.jobs):
        (copy / job).mkdir(parents=True)
        (copy / job / "status").write_bytes(pathlib.Path(mount.status(job)).read_bytes())
    return copy


def mount_hello(setup, *args):
    """libfuse's own example, as its authors wrote it. None without its source."""
    if not os.path.exists(HELLO):
        return None
    program = setup.directory / "hello_ll"
    if not program.exists():
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.split()
        subprocess.run(["cc", "-w", "-O2", HELLO, *flags, "-o", program], check=True)
    path = setup.make_directory("hello")
    process = subprocess.Popen([*ground.WITH_US, program, "-f", *args, path],
                               stderr=subprocess.DEVNULL)

    def stop():
        subprocess.run(["fusermount3", "-u", path], stderr=subprocess.DEVNULL)
        ground.end_process(process)

    setup.undo.callback(stop)
    ground.wait_until("hello_ll", lambda: os.path.exists(path + "/hello"))
    return path


def compare(setup, kind, iterations, name, sides):
    """sides: ours first, then (label, path, bound)."""
    rounds = setup.numbers("cached", kind, setup.rounds, setup.few(iterations, 20), sides[0],
                           *(path for _, path, _ in sides[1:]))
    for i, (label, _, bound) in enumerate(sides[1:], 1):
        pairs = [(times[0] / 1000, times[i] / 1000) for times in rounds]
        yield ground.Figure.of_pairs(name, pairs, label, bound)


def figures(setup):
    simulator = ground.Simulator(setup, "--jobs", ENTRIES, "--pending", 0)
    mount = ground.Mount.of(setup, simulator, "--ttl", 600)
    tmpfs = copy_to_tmpfs(setup, mount)
    job = os.listdir(mount.jobs)[0]
    ours = mount.status(job)
    os.listdir(mount.path)
    # The kernel asks for the access time once after it has really read.
    for path in ours, mount.jobs, mount.path:
        os.stat(path)
    simulator.forget()
    messages = mount_messages(mount)

    yield from compare(setup, "read", 20000, "cached open+read+close", [
        ours, ("tmpfs", tmpfs / job / "status", 1.8), ("sysfs", SYSFS_FILE, 1),
        ("procfs", PROCFS_FILE, None)])
    yield from compare(setup, "stat", 20000, "cached stat", [
        ours, ("tmpfs", tmpfs / job / "status", None), ("sysfs", SYSFS_FILE, None),
        ("procfs", PROCFS_FILE, None)])
    yield from compare(setup, "list", 2000, "cached listing, 51 entries", [
        mount.jobs, ("tmpfs", tmpfs, 1.2), ("sysfs, %d" % count(SYSFS_DIRECTORY), SYSFS_DIRECTORY,
                                            None),
        ("procfs, %d" % count(PROCFS_DIRECTORY), PROCFS_DIRECTORY, None)])
    for label, args in ("hello_ll", ()), ("hello_ll -s", ("-s",)):
        hello = mount_hello(setup, *args)
        if not hello:
            continue
        yield from compare(setup, "read", 1000, "cached open+read+close", [
            ours, (label, hello + "/hello", 0.1)])
        yield from compare(setup, "stat", 1000, "cached stat", [
            ours, (label, hello + "/hello", None)])
        yield from compare(setup, "list", 1000, "cached listing, 5 entries", [
            mount.path, (label + ", 3", hello, None)])
    yield ground.Figure("messages to pinefs during all that", mount_messages(mount) - messages,
                        bound=0)
    yield ground.Figure("requests during all that", simulator.requests()["total"], bound=0)


def count(directory):
    return len(os.listdir(directory)) + 2


def mount_messages(mount):
    text = pathlib.Path(mount.path + "/.pinefs/stats").read_text()
    return sum(float(line.split()[1]) for line in text.splitlines()
               if line.startswith("pinefs_messages_total"))
