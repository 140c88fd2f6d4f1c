"""What the peers' scripts share: names of workloads, shapes, and how time is taken."""
import math
import sys
import time


def names(patterns):
    """The names on standard input that contain one of the patterns; all without any."""
    lines = [line.strip() for line in sys.stdin]
    lines = [line for line in lines if line and not line.startswith("#")]
    return [n for n in lines if not patterns or any(p in n for p in patterns)]


def parse(name):
    """Kind, subject and batch size of a name such as step:mlp:2-64-64-2:tanh@32."""
    kind, rest = name.split(":", 1)
    subject, _, batch = rest.partition("@")
    return kind, subject, int(batch or 1)


def sizes(text):
    return [int(s) for s in text.split("x")]


def mlp_shapes(subject):
    widths = [int(w) for w in subject.split(":")[1].split("-")]
    return [s for a, b in zip(widths, widths[1:]) for s in ((b, a), (b,))]


LENET_SHAPES = [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,),
                (10, 84), (10,)]
BLOCK_SHAPES = [(128,), (128,), (384, 128), (384,), (128, 128), (128,), (128,), (128,), (512, 128),
                (512,), (128, 512), (128,)]


def spread(shape):
    return 0.1 if len(shape) == 1 else 1 / math.sqrt(math.prod(shape) / shape[0])


def median_microseconds(run, wait):
    """The median over batches of calls, each batch as long as 20 ms at least, waited for at its end."""
    def batch(n):
        start = time.perf_counter()
        for _ in range(n):
            run()
        wait()
        return (time.perf_counter() - start) / n

    n, end = 1, time.perf_counter() + 1.0
    while time.perf_counter() < end:
        seconds = batch(n)
        n = max(1, min(2000, int(0.02 / max(seconds, 1e-7))))
    times = sorted(batch(n) for _ in range(25))
    return times[len(times) // 2] * 1e6


def report(variant, name, microseconds):
    print(f"{variant}\t{name}\t{microseconds:.3f}", flush=True)
