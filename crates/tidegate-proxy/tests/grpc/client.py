"""A gRPC client that plays a scene against a server of `server.py`, and says what it saw.

    client.py ADDRESS SCENE [WORD]
"""

import sys
import threading
import time

import grpc

ADDRESS, SCENE, *WORDS = sys.argv[1:]
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Retries are the balancer's to make.
    ("grpc.enable_retries", 0),
]
# Nothing in a test takes longer, unless it hangs.
PATIENCE = 20


def say(*words):
    print(*words, flush=True)


def method(channel, kind, name):
    return getattr(channel, kind)(f"/test.Echo/{name}")


def outcome(act):
    """What an act ends with: its result, or a status and its message."""
    try:
        return act()
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"


def kinds(channel):
    say(method(channel, "unary_unary", "unary")(b"hi", timeout=PATIENCE).decode())
    collect = method(channel, "stream_unary", "collect")
    say(collect(iter([b"a", b"b", b"c"]), timeout=PATIENCE).decode())
    count = method(channel, "unary_stream", "count")
    say(b" ".join(count(b"5", timeout=PATIENCE)).decode())
    say(b" ".join(method(channel, "stream_stream", "chat")(iter([]), timeout=PATIENCE)) == b"")


class Talk:
    """What one side of a conversation says, one message when it is told to."""

    def __init__(self):
        self.messages, self.turn = [], threading.Condition()

    def say(self, message):
        with self.turn:
            self.messages.append(message)
            self.turn.notify()

    def __iter__(self):
        return self

    def __next__(self):
        with self.turn:
            while not self.messages:
                self.turn.wait()
            message = self.messages.pop(0)
        if message is None:
            raise StopIteration
        return message


def chat(channel):
    """Each message is answered before the next is sent: neither side waits for the other's end."""
    talk = Talk()
    replies = method(channel, "stream_stream", "chat")(talk, timeout=PATIENCE)
    for message in (b"one", b"two", b"three"):
        talk.say(message)
        say(next(replies).decode())
    talk.say(None)
    say(list(replies), replies.code().name)


def metadata(channel):
    given = (("x-ask", "a"), ("x-ask-bin", b"\x01\xfe"))
    call = method(channel, "unary_unary", "metadata").with_call
    reply, call = call(b"", metadata=given, timeout=PATIENCE)
    say(reply.decode())
    head, tail = dict(call.initial_metadata()), dict(call.trailing_metadata())
    say(head["x-head"], head["x-head-bin"], tail["x-tail"], tail["x-tail-bin"])


def errors(channel):
    fail = method(channel, "unary_unary", "fail")
    for request in (b"5 no such thing", "13 50 % für dich".encode(), b"16 who"):
        say(outcome(lambda: fail(request, timeout=PATIENCE)))
    late = method(channel, "unary_stream", "fail_late")
    replies = late(b"10 lost", timeout=PATIENCE)
    say(next(replies).decode(), outcome(lambda: next(replies)))
    say(outcome(lambda: method(channel, "unary_unary", "none")(b"", timeout=PATIENCE)))


def hang(channel):
    """For as long as the client waits: a number of seconds, or none."""
    timeout = float(WORDS[0]) if WORDS else None
    say(outcome(lambda: method(channel, "unary_unary", "hang")(b"", timeout=timeout)))


def hang_late(channel):
    replies = method(channel, "unary_stream", "hang_late")(b"")
    say(next(replies).decode(), outcome(lambda: next(replies)))


def cancel(channel):
    replies = method(channel, "unary_stream", "hang_late")(b"")
    say(next(replies).decode())
    replies.cancel()
    say(outcome(lambda: next(replies)))
    # The channel stays open: it is the stream that is cancelled.
    sys.stdin.readline()


def blob(channel):
    body = bytes(range(256)) * (4 << 12)
    say(len(body), method(channel, "unary_unary", "blob")(body, timeout=PATIENCE) == body)


def quiet(channel):
    """A conversation with nothing but keepalive pings in it for a while."""
    talk = Talk()
    replies = method(channel, "stream_stream", "chat")(talk)
    talk.say(b"before")
    say(next(replies).decode())
    time.sleep(1.5)
    talk.say(b"after")
    talk.say(None)
    say(next(replies).decode(), list(replies))


def many(channel):
    """So many calls, one after the other, and what they said."""
    unary = method(channel, "unary_unary", "unary")
    said = [outcome(lambda: unary(b"", timeout=PATIENCE)) for _ in range(int(WORDS[0]))]
    for word in sorted(set(map(str, said))):
        say(sum(str(other) == word for other in said), word)


def load(channel):
    """Calls on many threads until a line comes in, then how many failed, and how."""
    unary = method(channel, "unary_unary", "unary")
    repeatable = (("idempotency-key", "k"),)
    ending, failed, served = threading.Event(), [], []

    def work():
        while not ending.is_set():
            try:
                served.append(unary(b"", metadata=repeatable, timeout=PATIENCE))
            except grpc.RpcError as error:
                failed.append(f"{error.code().name}: {error.details()}")

    workers = [threading.Thread(target=work) for _ in range(16)]
    [worker.start() for worker in workers]
    while len(served) < 200:
        time.sleep(0.01)
    say("under load")
    sys.stdin.readline()
    before = len(served)
    while len(served) < before + 400 and not failed:
        time.sleep(0.01)
    ending.set()
    [worker.join() for worker in workers]
    say("failed", len(failed), sorted(set(failed)))


def main():
    options = list(OPTIONS)
    if SCENE == "quiet":
        options += [
            ("grpc.keepalive_time_ms", 100),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ]
    with grpc.insecure_channel(ADDRESS, options=options) as channel:
        globals()[SCENE](channel)


main()
