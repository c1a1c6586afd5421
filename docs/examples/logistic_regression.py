"""Logistic regression with exact derivatives: fit, standard errors, influence of each row.

The probability that a mass is malignant is 1 / (1 + exp(-x'w)). All that the analysis needs is a
derivative of one function, the negative log-likelihood of w:

    gradient               ->  the fit w, by scipy.optimize.minimize
    Hessian H              ->  standard errors, sqrt(diag(H^-1))
    gradient g_i of row i  ->  the change of w when row i is left out, H^-1 g_i to first order

The data are 569 breast masses, see docs/data/README.md. Run it with `make demo`.
"""

from __future__ import annotations

import importlib.util
import timeit
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import scipy.optimize

import jitad.numpy as jnp
from jitad import grad, hessian, jit, value_and_grad, vmap

DOCS = Path(__file__).resolve().parent.parent
# perimeter and area are functions of radius; compactness and concavity follow concave_points.
FEATURES = ["radius", "texture", "smoothness", "concave_points", "symmetry", "fractal_dimension"]
WATCHED = 1 + FEATURES.index("concave_points")


def loss(w, x, y, numpy=jnp):
    """Negative log-likelihood of labels y at rows x: sum of log(1 + exp(x'w)) - y x'w."""
    z = x @ w
    return numpy.sum(numpy.logaddexp(0.0, z) - y * z)


def load() -> tuple[np.ndarray, np.ndarray]:
    """A column of ones and the standardised features, [569, 7], and the labels, [569]."""
    table = np.genfromtxt(DOCS / "data" / "breast_cancer.csv", delimiter=",", names=True)
    x = np.column_stack([table[name] for name in FEATURES])
    return np.column_stack([np.ones(len(x)), (x - x.mean(0)) / x.std(0)]), table["malignant"]


def reweighted_least_squares(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit and standard errors by another way: Newton's method, derivatives by hand."""
    w, information = np.zeros(x.shape[1]), np.eye(x.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-x @ w))
        information = (x.T * (p * (1 - p))) @ x
        w = w + np.linalg.solve(information, x.T @ (y - p))
    return w, np.sqrt(np.diag(np.linalg.inv(information)))


def gradients(x: np.ndarray, y: np.ndarray) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """The gradient of the loss by every means at hand, for the table of times."""

    def differences(w: np.ndarray) -> np.ndarray:
        steps = 1e-6 * np.eye(len(w))
        return np.array([(loss(w + s, x, y, np) - loss(w - s, x, y, np)) / 2e-6 for s in steps])

    compiled = jit(grad(loss))
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "jitad": lambda w: compiled(w, x, y),
        "NumPy by hand": lambda w: x.T @ (1 / (1 + np.exp(-(x @ w))) - y),
        "central differences": differences,
    }
    if importlib.util.find_spec("autograd"):
        import autograd.numpy

        ways["autograd"] = autograd.grad(lambda w: loss(w, x, y, autograd.numpy))
    if importlib.util.find_spec("jax"):
        import jax

        jax.config.update("jax_enable_x64", True)
        with_jax = jax.jit(jax.grad(lambda w: loss(w, x, y, jax.numpy)))
        ways["JAX"] = lambda w: np.asarray(with_jax(w))
    return ways


def main() -> None:
    x, y = load()
    objective = jit(value_and_grad(loss))
    fit = scipy.optimize.minimize(objective, np.zeros(x.shape[1]), args=(x, y), jac=True, tol=1e-6)
    w = np.asarray(fit.x)
    inverse = np.linalg.inv(jit(hessian(loss))(w, x, y))
    error = np.sqrt(np.diag(inverse))
    print(f"{len(y)} masses, {y.sum():.0f} malignant; loss {fit.fun:.6f} after {fit.nfev} calls")
    print(f"\n{'':20}{'w':>9}{'std. error':>12}{'z':>8}")
    for name, *row in zip(["intercept", *FEATURES], w, error, w / error, strict=True):
        print("{:20}{:9.4f}{:12.4f}{:8.2f}".format(name, *row))
    w_irls, error_irls = reweighted_least_squares(x, y)
    print(f"\nagainst reweighted least squares: w differs by {abs(w - w_irls).max():.0e} at most,")
    print(f"standard errors by {abs(error - error_irls).max():.0e}")
    np.testing.assert_allclose([w, error], [w_irls, error_irls], rtol=1e-4)

    influence = np.asarray(jit(vmap(grad(loss), in_axes=(None, 0, 0)))(w, x, y)) @ inverse
    print("\nrows that weigh most on concave_points; its change when the row is left out:")
    for i in np.argsort(-abs(influence[:, WATCHED]))[:4]:
        again = reweighted_least_squares(np.delete(x, i, 0), np.delete(y, i))[0] - w
        print(f"  row {i:3}: {influence[i, WATCHED]:+.4f} to first order,", end=" ")
        print(f"{again[WATCHED]:+.4f} by fitting again")

    print(f"\n{'gradient':20}{'us a call':>10}{'/ jitad':>9}{'error':>8}")
    times, ways = {}, gradients(x, y)
    exact = x.T @ (1 / (1 + np.exp(-(x @ w_irls) / 2)) - y)
    for name, way in ways.items():
        wrong = abs(way(w_irls / 2) - exact).max()
        timer = timeit.Timer(lambda way=way: way(w))
        number = max(1, int(0.05 / timer.timeit(1)))
        times[name] = min(timer.repeat(7, number)) / number * 1e6
        print(f"{name:20}{times[name]:10.1f}{times[name] / times['jitad']:9.1f}{wrong:8.0e}")

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    left.errorbar(w, ["intercept", *FEATURES], xerr=1.96 * error, fmt="o", capsize=3)
    left.axvline(0, color="grey", linewidth=0.8)
    left.set(title="coefficients, 95% intervals", xlabel="log odds per standard deviation")
    middle.stem(influence[:, WATCHED], markerfmt=" ", basefmt=" ")
    middle.set(title="influence on concave_points", xlabel="row", ylabel="change when left out")
    right.plot(list(times.values()), list(times), "o")
    right.set(title="one gradient", xlabel="microseconds", xscale="log", xlim=(5, 1000))
    right.xaxis.set_minor_formatter("")
    right.grid(alpha=0.3)
    output = Path(__file__).parent / "output"
    output.mkdir(exist_ok=True)
    for name in ("logistic_regression.png", "logistic_regression.svg"):
        figure.savefig(output / name, dpi=120)
        print(f"{'plot:':6}docs/examples/output/{name}")


if __name__ == "__main__":
    main()
