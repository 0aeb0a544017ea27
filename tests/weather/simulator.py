"""pinecone-sim for the length of a with block."""
import json
import os
import subprocess
import urllib.request

from mount import SLOWER


class Simulator:
    def __init__(self, *options):
        self.process = subprocess.Popen(
            [os.environ["PINEFS_SIM"], "--die-with-parent", *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20 * SLOWER)
        self.process.stdout.close()

    def ask(self, path, method="GET", **fields):
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Api-Key": "pcsk_weather"},
            data=json.dumps(fields).encode() if method == "POST" else None)
        with self.opener.open(request, timeout=60 * SLOWER) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def requests(self):
        return self.ask("/_sim/requests")

    def add(self, job, **fields):
        self.ask("/_sim/jobs", "POST", restore_job_id=job, **fields)

    def change(self, job, **fields):
        self.ask(f"/_sim/jobs/{job}", "POST", **fields)

    def delete(self, job):
        self.ask(f"/_sim/jobs/{job}", "DELETE")

    def fault(self, match, **fields):
        self.ask("/_sim/faults", "POST", match=match, **fields)

    def calm(self):
        """No more faults."""
        self.ask("/_sim/faults", "DELETE")

    def ids(self):
        """Of all jobs, as the list has them."""
        found, token = [], None
        while True:
            page = self.ask("/restore-jobs" + (f"?paginationToken={token}" if token else ""))
            found += [row["restore_job_id"] for row in page["data"]]
            token = (page["pagination"] or {}).get("next")
            if not token:
                return found
