"""Times the workloads named on standard input with PyTorch: eager, CUDA graphs and torch.compile.

Usage: python3 torch_times.py eager|graph|compile [PATTERN...] < workloads.txt
Prints variant, workload and median microseconds, a line each. On a machine without a GPU it runs on
the processor, eager only: a check of the script and no measurement.
"""
import sys

import torch
import torch.nn.functional as F

import workloads as w

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
wait = torch.cuda.synchronize if DEVICE == "cuda" else lambda: None
torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False


def normal(*shape, scale=1.0):
    return torch.randn(*shape, device=DEVICE) * scale


def parameters(shapes):
    return [normal(*s, scale=w.spread(s)).requires_grad_() for s in shapes]


def logits(subject, p, x):
    if subject == "lenet":
        x = F.max_pool2d(F.relu(F.conv2d(x, p[0], p[1], padding=2)), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, p[2], p[3])), 2).flatten(1)
        x = F.relu(F.linear(x, p[4], p[5]))
        return F.linear(F.relu(F.linear(x, p[6], p[7])), p[8], p[9])
    act = {"tanh": torch.tanh, "relu": torch.relu, "gelu": F.gelu}[subject.split(":")[2]]
    for i in range(0, len(p), 2):
        x = F.linear(x if i == 0 else act(x), p[i], p[i + 1])
    return x


def classifier(subject, batch):
    lenet = subject == "lenet"
    p = parameters(w.LENET_SHAPES if lenet else w.mlp_shapes(subject))
    x = normal(batch, 1, 28, 28) if lenet else normal(batch, p[0].shape[1])
    y = torch.randint(0, p[-1].shape[0], (batch,), device=DEVICE)
    return p, lambda q: F.cross_entropy(logits(subject, q, x), y)


def step(subject, batch):
    p, loss = classifier(subject, batch)
    sgd = torch.optim.SGD(p, lr=0.01, momentum=0.9)

    def run():
        sgd.zero_grad(set_to_none=True)
        loss(p).backward()
        sgd.step()
    return run


def gradient(subject, batch):
    p, loss = classifier(subject, batch)
    return lambda: torch.autograd.grad(loss(p), p)


def hvp(subject, batch):
    p, loss = classifier(subject, batch)
    v = [torch.randn_like(t) for t in p]

    def run():
        g = torch.autograd.grad(loss(p), p, create_graph=True)
        return torch.autograd.grad(g, p, v)
    return run


def block16(subject, batch):
    p, loss = classifier(subject, batch)
    vs = [torch.randn(16, *t.shape, device=DEVICE) for t in p]

    def run():
        g = torch.autograd.grad(loss(p), p, create_graph=True)
        return torch.autograd.grad(g, p, vs, is_grads_batched=True)
    return run


def functional(kind, subject, batch):
    """What torch.compile can take whole: derivatives as transforms of a function, an update in place."""
    p, loss = classifier(subject, batch)
    p = [t.detach() for t in p]
    slope = torch.func.grad(loss)
    lead = (16,) if kind == "block16" else ()
    v = [torch.randn(*lead, *t.shape, device=DEVICE) for t in p]
    momentum = [torch.zeros_like(t) for t in p]

    def along(u):
        return torch.func.jvp(slope, (p,), (u,))[1]

    def update():
        g = slope(p)
        torch._foreach_mul_(momentum, 0.9)
        torch._foreach_add_(momentum, g)
        torch._foreach_add_(p, momentum, alpha=-0.01)

    return {"step": update, "gradient": lambda: slope(p), "hvp": lambda: along(v),
            "block16": lambda: torch.func.vmap(along)(v)}[kind]


def block(kind, p, x):
    n, t, d = x.shape
    y = F.linear(F.layer_norm(x, (d,), p[0], p[1]), p[2], p[3])
    q, k, v = y.view(n, t, 3, 4, 32).permute(2, 0, 3, 1, 4)
    if kind == "fused":
        mixed = F.scaled_dot_product_attention(q, k, v)
    else:
        mixed = torch.softmax(q @ k.transpose(-1, -2) / 32 ** 0.5, -1) @ v
    z = x + F.linear(mixed.transpose(1, 2).reshape(n, t, d), p[4], p[5])
    inner = F.linear(F.layer_norm(z, (d,), p[6], p[7]), p[8], p[9])
    return z + F.linear(F.gelu(inner), p[10], p[11])


def transformer(kind, batch):
    p = parameters(w.BLOCK_SHAPES)
    x = normal(batch, 64, 128).requires_grad_()
    above = normal(batch, 64, 128)
    return lambda: torch.autograd.grad(block(kind, p, x), [*p, x], above)


def rows(kind, subject):
    name, dims = subject.split(":")
    dims = w.sizes(dims)
    x = [normal(*dims)] + ([normal(dims[1]), normal(dims[1])] if name == "layerNorm" else [])
    f = {"softmax": lambda a: torch.softmax(a, -1), "gelu": F.gelu,
         "layerNorm": lambda a, s, b: F.layer_norm(a, (dims[1],), s, b)}[name]
    if kind == "forward":
        return lambda: f(*x)
    for t in x:
        t.requires_grad_()
    above = normal(*dims)
    return lambda: torch.autograd.grad(f(*x), x, above)


def density(subject, batch):
    """Ten Lanczos runs of 100 steps with full re-orthogonalisation, as PyHessian does them."""
    p, loss = classifier(subject, batch)
    n = sum(t.numel() for t in p)

    def product(v):
        parts, at = [], 0
        for t in p:
            parts.append(v[at:at + t.numel()].view_as(t))
            at += t.numel()
        g = torch.autograd.grad(loss(p), p, create_graph=True)
        return torch.cat([h.reshape(-1) for h in torch.autograd.grad(g, p, parts)])

    def run():
        for _ in range(10):
            basis = torch.zeros(101, n, device=DEVICE)
            basis[0] = F.normalize(torch.randint(0, 2, (n,), device=DEVICE) * 2.0 - 1, dim=0)
            for k in range(100):
                u = product(basis[k])
                for _ in range(2):
                    u = u - basis[:k + 1].T @ (basis[:k + 1] @ u)
                basis[k + 1] = F.normalize(u, dim=0)
    return run


def product(subject, batch):
    m, k, n = w.sizes(subject)
    lead = [] if batch == 1 else [batch]
    a, b = normal(*lead, m, k), normal(*lead, k, n)
    return lambda: a @ b


def inverse(subject):
    n = int(subject)
    a = normal(n, 2 * n)
    a = a @ a.T / n
    return lambda: torch.cholesky_inverse(torch.linalg.cholesky(a))


def eigh(subject):
    n = int(subject)
    a = normal(n, 2 * n)
    a = a @ a.T / n
    return lambda: torch.linalg.eigh(a)


def copy(subject):
    a = normal(int(subject))
    b = torch.empty_like(a)
    return lambda: b.copy_(a)


def make(name):
    kind, subject, batch = w.parse(name)
    return {"sgemm": lambda: product(subject, batch), "step": lambda: step(subject, batch),
            "gradient": lambda: gradient(subject, batch), "hvp": lambda: hvp(subject, batch),
            "block16": lambda: block16(subject, batch),
            "transformer": lambda: transformer(subject, batch),
            "forward": lambda: rows(kind, subject), "backward": lambda: rows(kind, subject),
            "density": lambda: density(subject, batch), "inverse": lambda: inverse(subject),
            "eigh": lambda: eigh(subject), "copy": lambda: copy(subject)}[kind]()


def captured(run):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def prepared(variant, name):
    if variant == "compile":
        torch._dynamo.reset()
        kind, subject, batch = w.parse(name)
        transformed = kind in ("step", "gradient", "hvp", "block16")
        return torch.compile(functional(kind, subject, batch) if transformed else make(name))
    run = make(name)
    return captured(run) if variant == "graph" else run


if __name__ == "__main__":
    variant = sys.argv[1]
    excluded = () if variant == "eager" else ("copy", "density", "eigh", "inverse")
    w.report("torch-" + variant, sys.argv[2:], lambda name: prepared(variant, name), wait, wait, excluded)
