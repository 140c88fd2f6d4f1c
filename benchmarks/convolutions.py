"""Times what LeNetBenchmark and ConvolutionBenchmark time, of PyTorch, and prints microseconds.

Usage: python3 convolutions.py [THREADS]
"""
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
WORKLOADS = [
    "64x1x28x28 6 5 1 2 1", "64x6x14x14 16 5 1 0 1", "32x64x56x56 64 3 1 1 1",
    "32x128x28x28 128 3 2 1 1", "32x64x56x56 256 1 1 0 1", "32x128x28x28 128 3 1 1 128"]


def median(run, seconds=1.0):
    for _ in range(3):
        run()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e6)
    return sorted(times)[len(times) // 2]


def lenet(activation):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = torch.nn.Conv2d(1, 6, 5, padding=2)
            self.conv2 = torch.nn.Conv2d(6, 16, 5)
            self.fc = torch.nn.ModuleList(
                [torch.nn.Linear(400, 120), torch.nn.Linear(120, 84), torch.nn.Linear(84, 10)])

        def forward(self, x):
            h = F.max_pool2d(activation(self.conv1(x)), 2)
            h = F.max_pool2d(activation(self.conv2(h)), 2).flatten(1)
            h = activation(self.fc[1](activation(self.fc[0](h))))
            return self.fc[2](h)

    net = Net()
    sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))

    def step():
        sgd.zero_grad()
        F.cross_entropy(net(x), y).backward()
        sgd.step()

    return step


for name, activation in [("relu", torch.relu), ("tanh", torch.tanh)]:
    print(f"lenet {name}@64 step {median(lenet(activation), 3.0):9.1f}")
for w in WORKLOADS:
    dims = [int(d) for d in w.split()[0].split("x")]
    out, k, stride, padding, groups = (int(v) for v in w.split()[1:])
    x = torch.randn(dims, requires_grad=True)
    weight = torch.randn(out, dims[1] // groups, k, k, requires_grad=True)
    f = lambda: F.conv2d(x, weight, None, stride, padding, 1, groups)
    with torch.no_grad():
        forward = median(f)
        u = torch.randn(f().shape)
    gradient = median(lambda: torch.autograd.grad((f() * u).sum(), (x, weight)))
    print(f"{w:28s} forward {forward:9.1f}  gradient {gradient:9.1f}")
