"""Times the workloads named on standard input with JAX, each one jitted function.

Usage: python3 jax_times.py [PATTERN...] < workloads.txt
Prints variant, workload and median microseconds, a line each.
"""
import sys

import jax
import jax.numpy as jnp

import workloads as w

jax.config.update("jax_default_matmul_precision", "highest")
KEYS = iter(jax.random.split(jax.random.key(0), 1000))
LAST = []


def normal(*shape, scale=1.0):
    return jax.random.normal(next(KEYS), shape) * scale


def parameters(shapes):
    return [normal(*s, scale=w.spread(s)) for s in shapes]


def convolve(x, weight, bias, padding):
    pad = [(padding, padding)] * 2
    y = jax.lax.conv_general_dilated(x, weight, (1, 1), pad)
    return jax.nn.relu(y + bias[:, None, None])


def pool(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def logits(subject, p, x):
    if subject == "lenet":
        x = pool(convolve(pool(convolve(x, p[0], p[1], 2)), p[2], p[3], 0)).reshape(len(x), -1)
        x = jax.nn.relu(x @ p[4].T + p[5])
        return jax.nn.relu(x @ p[6].T + p[7]) @ p[8].T + p[9]
    act = {"tanh": jnp.tanh, "relu": jax.nn.relu,
           "gelu": lambda a: jax.nn.gelu(a, approximate=False)}[subject.split(":")[2]]
    for i in range(0, len(p), 2):
        x = (x if i == 0 else act(x)) @ p[i].T + p[i + 1]
    return x


def classifier(subject, batch):
    lenet = subject == "lenet"
    p = parameters(w.LENET_SHAPES if lenet else w.mlp_shapes(subject))
    x = normal(batch, 1, 28, 28) if lenet else normal(batch, p[0].shape[1])
    y = jax.random.randint(next(KEYS), (batch,), 0, p[-1].shape[0])

    def loss(q, x, y):
        z = jax.nn.log_softmax(logits(subject, q, x))
        return -jnp.take_along_axis(z, y[:, None], 1).mean()
    return p, loss, (x, y)


def step(subject, batch):
    p, loss, data = classifier(subject, batch)

    def update(p, m, x, y):
        g = jax.grad(loss)(p, x, y)
        m = jax.tree.map(lambda a, b: 0.9 * a + b, m, g)
        return jax.tree.map(lambda a, b: a - 0.01 * b, p, m), m

    f = jax.jit(update, donate_argnums=(0, 1))
    state = [p, jax.tree.map(jnp.zeros_like, p)]

    def run():
        state[0], state[1] = f(state[0], state[1], *data)
        return state
    return run


def hvp(subject, batch, block=None):
    p, loss, data = classifier(subject, batch)

    def product(p, v, x, y):
        return jax.jvp(lambda q: jax.grad(loss)(q, x, y), (p,), (v,))[1]

    lead = [] if block is None else [block]
    v = [normal(*lead, *t.shape) for t in p]
    f = jax.jit(product if block is None
                else jax.vmap(product, in_axes=(None, 0, None, None)))
    return lambda: f(p, v, *data)


def gradient(subject, batch):
    p, loss, data = classifier(subject, batch)
    f = jax.jit(jax.grad(loss))
    return lambda: f(p, *data)


def norm(x, scale, shift):
    m = x.mean(-1, keepdims=True)
    v = ((x - m) ** 2).mean(-1, keepdims=True)
    return (x - m) * jax.lax.rsqrt(v + 1e-5) * scale + shift


def block(kind, p, x):
    n, t, d = x.shape
    y = norm(x, p[0], p[1]) @ p[2].T + p[3]
    q, k, v = y.reshape(n, t, 3, 4, 32).transpose(2, 0, 3, 1, 4)
    if kind == "fused":
        q, k, v = (a.transpose(0, 2, 1, 3) for a in (q, k, v))
        mixed = jax.nn.dot_product_attention(q, k, v)
    else:
        mixed = jax.nn.softmax(q @ k.swapaxes(-1, -2) / 32 ** 0.5) @ v
        mixed = mixed.transpose(0, 2, 1, 3)
    z = x + mixed.reshape(n, t, d) @ p[4].T + p[5]
    inner = norm(z, p[6], p[7]) @ p[8].T + p[9]
    return z + jax.nn.gelu(inner, approximate=False) @ p[10].T + p[11]


def transformer(kind, batch):
    p, x, above = parameters(w.BLOCK_SHAPES), normal(batch, 64, 128), normal(batch, 64, 128)
    f = jax.jit(lambda p, x, g: jax.vjp(lambda *a: block(kind, *a), p, x)[1](g))
    return lambda: f(p, x, above)


def rows(kind, subject):
    name, dims = subject.split(":")
    dims = w.sizes(dims)
    x = [normal(*dims)] + ([normal(dims[1]), normal(dims[1])] if name == "layerNorm" else [])
    g = {"softmax": jax.nn.softmax, "layerNorm": norm,
         "gelu": lambda a: jax.nn.gelu(a, approximate=False)}[name]
    if kind == "forward":
        f = jax.jit(g)
        return lambda: f(*x)
    above = normal(*dims)
    f = jax.jit(lambda x, above: jax.vjp(g, *x)[1](above))
    return lambda: f(x, above)


def product(subject, batch):
    m, k, n = w.sizes(subject)
    lead = [] if batch == 1 else [batch]
    a, b = normal(*lead, m, k), normal(*lead, k, n)
    f = jax.jit(jnp.matmul)
    return lambda: f(a, b)


def inverse(subject):
    n = int(subject)
    a = normal(n, 2 * n)
    a = a @ a.T / n
    f = jax.jit(lambda a: jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(a), True), jnp.eye(n)))
    return lambda: f(a)


def eigh(subject):
    n = int(subject)
    a = normal(n, 2 * n)
    a = a @ a.T / n
    f = jax.jit(jnp.linalg.eigh)
    return lambda: f(a)


def make(name):
    kind, subject, batch = w.parse(name)
    return {"sgemm": lambda: product(subject, batch), "step": lambda: step(subject, batch),
            "gradient": lambda: gradient(subject, batch), "hvp": lambda: hvp(subject, batch),
            "block16": lambda: hvp(subject, batch, 16),
            "transformer": lambda: transformer(subject, batch),
            "forward": lambda: rows(kind, subject), "backward": lambda: rows(kind, subject),
            "eigh": lambda: eigh(subject), "inverse": lambda: inverse(subject)}[kind]()


def timed(name):
    work = make(name)

    def run():
        LAST[:] = [work()]
    return run


def wait():
    jax.block_until_ready(LAST)


def alive():
    jax.block_until_ready(jnp.zeros(1) + 1)


if __name__ == "__main__":
    w.report("jax-jit", sys.argv[1:], timed, wait, alive, ("copy", "density"))
