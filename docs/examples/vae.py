"""A variational autoencoder: digits drawn from four numbers each.

A picture x of black and white pixels comes from a code z ~ N(0, I) by p(x | z), a product of
Bernoulli probabilities that a network (the decoder) gives. A second network (the encoder) guesses
the code, q(z | x) = N(mu(x), diag sigma(x)^2). For every q the evidence has the lower bound

    log p(x) >= ELBO = E_q[log p(x | z)] - KL(q(z | x) || p(z)),
    KL = sum_i (mu_i^2 + sigma_i^2 - 1 - log sigma_i^2) / 2,

which is raised with z = mu + sigma eps, eps ~ N(0, I), through which derivatives pass (Kingma &
Welling 2014). The mean of many samples inside of the logarithm is a tighter bound (Burda et al.
2016), so the evidence is bracketed from below twice. See both beat the exact log-likelihood of the
model without a code, one probability for each pixel: the code has learnt what the pixels share.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from adam import Adam, adam
from digits import SIZE, make_digits

import jitad.numpy as jnp
from jitad import grad, jit, lax, nn, random, vmap
from jitad.scipy.special import logsumexp, xlog1py, xlogy

CODE = 4
HIDDEN = 128
BATCH = 50
RATE = 2e-3

Params = dict[str, Any]


def dense(key: np.ndarray, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases of a layer."""
    return nn.initializers.glorot_normal()(key, (inputs, outputs), float), jnp.zeros(outputs)


def init(key: np.ndarray) -> Params:
    """Two layers each way."""
    keys = random.split(key, 4)
    pixels = SIZE * SIZE
    return {
        "encoder": [dense(keys[0], pixels, HIDDEN), dense(keys[1], HIDDEN, 2 * CODE)],
        "decoder": [dense(keys[2], CODE, HIDDEN), dense(keys[3], HIDDEN, pixels)],
    }


def network(layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray) -> np.ndarray:
    (w1, b1), (w2, b2) = layers
    return jnp.tanh(x @ w1 + b1) @ w2 + b2


def encode(params: Params, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean mu and log sigma of the code of the picture x."""
    mean, log_sigma = jnp.split(network(params["encoder"], x), 2)
    return mean, log_sigma


def log_likelihood(params: Params, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """log p(x | z): with the logit l of a pixel, x l - log(1 + e^l)."""
    logits = network(params["decoder"], z)
    return jnp.sum(x * logits - nn.softplus(logits))


def elbo(params: Params, x: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The bound for one picture, from one sample of its code."""
    mean, log_sigma = encode(params, x)
    z = mean + jnp.exp(log_sigma) * random.normal(key, mean.shape)
    divergence = jnp.sum(mean**2 + jnp.exp(2 * log_sigma) - 1 - 2 * log_sigma) / 2
    return log_likelihood(params, x, z) - divergence


def importance_bound(
    params: Params, x: np.ndarray, key: np.ndarray, samples: int = 100
) -> np.ndarray:
    """log mean p(x, z_k) / q(z_k | x) over `samples` codes of one picture."""
    mean, log_sigma = encode(params, x)
    noise = random.normal(key, (samples, CODE))
    codes = mean + jnp.exp(log_sigma) * noise
    log_prior = -jnp.sum(codes**2, axis=1) / 2
    log_q = -jnp.sum(noise**2 / 2 + log_sigma, axis=1)
    log_p = vmap(log_likelihood, in_axes=(None, None, 0))(params, x, codes)
    return logsumexp(log_p + log_prior - log_q) - np.log(samples)


def averaged(bound: Any) -> Any:
    """A bound's mean over pictures (n, pixels)."""

    def average(params: Params, pictures: np.ndarray, key: np.ndarray) -> np.ndarray:
        keys = random.split(key, len(pictures))
        return jnp.mean(vmap(bound, in_axes=(None, 0, 0))(params, pictures, keys))

    return average


@jit
def epoch(state: Adam, key: np.ndarray, pictures: np.ndarray) -> Adam:
    """A pass over all pictures in random order, one step up the bound for each batch."""
    order, noise = random.split(key)
    batches = random.permutation(order, len(pictures)).reshape(-1, BATCH)

    def step(state: Adam, batch: tuple[np.ndarray, np.ndarray]) -> tuple[Adam, None]:
        rows, key = batch
        uphill = grad(averaged(lambda *args: -elbo(*args)))(state.params, pictures[rows], key)
        return state.step(uphill, RATE), None

    return lax.scan(step, state, (batches, random.split(noise, len(batches))))[0]


def independent_pixels(training: np.ndarray, testing: np.ndarray) -> float:
    """Log-likelihood of a picture if each pixel has a probability of its own and nothing else."""
    p = (training.sum(axis=0) + 1) / (len(training) + 2)
    return float(jnp.mean(jnp.sum(xlogy(testing, p) + xlog1py(1 - testing, -p), axis=1)))


def main(count: int = 5000, epochs: int = 20) -> tuple[float, float]:
    """Train on `count` pictures; both bounds for a thousand others, in nats a picture."""
    training, testing, start, order = random.split(random.key(0), 4)
    pictures, _ = make_digits(training, count + 1000, shift=0, noise=0.15)
    pictures = (pictures > 0.4).reshape(len(pictures), -1).astype(float)
    pictures, held_out = pictures[:count], pictures[count:]
    baseline = independent_pixels(pictures, held_out)
    print(f"independent pixels {baseline:.2f}")
    state, bound = adam(init(start)), jit(averaged(elbo))
    for i, key in enumerate(random.split(order, epochs)):
        state = epoch(state, key, pictures)
        if i % 5 == 4:
            print(f"epoch {i + 1:2d}: ELBO {float(bound(state.params, held_out, key)):.2f}")
    reached = float(bound(state.params, held_out, testing))
    tighter = float(jit(averaged(importance_bound))(state.params, held_out, testing))
    print(f"ELBO {reached:.2f} <= importance-weighted bound {tighter:.2f} <= log p(x)")
    assert baseline < reached < tighter < 0
    return reached, tighter


if __name__ == "__main__":
    main()
