"""Times what CompositeBenchmark times, of PyTorch, and prints microseconds.

Usage: python3 composites.py [THREADS]
"""
import math
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
WORKLOADS = [
    "softmax@128x10", "softmax@512x1000", "softmax@64x32000", "logSoftmax@512x1000",
    "crossEntropy@128x10", "crossEntropy@512x1000", "layerNorm@128x64", "layerNorm@2048x768",
    "rmsNorm@2048x768", "batchNorm@2048x768", "gelu@2048x768", "attention@8x64x32",
    "attention@16x512x64"]


def function(name, dims):
    last = dims[-1]
    operands = {"layerNorm": [dims, [last], [last]], "batchNorm": [dims, [last], [last]],
                "rmsNorm": [dims, [last]], "attention": [dims, dims, dims]}.get(name, [dims])
    x = [torch.randn(d, requires_grad=True) for d in operands]
    labels = torch.randint(0, last, (dims[0],))
    f = {
        "softmax": lambda a: torch.softmax(a, -1),
        "logSoftmax": lambda a: torch.log_softmax(a, -1),
        "crossEntropy": lambda a: F.cross_entropy(a, labels),
        "layerNorm": lambda a, s, b: F.layer_norm(a, (last,), s, b),
        "rmsNorm": lambda a, s: a * torch.rsqrt(a.square().mean(-1, keepdim=True) + 1e-5) * s,
        "batchNorm": lambda a, s, b: F.batch_norm(a, None, None, s, b, training=True),
        "gelu": lambda a: F.gelu(a),
        "attention": lambda q, k, v:
            torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(last), -1) @ v,
    }[name]
    return f, x


def best(run):
    end = time.perf_counter() + 0.5
    while time.perf_counter() < end:
        run()
    times = []
    for _ in range(10):
        start, n = time.process_time() if CPU else time.perf_counter(), 0
        stop = time.perf_counter() + 0.05
        while time.perf_counter() < stop:
            run()
            n += 1
        now = time.process_time() if CPU else time.perf_counter()
        times.append((now - start) / n * 1e6)
    return min(times)


# On one thread the time of the processor, which other processes do not disturb as much.
CPU = torch.get_num_threads() == 1
for w in WORKLOADS:
    name, size = w.split("@")
    f, x = function(name, [int(d) for d in size.split("x")])
    with torch.no_grad():
        forward = best(lambda: f(*x))
        weights = torch.randn(f(*x).shape)
    gradient = best(lambda: torch.autograd.grad((f(*x) * weights).sum(), x))
    print(f"{w:24s} forward {forward:9.1f}  gradient {gradient:9.1f}")
