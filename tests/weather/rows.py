"""The table: what the API does, and what a reader of status must see.

describe_rows() is about one job; list_rows() about the listing. How each is played: see weather.
"""
import gzip
import json
import typing

from mount import SLOWER
from server import (after, drips, floods, in_turn, plain, resets_after, says, says_and_ends,
                    silent_after)

MIB = 1024 * 1024
GOOD = {"status": "Pending", "note": "good"}


class Row(typing.NamedTuple):
    name: str
    scene: typing.Callable      # of the job's id
    sees: object                # name of an errno, or {file: bytes}
    most: int = 4               # requests that one reader may cost
    least: float = 0            # seconds that it must take, for a pause that was asked for


def document(job, **fields):
    return json.dumps({"restore_job_id": job} | GOOD | fields).encode()


def raw(job, text):
    """A document by hand; %s is the id."""
    data = text if isinstance(text, bytes) else text.encode()
    return data.replace(b"%s", job.encode())


def tells(text, **keywords):
    """200 with this document."""
    return lambda job: says(200, raw(job, text), **keywords)


def once(scene):
    """First this, then a good answer."""
    return lambda job: in_turn(scene, says(200, document(job)))


def ends_with(text):
    """These bytes on the wire, then the end."""
    return lambda job: says_and_ends(raw(job, text))


def always(scene):
    return lambda job: scene


PENDING = {"status": b"Pending\n"}
HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"restore_job_id":"'


def transport_rows():
    yield Row("a reset before the answer", always(resets_after(b"")), "EIO")
    yield Row("a reset inside the header", always(resets_after(b"HTTP/1.1 200 OK\r\nCont")), "EIO")
    yield Row("a reset inside the body", always(resets_after(HALF)), "EIO")
    yield Row("an end before the answer", always(says_and_ends(b"")), "EIO")
    yield Row("an end inside the header", always(says_and_ends(b"HTTP/1.1 200 OK\r\nA: ")), "EIO")
    yield Row("half a body", always(says_and_ends(HALF)), "EIO")
    yield Row("one reset, then an answer", once(resets_after(b"")), PENDING)
    yield Row("silence", always(silent_after(b"")), "ETIMEDOUT", most=1)
    yield Row("silence inside the header", always(silent_after(b"HTTP/1.1 2")), "ETIMEDOUT", most=1)
    yield Row("silence inside the body", always(silent_after(HALF)), "ETIMEDOUT", most=1)
    yield Row("a header a byte at a time", always(drips(HALF, 0.5 * SLOWER)), "ETIMEDOUT", most=1)
    yield Row("a body a byte at a time", lambda job: lambda connection, count: connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n") and drips(b" " * 9999, 0.5 * SLOWER)(
            connection, count), "ETIMEDOUT", most=1)
    yield Row("an answer just in time", lambda job: after(1, says(200, document(job))), PENDING)


def status_rows(decoy):
    bodies = [("JSON", b'{"error":{"code":"X","message":"of %d"},"status":%d}'),
              ("text", b"plainly %d"), ("HTML", b"<html><h1>%d</h1></html>"), ("no body", b"")]
    errors = {400: "EIO", 401: "EACCES", 402: "EIO", 403: "EACCES", 404: "ENOENT",
              408: "ETIMEDOUT", 409: "EIO", 412: "EIO", 429: "EBUSY", 500: "EIO", 502: "EIO",
              503: "EIO", 504: "EIO"}
    repeated = {408, 429, 500, 502, 503, 504}

    for status, sees in errors.items():
        for name, body in bodies:
            text = body.replace(b"%d", b"%d" % status)
            yield Row(f"{status} with {name}", always(says(status, text)), sees,
                      most=4 if status in repeated else 1)
    for status in (405, 410, 418, 451, 501, 505, 599, 600, 999):
        yield Row(f"{status}", always(says(status, b"?")), "EIO", most=1)
    for status in (300, 301, 303, 304, 307, 308):
        yield Row(f"{status} to another host", always(says(
            status, headers=[f"Location: {decoy}/restore-jobs/x"])), "EREMOTEIO", most=1)
    for status in (201, 202, 206):
        yield Row(f"{status} with the job", lambda job, status=status: says(
            status, document(job)), PENDING)
    yield Row("204 and nothing", always(says(204, length=-1)), "EIO", most=1)
    yield Row("100 before the answer", lambda job: says_and_ends(
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + plain(200, document(job))), PENDING)


def pause_rows():
    def pause(value):
        return says(429, b"slow down", headers=[f"Retry-After: {value}"])

    yield Row("429 for a second", once(pause("1")), PENDING, least=1)
    yield Row("429 until a date that is over", once(pause("Wed, 21 Oct 2015 07:28:00 GMT")), PENDING)
    yield Row("429 with rubbish", once(pause("soon\x7f")), PENDING)
    yield Row("429 with nothing", once(pause("")), PENDING)
    yield Row("429 with less than nothing", once(pause("-5")), PENDING)
    for name, value in [("a year", "31536000"), ("2^64", "18446744073709551616"),
                        ("until 9999", "Fri, 31 Dec 9999 23:59:59 GMT")]:
        yield Row(f"429 for {name}", always(pause(value)), "EBUSY", most=1)
    yield Row("503 for a year", always(says(503, headers=["Retry-After: 31536000"])), "EIO", most=1)
    yield Row("503 twice, then an answer", lambda job: in_turn(
        says(503), says(503), says(200, document(job))), PENDING)


def body_rows():
    for name, text in [("nothing", ""), ("white space", " \n"), ("null", "null"), ("[]", "[]"),
                       ("{}", "{}"), ("a string", '"Pending"'), ("a number", "100"),
                       ("true", "true"), ("HTML", "<html></html>"),
                       ("an object cut off", '{"restore_job_id":"%s","status":"Pend'),
                       ("an object and more", '{"restore_job_id":"%s"}{}'),
                       ("an array with the job", '[{"restore_job_id":"%s"}]'),
                       ("another job", '{"restore_job_id":"another"}'),
                       ("a job of more words", '{"restore_job_id":"%s-x"}'),
                       ("no id", '{"status":"Completed"}'),
                       ("null for an id", '{"restore_job_id":null,"status":"Completed"}'),
                       ("a number for an id", '{"restore_job_id":7,"status":"Completed"}'),
                       ("another id after the right one",
                        '{"restore_job_id":"%s","restore_job_id":"x"}'),
                       ("single quotes", "{'restore_job_id':'%s'}"),
                       ("a comma too many", '{"restore_job_id":"%s",}'),
                       ("a NUL byte", '{"restore_job_id":"%s","status":"a\0b"}'),
                       ("a NUL in a string", '{"restore_job_id":"%s","status":"a\\u0000b"}'),
                       ("a NUL in a key", '{"restore_job_id":"%s","a\\u0000b":"c"}'),
                       ("a lone surrogate", '{"restore_job_id":"%s","status":"\\ud800"}'),
                       ("two low surrogates", '{"restore_job_id":"%s","status":"\\udc00\\udc00"}'),
                       ("an unknown escape", '{"restore_job_id":"%s","status":"\\q"}'),
                       ("depth of 65", '{"restore_job_id":"%s","x":' + "[" * 64 + "]" * 64 + "}"),
                       ("depth of 10,000", '{"restore_job_id":"%s","x":' + "[" * 9999 + "]" * 9999 +
                        "}"),
                       ("depth of a million, never closed", "[" * MIB)]:
        yield Row(f"200 with {name}", tells(text), "EIO", most=1)
    yield Row("200 with a gzip bomb", always(says(
        200, gzip.compress(b" " * (64 * MIB)), headers=["Content-Encoding: gzip"])), "EIO", most=1)
    yield Row("200 with 17 MiB", always(floods(
        plain(200, length=17 * MIB), b" " * 65536, 17 * 16)), "EFBIG", most=1)
    yield Row("200 with blanks without end", always(floods(
        plain(200, length=-1), b" " * 65536, 1024)), "EFBIG", most=1)
    yield Row("200 with 300,000 values", tells(
        '{"restore_job_id":"%s","x":[' + "0," * 300000 + "0]}"), "EFBIG", most=1)


def value_rows():
    def value(name, member, **sees):
        return Row(f"200 with {name}", tells('{"restore_job_id":"%s",' + member + "}"),
                   {file: data if isinstance(data, bytes) else data.encode()
                    for file, data in sees.items()})

    fields = ["backup_id", "target_index_name", "target_index_id", "status", "created_at",
              "completed_at", "percent_complete"]
    for name, text, sees in [("null", "null", ""), ("a number", "-12.50", "-12.50\n"),
                             ("true", "true", "true\n"), ("an empty string", '""', "\n"),
                             ("an object", '{"a":[1]}', '{"a":[1]}\n'), ("an array", "[]", "[]\n"),
                             ("1e999", "1e999", "1e999\n"), ("-1E+400", "-1E+400", "-1E+400\n")]:
        yield value(f"{name} in every field", ",".join(f'"{f}":{text}' for f in fields),
                    **{field: sees for field in fields})
    yield value("no field", '"x":1', x="1\n", **{field: "" for field in fields})
    yield value("the same key twice", '"status":"Failed","status":"Pending"', status="Pending\n")
    yield value("an escape for \u00e9", '"status":"\\u00e9"', status="\u00e9\n")
    yield Row("200 with bytes that are no UTF-8", tells(
        b'{"restore_job_id":"%s","status":"\xff\xc3("}'), {"status": b"\xff\xc3(\n"})
    yield value("a surrogate pair", '"status":"\\ud83d\\ude00"', status="\U0001f600\n")
    yield value("terminal escapes", '"status":"\\u001b[2J\\u0007"', status="\x1b[2J\x07\n")
    yield value("newlines", '"status":"a\\nb\\r\\n"', status="a\nb\r\n\n")
    yield value("64 KiB in a string", f'"status":"{"x" * 65536}"', status="x" * 65536 + "\n")
    yield value("64 KiB in a key", f'"{"k" * 65536}":1,"status":"a"', status="a\n")
    yield value("a key that is a path", '"../../x/y":"a","status":"b"',
                **{"_._.._x_y": "a\n", "status": "b\n"})
    yield value("depth of 64", '"status":"a","x":' + "[" * 63 + "]" * 63, status="a\n")
    yield value("1,000 unknown keys", ",".join(f'"k{i}":{i}' for i in range(1000)) +
                ',"status":"a"', status="a\n")
    yield value("an ended job and nonsense for times",
                '"status":"Completed","created_at":"yesterday","completed_at":"9999999999"',
                done="Completed\n", created_at="yesterday\n")


def wire_rows():
    good = '{"restore_job_id":"%s","status":"Pending"}'
    chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    yield Row("HTTP/1.0", lambda job: says_and_ends(
        plain(200, document(job), version="1.0", length=-1)), PENDING)
    yield Row("HTTP/0.9", ends_with(good), "EIO")
    yield Row("no HTTP at all", always(says_and_ends(b"SSH-2.0-OpenSSH_9.2\r\n")), "EIO")
    yield Row("binary rubbish", always(says_and_ends(bytes(range(256)) * 16)), "EIO")
    yield Row("chunks", lambda job: lambda connection, count: connection.send(
        chunked.encode() + b"".join(b"1\r\n%c\r\n" % byte for byte in document(job)) +
        b"0\r\n\r\n"), PENDING)
    yield Row("a chunk of no known size", always(says_and_ends(f"{chunked}zz\r\n{{".encode())), "EIO")
    yield Row("a chunk of 2^64 bytes", always(says_and_ends(
        f"{chunked}10000000000000000\r\n{{".encode())), "EIO")
    yield Row("chunks without an end", lambda job: says_and_ends(
        chunked.encode() + b"%x\r\n%s\r\n" % (len(document(job)), document(job))), "EIO")
    yield Row("a negative length", always(says_and_ends(plain(
        200, b"{}", headers=["Content-Length: -2"], length=-1))), "EIO")
    yield Row("a length of 2^64", always(says_and_ends(plain(
        200, b"{}", length=2**64))), "EIO")
    yield Row("a length that is too small", lambda job: says_and_ends(plain(
        200, document(job), length=10)), "EIO")
    yield Row("another type of content", lambda job: says(
        200, document(job), headers=["Content-Type: text/html"]), PENDING)
    yield Row("a byte order mark", tells("\ufeff" + good), "EIO", most=1)
    yield Row("white space around", tells(f" \r\n\t{good}\n\n"), PENDING)
    yield Row("10,000 headers", lambda job: says(
        200, document(job), headers=[f"X-{i}: {'x' * 50}" for i in range(10000)]), "EFBIG", most=1)
    yield Row("2,000 headers", lambda job: says(
        200, document(job), headers=[f"X-{i}: {'x' * 50}" for i in range(2000)]), PENDING)
    yield Row("a header of 1 MiB", lambda job: says(
        200, document(job), headers=["X: " + "x" * MIB]), "EFBIG|EIO")
    yield Row("headers without end", always(floods(
        b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000, 10000)), "EFBIG|EIO")
    yield Row("100 without end", always(floods(
        b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 10000)), "EFBIG|EIO|ETIMEDOUT")
    yield Row("terminal escapes in headers", always(says_and_ends(
        b"HTTP/1.1 500 \x1b[2J\r\nx-request-id: \x1b]0;x\x07\r\nContent-Length: 0\r\n\r\n")), "EIO")


def describe_rows(decoy):
    """decoy: the URL of a host that must never be asked anything."""
    yield from transport_rows()
    yield from status_rows(decoy)
    for rows in (pause_rows, body_rows, value_rows, wire_rows):
        yield from rows()


# --- the listing ---------------------------------------------------------------------------------

class ListRow(typing.NamedTuple):
    name: str
    scene: typing.Callable      # for GET /restore-jobs
    sees: object                # name of an errno, or the set of names
    most: int = 8               # requests for the list that one listing may cost
    partly: bool = False        # what came before the failure may be shown


def job_row(job, **fields):
    return {"restore_job_id": job} | GOOD | fields


def page(rows, next_token=None):
    return says(200, json.dumps({"data": rows, "pagination": {"next": next_token}}).encode())


def list_rows(decoy):
    a, b, c = (job_row(name) for name in "abc")

    yield ListRow("one page", page([a, b]), {"a", "b"}, most=1)
    yield ListRow("two pages", in_turn(page([a], "1"), page([b])), {"a", "b"}, most=2)
    yield ListRow("repeated rows and pages", in_turn(
        page([a, b], "1"), page([b, a], "2"), page([b, a, c], "3"), page([c])), {"a", "b", "c"})
    yield ListRow("an empty page at the end", in_turn(page([a], "1"), page([])), {"a"}, most=2)
    yield ListRow("an empty page in between", in_turn(
        page([a], "1"), page([], "2"), page([b])), {"a", "b"}, most=3)
    yield ListRow("a token that comes again", in_turn(
        page([a], "1"), page([b], "1"), page([c], "1")), {"a", "b"}, most=2)
    yield ListRow("tokens in a circle", in_turn(
        page([a], "1"), page([b], "2"), page([c], "1")), {"a", "b", "c"}, most=3)
    yield ListRow("empty pages for ever", lambda connection, count: page(
        [], f"t{count}")(connection, count), set(), most=102)
    yield ListRow("the same page for ever", lambda connection, count: page(
        [a, b], f"t{count}")(connection, count), {"a", "b"}, most=102)
    yield ListRow("ids that can't be names", page([
        a, *(job_row(x) for x in ("", ".", "..", "../x", "x/y", "x\ny", "x\0y", "\x1b[2J", "\u00e9",
                                  ".x", "x" * 256, "x" * 300, "a b", "\ud800")),
        job_row("y" * 255)]), {"a", "y" * 255}, most=1)
    yield ListRow("rows that are no jobs", page(
        [a, None, 7, "b", [], {}, {"status": "Pending"}, {"restore_job_id": 7}, b]), {"a", "b"},
        most=1)
    yield ListRow("nothing but rows that are no jobs", page([None, {}, job_row("x/y")]), "EIO", most=1)
    yield ListRow("an id twice with other data", page([a, job_row("a", status="Failed"), b]),
                  {"a", "b"}, most=1)
    yield ListRow("no pagination", says(200, json.dumps({"data": [a]}).encode()), {"a"}, most=1)
    yield ListRow("pagination null", says(200, json.dumps(
        {"data": [a], "pagination": None}).encode()), {"a"}, most=1)
    yield ListRow("an empty token", page([a], ""), {"a"}, most=1)
    yield ListRow("the project has no jobs", page([]), set(), most=1)
    for name, text in [("nothing", ""), ("null", "null"), ("[]", "[]"), ("{}", "{}"),
                       ("a string", '"x"'), ("data null", '{"data":null}'),
                       ("data an object", '{"data":{}}'), ("HTML", "<html>"),
                       ("a list cut off", '{"data":[{"restore_job_id":"a"}'),
                       ("a number for a token", '{"data":[],"pagination":{"next":7}}'),
                       ("pagination an array", '{"data":[],"pagination":[]}'),
                       ("depth of 10,000", '{"data":' + "[" * 10000)]:
        yield ListRow(f"a list that is {name}", says(200, text.encode()), "EIO", most=1)
    for status, sees, most in [(401, "EACCES", 1), (403, "EACCES", 1), (404, "EIO", 1),
                               (400, "EIO", 1), (429, "EBUSY", 4), (500, "EIO", 4)]:
        yield ListRow(f"a list that is {status}", says(status), sees, most=most)
    yield ListRow("a list that is elsewhere", says(302, headers=[f"Location: {decoy}/restore-jobs"]),
                  "EREMOTEIO", most=1)
    yield ListRow("a list that never comes", silent_after(b""), "ETIMEDOUT", most=1)
    yield ListRow("a list of 17 MiB", floods(
        plain(200, length=17 * MIB), b" " * 65536, 17 * 16), "EFBIG", most=1)
    yield ListRow("a second page that is 500", in_turn(page([a], "1"), says(500)), "EIO", most=5,
                  partly=True)
    yield ListRow("a second page that never comes", in_turn(page([a], "1"), silent_after(b"")),
                  "ETIMEDOUT", most=2, partly=True)
    yield ListRow("a second page that is no list", in_turn(page([a], "1"), says(200, b"{}")), "EIO",
                  most=2, partly=True)
