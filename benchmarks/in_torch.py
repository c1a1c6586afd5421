"""Some programs in PyTorch's own terms: its fused functions, its layouts, its transforms.

Each takes the module and gives the function that is called, by the name of its workload.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.black_scholes import price
from benchmarks.density import density
from benchmarks.measure import Call
from benchmarks.summary import PYTORCH

Program = Callable[[Any], Callable[..., Any]]

COMPILERS = ("g++", "clang++", "c++")


def torch_calls(name: str, inputs: Callable[[], Any]) -> dict[str, Callable[[], Call]]:
    """The contenders of the workload `name`, if it has a program here: as it is, and by
    `torch.compile`; both are given tensors, which share NumPy's memory. They raise
    ModuleNotFoundError without PyTorch, and the second without a C++ compiler."""
    program = PROGRAMS.get(name)
    if program is None:
        return {}

    def eager() -> Call:
        import torch

        return Call(program(torch), _tensors(torch, inputs()))

    def compiled() -> Call:
        import torch

        if not any(map(shutil.which, COMPILERS)):
            raise ModuleNotFoundError("expected a C++ compiler", name="c++")
        torch.compiler.reset()
        function = torch.compile(program(torch), dynamic=False)
        return Call(function, _tensors(torch, inputs()))

    return dict(zip(PYTORCH, (eager, compiled), strict=True))


def _tensors(torch: Any, tree: Any) -> Any:
    if isinstance(tree, np.ndarray | np.generic | float):
        return torch.as_tensor(tree, dtype=torch.float64 if isinstance(tree, float) else None)
    if isinstance(tree, dict):
        return {key: _tensors(torch, branch) for key, branch in tree.items()}
    return type(tree)([_tensors(torch, branch) for branch in tree])


def polynomial(t: Any) -> Callable[..., Any]:
    def f(x: Any, y: Any) -> Any:
        a = x * y + 0.5 * x
        b = a * a - y * x
        return t.clamp(b, min=0.25) * (a + 1.5) - t.abs(y - b) / 3

    return f


def functions(t: Any) -> Callable[..., Any]:
    return lambda x, y: t.sin(x) * t.exp(-y * y) + t.log1p(x * y) * t.tanh(y) + t.sqrt(x)


def greeks(t: Any) -> Callable[..., Any]:
    each = t.func.vmap(t.func.grad_and_value(price(t), argnums=(0, 2, 3, 4)))

    def f(*args: Any) -> Any:
        slopes, value = each(*args)
        return value, slopes

    return f


def sum_of_squares(axis: Any) -> Program:
    return lambda t: lambda x: t.sum(x * x, axis)


def normalised(t: Any) -> Callable[..., Any]:
    return lambda x: t.nn.functional.layer_norm(x, x.shape[-1:])


def normalised_gradient(t: Any) -> Callable[..., Any]:
    f = normalised(t)
    return t.func.grad(lambda x: t.sum(t.tanh(f(x))))


def mlp_step(t: Any) -> Callable[..., Any]:
    def loss(params: Any, x: Any, labels: Any) -> Any:
        for w, b in params[:-1]:
            x = t.tanh(t.addmm(b, x, w))
        w, b = params[-1]
        return t.nn.functional.cross_entropy(t.addmm(b, x, w), labels)

    gradient = t.func.grad(loss)

    def step(params: Any, x: Any, labels: Any) -> Any:
        slopes = gradient(params, x, labels)
        return [
            (w - 0.1 * dw, b - 0.1 * db) for (w, b), (dw, db) in zip(params, slopes, strict=True)
        ]

    return step


def attention(t: Any) -> Callable[..., Any]:
    return lambda q, k, v: t.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def attention_gradient(t: Any) -> Callable[..., Any]:
    f = attention(t)
    return t.func.grad(lambda *args: t.sum(f(*args) ** 2), argnums=(0, 1, 2))


def convolution(t: Any, groups: int = 1) -> Callable[..., Any]:
    """Of images [batch, rows, columns, features], which is PyTorch's order `channels_last`."""

    def f(x: Any, w: Any) -> Any:
        x, w = x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1)
        return t.nn.functional.conv2d(x, w, padding=1, groups=groups).permute(0, 2, 3, 1)

    return f


def convolution_gradient(t: Any) -> Callable[..., Any]:
    f = convolution(t)
    return t.func.grad(lambda x, w: t.sum(f(x, w) ** 2), argnums=(0, 1))


def logits(t: Any) -> Callable[..., Any]:
    """The small convolutional network."""
    same = convolution(t)

    def layer(x: Any, weights: Any) -> Any:
        w, b = weights
        x = t.relu(same(x, w) + b).permute(0, 3, 1, 2)
        return t.nn.functional.max_pool2d(x, 2).permute(0, 2, 3, 1)

    def f(params: Any, x: Any) -> Any:
        x = layer(layer(x, params["first"]), params["second"])
        w, b = params["dense"]
        return t.addmm(b, x.reshape(x.shape[0], -1), w)

    return f


def cnn_forward(t: Any) -> Callable[..., Any]:
    f = logits(t)
    return lambda params, x, _labels: f(params, x)


def cnn_step(t: Any) -> Callable[..., Any]:
    f = logits(t)
    gradient = t.func.grad(
        lambda params, x, labels: t.nn.functional.cross_entropy(f(params, x), labels)
    )

    def step(params: Any, x: Any, labels: Any) -> Any:
        slopes = gradient(params, x, labels)
        return {
            name: tuple(p - 0.1 * d for p, d in zip(params[name], slopes[name], strict=True))
            for name in params
        }

    return step


def forces(t: Any) -> Callable[..., Any]:
    def energy(places: Any, masses: Any) -> Any:
        apart = places[:, None, :] - places[None, :, :]
        squares = t.sum(apart * apart, -1) + 1e-2
        return -0.5 * t.sum(masses[:, None] * masses[None, :] / t.sqrt(squares))

    return t.func.grad(energy)


def rosenbrock(t: Any) -> Callable[..., Any]:
    return lambda x: t.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def logistic_gradient(t: Any) -> Callable[..., Any]:
    def loss(w: Any, x: Any, y: Any) -> Any:
        z = x @ w
        return t.sum(t.nn.functional.softplus(z, threshold=1e3) - y * z)

    return t.func.grad(loss)


def gaussian_process(t: Any) -> Callable[..., Any]:
    def loss(scales: Any, x: Any, y: Any) -> Any:
        amplitude, length, noise = t.exp(scales).unbind()
        apart = t.sum(((x[:, None, :] - x[None, :, :]) / length) ** 2, -1)
        covariance = amplitude * t.exp(-0.5 * apart) + noise * t.eye(len(x), dtype=x.dtype)
        factor = t.linalg.cholesky(covariance)
        weights = t.cholesky_solve(y[:, None], factor)[:, 0]
        half_log_det = t.sum(t.log(t.diagonal(factor)))
        return 0.5 * y @ weights + half_log_det + 0.5 * len(x) * math.log(2 * math.pi)

    each = t.func.grad_and_value(loss)
    return lambda *args: each(*args)[::-1]


def fourier_convolution(t: Any) -> Callable[..., Any]:
    n = 2**17
    return lambda x, y: t.fft.irfft(t.fft.rfft(x, n) * t.fft.rfft(y, n), n)


PROGRAMS: dict[str, Program] = {
    "call_vector": lambda t: lambda x: x + 1,
    "call_scalars": lambda t: t.func.grad(density(t), argnums=(0, 1, 2)),
    "million_points": lambda t: t.func.vmap(t.func.grad(density(t), argnums=(0, 1, 2))),
    "logistic_gradient": logistic_gradient,
    "chain_1e4": polynomial,
    "chain_1e6": polynomial,
    "chain_1e7": polynomial,
    "functions_1e6": functions,
    "functions_float32": functions,
    "option_prices": price,
    "option_greeks": greeks,
    "sum_all": sum_of_squares(None),
    "sum_all_float32": sum_of_squares(None),
    "sum_rows": sum_of_squares(1),
    "sum_columns": sum_of_squares(0),
    "sum_mixed": sum_of_squares((0, 2)),
    "variance": lambda t: lambda x: t.var(x, 1, correction=0),
    "logsumexp": lambda t: lambda x: t.logsumexp(x, -1),
    "softmax": lambda t: lambda x: t.softmax(x, -1),
    "softmax_float32": lambda t: lambda x: t.softmax(x, -1),
    "layer_norm": normalised,
    "layer_norm_gradient": normalised_gradient,
    "gemm_32": lambda t: t.matmul,
    "gemm_1024": lambda t: t.matmul,
    "dense_float32": lambda t: lambda x, w, b: t.relu(t.addmm(b, x, w)),
    "gemm_batched_4x4": lambda t: t.bmm,
    "matvec_1000": lambda t: t.mv,
    "distances": lambda t: lambda x, y: t.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist"),
    "mlp_step": mlp_step,
    "attention": attention,
    "attention_gradient": attention_gradient,
    "conv_2d": convolution,
    "conv_2d_gradient": convolution_gradient,
    "conv_depthwise": lambda t: convolution(t, 64),
    "cnn_forward": cnn_forward,
    "cnn_step": cnn_step,
    "n_body_forces": forces,
    "rosenbrock_gradient": lambda t: t.func.grad(rosenbrock(t)),
    "rosenbrock_hessian": lambda t: t.func.hessian(rosenbrock(t)),
    "jacobian": lambda t: t.func.jacfwd(lambda x, a, b: t.tanh(b @ t.tanh(a @ x)) * x),
    "sort_1e6": lambda t: lambda x: t.sort(x)[0],
    "sort_float32": lambda t: lambda x: t.sort(x)[0],
    "sort_int64": lambda t: lambda x: t.sort(x)[0],
    "sort_rows_1000": lambda t: lambda x: t.sort(x)[0],
    "argsort_1e6": lambda t: t.argsort,
    "cumsum_1e6": lambda t: lambda x: t.cumsum(x, 0),
    "gather_1e6": lambda t: lambda table, at: table[at] * 2,
    "scatter_add_1e6": lambda t: lambda x, at: t.bincount(at, x, 10**5),
    "transpose_1000": lambda t: lambda x: x.T * 2 + x,
    "stencil_1000": lambda t: (
        lambda u: u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * u[1:-1, 1:-1]
    ),
    "top_k": lambda t: lambda x: t.topk(x, 100)[0],
    "searchsorted": lambda t: t.searchsorted,
    "bincount": lambda t: lambda x: t.bincount(x, minlength=1000),
    "argmax": lambda t: t.argmax,
    "solve_4x4": lambda t: t.linalg.solve,
    "cholesky_4x4": lambda t: t.linalg.cholesky,
    "inverse_4x4": lambda t: t.linalg.inv,
    "determinant_4x4": lambda t: t.linalg.det,
    "eigenvalues_200": lambda t: t.linalg.eigvalsh,
    "gp_gradient": gaussian_process,
    "fft_262144": lambda t: t.fft.fft,
    "rfft_rows": lambda t: t.fft.rfft,
    "fft_convolution": fourier_convolution,
}
