"""PyHessian's half of benchmarks/curvature.sh: the curvature of digits-mlp in float32.

    python3 benchmarks/pyhessian.py FOLDER warm     each measurement with several seeds: a line of
                                                    tab-separated root mean square error, stated
                                                    error, products and median milliseconds
    python3 benchmarks/pyhessian.py FOLDER NAME     one measurement once

FOLDER has models/digits-mlp.safetensors, models/digits-mlp.spectrum.npz and data/digits.csv.
Needed are PyTorch, NumPy and PyHessian: `pip install pyhessian`, or a checkout of
https://github.com/amirgholami/PyHessian whose folder PYHESSIAN names.
"""

import json
import math
import os
import pathlib
import sys
import time
import warnings

# This file is named like what it measures: its own folder must not be searched for it.
sys.path[0] = os.environ.get("PYHESSIAN", "")

import numpy as np
import torch

try:
    import pyhessian
except ImportError:
    sys.exit(
        "pyhessian.py: there is no PyHessian; 'pip install pyhessian', or set PYHESSIAN to the"
        " folder of a checkout of https://github.com/amirgholami/PyHessian"
    )

RUNS = 5
SLOW_RUNS = 3
PROBES = 100

products = 0


def count_products():
    """Has each product with the Hessian counted."""
    module = sys.modules["pyhessian.hessian"]
    product = module.hessian_vector_product

    def counted(*arguments):
        global products
        products += 1
        return product(*arguments)

    module.hessian_vector_product = counted


def safetensors(file):
    """The float32 tensors of a file."""
    content = pathlib.Path(file).read_bytes()
    size = int.from_bytes(content[:8], "little")
    tensors = {}
    for name, entry in json.loads(content[8 : 8 + size]).items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            numbers = np.frombuffer(content[begin:end], "<f4").reshape(entry["shape"])
            tensors[name] = torch.from_numpy(numbers.copy())
    return tensors


def measured(folder):
    """What PyHessian measures: the network and all of the data in one batch."""
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 10))
    model.load_state_dict(safetensors(folder / "models/digits-mlp.safetensors"))
    table = np.loadtxt(folder / "data/digits.csv", delimiter=",", dtype=np.float32)
    inputs = torch.from_numpy(table[:, :-1].copy())
    labels = torch.from_numpy(table[:, -1].astype(np.int64))
    loss = torch.nn.CrossEntropyLoss()
    return pyhessian.hessian(model, loss, data=(inputs, labels), cuda=False)


def wasserstein1(values, weights, spectrum):
    """The area between two distribution functions."""
    points = np.concatenate([values, spectrum])
    mass = np.concatenate([weights / weights.sum(), np.full(len(spectrum), -1 / len(spectrum))])
    order = np.argsort(points, kind="stable")
    return float(np.sum(np.abs(np.cumsum(mass[order])[:-1]) * np.diff(points[order])))


def eigenvalues(hessian, spectrum):
    values, _ = hessian.eigenvalues(top_n=5)
    return max(abs(v / s - 1) for v, s in zip(values, spectrum))


def trace(hessian, spectrum):
    """All probes are used: a change is never below 0."""
    samples = hessian.trace(maxIter=PROBES, tol=0)
    return abs(np.mean(samples) / spectrum.sum() - 1)


def accurate_trace(hessian, spectrum):
    """Its tolerance is for the change that one more probe makes."""
    samples = hessian.trace(maxIter=10_000, tol=0.01)
    return abs(np.mean(samples) / spectrum.sum() - 1)


def density(hessian, spectrum):
    values, weights = hessian.density(iter=100, n_v=10)
    return wasserstein1(np.ravel(values), np.real(np.ravel(weights)), spectrum)


MEASUREMENTS = {
    "eigenvalues": eigenvalues,
    "trace": trace,
    "accurate-trace": accurate_trace,
    "density": density,
}


def warm(name, measure, hessian, spectrum):
    global products
    if measure is density:
        hessian.density(iter=5, n_v=1)
    else:
        measure(hessian, spectrum)
    products = 0
    runs = SLOW_RUNS if measure is density else RUNS
    errors, times = [], []
    for seed in range(runs):
        torch.manual_seed(seed)
        start = time.perf_counter()
        errors.append(measure(hessian, spectrum))
        times.append(1e3 * (time.perf_counter() - start))
    error = math.sqrt(np.mean(np.square(errors)))
    print(f"{name}\t{error:.1e}\tnone\t{products / runs:.0f}\t{np.median(times):.0f}", flush=True)


def main():
    warnings.filterwarnings("ignore", "Using backward.. with create_graph=True")
    folder = pathlib.Path(sys.argv[1])
    spectrum = np.load(folder / "models/digits-mlp.spectrum.npz")["hessian"]
    spectrum = spectrum[np.argsort(-np.abs(spectrum))]
    hessian = measured(folder)
    if sys.argv[2] == "warm":
        count_products()
        for name, measure in MEASUREMENTS.items():
            warm(name, measure, hessian, spectrum)
    else:
        MEASUREMENTS[sys.argv[2]](hessian, spectrum)


main()
