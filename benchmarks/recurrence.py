"""Times what RecurrenceBenchmark times, of PyTorch, and prints microseconds.

Usage: python3 recurrence.py [THREADS]
"""
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)


def best(run):
    end = time.perf_counter() + 2
    while time.perf_counter() < end:
        run()
    times = []
    for _ in range(10):
        start, n = time.perf_counter(), 0
        while time.perf_counter() < start + 0.3:
            run()
            n += 1
        times.append((time.perf_counter() - start) / n)
    return 1e6 * min(times)


def workload(steps, batch, width, module):
    x = torch.randn(steps, batch, width)
    if module:
        rnn = torch.nn.RNN(width, width)
        loss = lambda: rnn(x)[1].square().mean()
        weights = list(rnn.parameters())
    else:
        scale = width ** -0.5
        w = (torch.randn(width, width) * scale).requires_grad_()
        u = (torch.randn(width, width) * scale).requires_grad_()
        b = (torch.randn(width) * 0.1).requires_grad_()
        weights = [w, u, b]

        def loss():
            h = torch.zeros(batch, width)
            for t in range(steps):
                h = torch.tanh(x[t] @ w + h @ u + b)
            return h.square().mean()

    def forward():
        with torch.no_grad():
            loss()

    return best(forward), best(lambda: torch.autograd.grad(loss(), weights))


print("PyTorch", torch.__version__, "with", torch.get_num_threads(), "threads")
for sizes in [(100, 32, 128), (1000, 1, 16)]:
    for module in (False, True):
        name = "torch.nn.RNN" if module else "loop in Python"
        print(name, sizes, "forward %.0f, gradient %.0f" % workload(*sizes, module))
