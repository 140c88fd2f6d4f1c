"""What the peers' scripts share: names of workloads, shapes, and how time is taken."""
import math
import signal
import sys
import time

# Seconds after which a workload is given up, and after which no more batches of it are timed.
LIMIT = 40
ENOUGH = 3


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
    times, end = [], time.perf_counter() + ENOUGH
    while len(times) < 3 or len(times) < 25 and time.perf_counter() < end:
        times.append(batch(n))
    times.sort()
    return times[len(times) // 2] * 1e6


def late(*_):
    raise TimeoutError(f"more than {LIMIT} s")


def report(variant, patterns, prepare, wait, alive, excluded=()):
    """Times workloads, a line each. One that fails does not end the others, unless the device is of no use after it:
    then the process ends with 3, and another one can go on behind that workload."""
    signal.signal(signal.SIGALRM, late)
    for name in names(patterns):
        if parse(name)[0] in excluded:
            print(f"# {variant} {name}: not timed", flush=True)
            continue
        try:
            signal.alarm(LIMIT)
            microseconds = median_microseconds(prepare(name), wait)
            signal.alarm(0)
            print(f"{variant}\t{name}\t{microseconds:.3f}", flush=True)
        except Exception as e:
            signal.alarm(0)
            why = " ".join(str(e).split())[:300]
            print(f"# {variant} {name}: {type(e).__name__}: {why}", flush=True)
            try:
                alive()
            except Exception:
                sys.exit(3)
