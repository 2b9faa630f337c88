"""A loop of JAX with optax, to try under two versions:

    harness try --baseline optax==0.2.3 --observed optax==0.2.5 -- python optax_loop.py

JAX has no objects that a recorder could find: ``harness.watch`` names initial parameters, the
optimizer, and what gives the loss. Outside a recorder ``watch`` and ``record`` do nothing.
"""

import jax
import jax.numpy as jnp
import optax

import harness

key = jax.random.PRNGKey(0)
x = jax.random.normal(key, (256, 8))
y = jnp.sin(3 * x[:, :1]) + x[:, 1:2] ** 2
params = harness.watch({"first": jax.random.normal(key, (8, 32)) * 0.3,
                        "last": jax.random.normal(key, (32, 1)) * 0.3})
optimizer = harness.watch(optax.inject_hyperparams(optax.adamw)(
    learning_rate=optax.cosine_decay_schedule(0.02, 100)))


def compute_loss(params, x, y):
    """Return the mean squared error of a batch."""
    hidden = jax.nn.gelu(x @ params["first"])
    harness.record("hidden", hidden)
    return jnp.mean((hidden @ params["last"] - y) ** 2)


@jax.jit
def step(params, state, x, y):
    """Take one step."""
    loss, gradients = harness.watch(jax.value_and_grad(compute_loss))(params, x, y)
    updates, state = optimizer.update(gradients, state, params)
    return optax.apply_updates(params, updates), state, loss


state = optimizer.init(params)
for i in range(100):
    chosen = jax.random.permutation(jax.random.fold_in(key, i), len(x))[:32]
    params, state, loss = step(params, state, x[chosen], y[chosen])
print(f"loss {float(compute_loss(params, x, y)):.6f}")
