"""Results as TAP: a test is a function; what it asserts must hold."""
import concurrent.futures
import os
import time
import traceback


class Skip(Exception):
    """Why a test can't be run here."""


def run_test(test):
    """The directive behind its name, and the lines of what went wrong."""
    begun, said = time.monotonic(), []
    directive = ""
    try:
        test()
    except Skip as reason:
        directive = f" # SKIP {reason}"
    except Exception:  # whatever it is, the other tests go on
        said = traceback.format_exc().splitlines()
    return f"({time.monotonic() - begun:.1f} s){directive}", said


def run_tests(*tests, at_once=1):
    """Run the functions; the docstring of each is its name."""
    if os.environ.get("PINEFS_NO_FUSE"):
        print(f"1..0 # SKIP {os.environ['PINEFS_NO_FUSE']}")
        return
    print(f"1..{len(tests)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for number, (test, (note, said)) in enumerate(zip(tests, pool.map(run_test, tests)), 1):
            print(f"{'not ' if said else ''}ok {number} - {test.__doc__.strip()} {note}")
            for line in said:
                print("#", line)
            print(end="", flush=True)


def figure(text):
    """A line that tests/run shows at its end."""
    print(f"# figure: {text}")
