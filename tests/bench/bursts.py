"""Many at once: 1,000 readers of one file; 1,000 jobs whose answers have all run out."""
import ground

SHORT = 0.5  # seconds that an answer holds, where they are enough
LATENCIES = (0, 0.02, 0.1)


def median(values):
    return ground.statistics.median(values)


def one_file(setup, latency):
    """All readers of one expired file share one answer."""
    readers = setup.few(1000, 20)
    simulator = ground.Simulator(setup, "--jobs", 3, "--pending", 3, "--restore-time", 3600,
                                 "--latency", latency)
    job = simulator.ids(1)[0]
    # An answer must hold for as long as the last of its readers takes to come.
    probe = ground.Mount.of(setup, simulator, "--ttl", 600)
    slowest = max(setup.numbers("burst", readers, probe.status(job))[0][0] for _ in range(3))
    holds = max(SHORT, 10 * slowest / 1e9 + latency)
    mount = ground.Mount.of(setup, simulator, "--ttl", holds)
    pairs, requests, right = [], [], []
    for _ in range(setup.rounds):
        ground.time.sleep(holds + 0.1)
        simulator.forget()
        [[time, same]] = setup.numbers("burst", readers, mount.status(job))
        requests.append(simulator.requests()["total"])
        right.append(same)
        [[get, _]] = setup.numbers("warm", "each", f"{simulator.url}/restore-jobs/{job}", 1)
        [[known, same]] = setup.numbers("burst", readers, mount.status(job))
        right.append(same)
        pairs.append((time / 1e6, (get + known) / 1e6))
    name = f"{readers:,} readers of one expired file, latency {latency * 1000:.0f} ms"
    yield ground.Figure(name + ": requests, most", max(requests), bound=1, rounds=len(requests))
    yield ground.Figure(name + ": readers without the value", readers - min(right), bound=0,
                        rounds=len(right))
    yield ground.Figure.of_pairs(name, pairs, "one GET, and as many cached reads", unit="ms")


def sweep(setup, latency):
    """grep . */status: the shell lists the directory, and that alone renews all jobs."""
    jobs = setup.few(1000, 120)
    simulator = ground.Simulator(setup, "--jobs", jobs, "--pending", jobs, "--restore-time", 36000,
                                 "--latency", latency)
    sweep = 'cd "$1" && grep . */status'
    probe = ground.Mount.of(setup, simulator, "--ttl", 600)
    known = max(ground.Used("bash", "-c", sweep, "bench", probe.jobs).time for _ in range(2))
    # Longer than a sweep takes, on a busy machine, too.
    holds = max(setup.few(2, SHORT) + latency * jobs / 25, 5 * known)
    mount = ground.Mount.of(setup, simulator, "--ttl", holds)
    by_glob = ("bash", "-c", sweep, "bench", mount.jobs)
    ids = simulator.ids(jobs)
    by_name = ("bash", "-c", 'cd "$1" && shift && grep . "${@/%//status}"', "bench", mount.jobs,
               *ids)
    results = {"grep . */status": [], "grep . of the same files by name": []}
    ground.Used(*by_glob)
    for _ in range(setup.few(7, 1)):
        for name, command in zip(results, (by_glob, by_name)):
            ground.time.sleep(holds + 0.1)
            simulator.forget()
            time = ground.Used(*command).time * 1000
            requests = simulator.requests()["total"]
            known = ground.Used(*command).time * 1000
            [[walk, pages]] = setup.numbers("warm", "walk", simulator.url + "/restore-jobs")
            results[name].append((time, walk / 1e6 + known, requests, pages))
    for name, rounds in results.items():
        title = f"{name}, {jobs:,} jobs, latency {latency * 1000:.0f} ms"
        yield ground.Figure(title + ": requests", max(row[2] for row in rounds),
                            "pages of the list", rounds[0][3], 2.1, rounds=len(rounds))
        yield ground.Figure.of_pairs(title, [row[:2] for row in rounds],
                                     "list by libcurl, cached sweep", unit="ms")


def figures(setup):
    for latency in LATENCIES[:setup.few(3, 1)]:
        yield from one_file(setup, latency)
    for latency in LATENCIES[:setup.few(3, 1)]:
        yield from sweep(setup, latency)
