"""A gRPC server whose messages are plain bytes, so that it needs no generated code.

Says its port, then what happens to its calls, a line each. Reads words from its standard input:
`serving` and `not-serving` set what its health service says, `decline` and `accept` whether it
takes calls at all.
"""

import sys
import threading
from concurrent import futures

import grpc

NAME = sys.argv[1].encode()
mood = {"serving": True, "declines": False}


def say(*words):
    print(*words, flush=True)


def watch(context, what):
    """Says when the call ends, and waits for that."""
    ended = threading.Event()
    context.add_callback(lambda: (say("ended", what), ended.set()))
    return ended


def unary(request, context):
    say("unary")
    if mood["declines"]:
        context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
    return NAME + b":" + request


def collect(requests, context):
    return b"+".join(requests)


def count(request, context):
    for number in range(int(request)):
        yield str(number).encode()


def chat(requests, context):
    for request in requests:
        say("heard", request.decode())
        yield b"re:" + request
    say("heard all")


def metadata(request, context):
    got = dict(context.invocation_metadata())
    context.send_initial_metadata((("x-head", "h"), ("x-head-bin", b"\x00\xff")))
    context.set_trailing_metadata((("x-tail", "t"), ("x-tail-bin", b"\xff\x00")))
    return f"{got.get('x-ask')} {got.get('x-ask-bin')!r}".encode()


def fail(request, context):
    code, message = request.decode().split(" ", 1)
    codes = {status.value[0]: status for status in grpc.StatusCode}
    context.abort(codes[int(code)], message)


def fail_late(request, context):
    yield b"first"
    fail(request, context)


def hang(request, context):
    ended = watch(context, "hang")
    # Without a deadline it is a very large number.
    say("left", "some" if context.time_remaining() < 100 else "much")
    ended.wait()
    return b""


def hang_late(request, context):
    ended = watch(context, "hang_late")
    yield b"first"
    ended.wait()


def blob(request, context):
    return request


def health(request, context):
    return b"\x08\x01" if mood["serving"] else b"\x08\x02"


def service(name, unary_unary=(), unary_stream=(), stream_unary=(), stream_stream=()):
    handlers = {f.__name__: grpc.unary_unary_rpc_method_handler(f) for f in unary_unary}
    handlers |= {f.__name__: grpc.unary_stream_rpc_method_handler(f) for f in unary_stream}
    handlers |= {f.__name__: grpc.stream_unary_rpc_method_handler(f) for f in stream_unary}
    handlers |= {f.__name__: grpc.stream_stream_rpc_method_handler(f) for f in stream_stream}
    return grpc.method_handlers_generic_handler(name, handlers)


def main():
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=64), options=unlimited)
    check = {"Check": grpc.unary_unary_rpc_method_handler(health)}
    server.add_generic_rpc_handlers((
        service(
            "test.Echo",
            [unary, metadata, fail, hang, blob],
            [count, fail_late, hang_late],
            [collect],
            [chat],
        ),
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", check),
    ))
    port = server.add_insecure_port(sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:0")
    server.start()
    say(port)
    for line in sys.stdin:
        word = line.strip()
        if word in ("serving", "not-serving"):
            mood["serving"] = word == "serving"
        elif word in ("decline", "accept"):
            mood["declines"] = word == "decline"
        say("is", word)


main()
