"""A loop of JAX with optax: a schedule, clipping, a compiled step; the optimizer is watched."""

import hashlib

import jax
import jax.numpy as jnp
import optax

import harness

key = jax.random.PRNGKey(0)
x = jax.random.normal(key, (128, 6))
y = jnp.sin(x[:, :1]) + x[:, 1:2]
params = harness.watch({
    "first": {"w": jax.random.normal(key, (6, 16)) * 0.3, "b": jnp.zeros(16)},
    "last": {"w": jax.random.normal(key, (16, 1)) * 0.3, "b": jnp.zeros(1)}})
optimizer = harness.watch(optax.chain(optax.clip_by_global_norm(1.0), optax.inject_hyperparams(
    optax.adamw)(learning_rate=optax.cosine_decay_schedule(0.03, 20))))


def compute_loss(params, x, y, key):
    """Return the loss of a batch, with dropout."""
    hidden = jax.nn.gelu(x @ params["first"]["w"] + params["first"]["b"])
    harness.record("hidden", hidden)
    hidden = hidden * jax.random.bernoulli(key, 0.8, hidden.shape) / 0.8
    return jnp.mean((hidden @ params["last"]["w"] + params["last"]["b"] - y) ** 2)


@jax.jit
def step(params, state, x, y, key):
    """Take one step."""
    loss, gradients = harness.watch(jax.value_and_grad(compute_loss))(params, x, y, key)
    updates, state = optimizer.update(gradients, state, params)
    return optax.apply_updates(params, updates), state, loss


state = optimizer.init(params)
for i in range(12):
    chosen = jax.random.permutation(jax.random.fold_in(key, i), 128)[:32]
    params, state, loss = step(params, state, x[chosen], y[chosen], jax.random.fold_in(key, i))
    print(i, float(loss))
print(hashlib.sha256(b"".join(jax.device_get(leaf).tobytes() for leaf
                              in jax.tree_util.tree_leaves(params))).hexdigest())
