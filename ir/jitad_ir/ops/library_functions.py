"""The family of ops that call a C function of SciPy for each element.

For special functions without a kernel of our own: the C functions are those of
`scipy.special.cython_special`, in float64; float32 is converted there and back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..graph import Value, current_builder
from ..lowering import Routine, Rule
from ..op import NONLINEAR, Joint, Marker, Op, PerOperand, Sample, batch_to_front, same_types
from ..types import FLOAT64, INT64, ArrayType, TypeMismatch


def scipy_special(name: str, *operands: Any) -> Any:
    """`scipy.special.<name>` of the operands in float64."""
    import scipy.special  # noqa: PLC0415  (0.1 s: only programs that need it pay)

    return getattr(scipy.special, name)(*[np.asarray(x, np.float64) for x in operands])


def _in_double(r: Any, buffer: Any, index: Any) -> Any:
    return r.b.convert(r.load(buffer, index), FLOAT64)


def _store(r: Any, buffer: Any, index: Any, slot: Any) -> None:
    """The double in `slot` to an element, in the buffer's dtype."""
    r.store(buffer, index, r.b.convert(r.b.load(slot, FLOAT64), buffer.type.dtype))


def call_by_element(symbol: str, leading: Sequence[float] = ()) -> Rule:
    """Emit rule: result element = symbol(*leading, *operand elements)."""

    def emit(r: Any, *buffers: Any) -> None:
        *operands, (result,) = buffers
        slot = r.local(FLOAT64)

        def body(index: Any) -> None:
            numbers = [r.b.constant(FLOAT64, number) for number in leading]
            arguments = [*numbers, *[_in_double(r, x, index) for x in operands]]
            r.builder.store(r.call(f"special:{symbol}", FLOAT64, arguments), slot)
            _store(r, result, index, slot)

        r.loops(result.type.shape, body)

    return emit


def call_for_several(symbol: str) -> Rule:
    """Emit rule: symbol(*operand elements, &first, &second, ...) gives the elements of results."""

    def emit(r: Any, *buffers: Any) -> None:
        *operands, results = buffers
        slots = [r.local(FLOAT64) for _ in results]

        def body(index: Any) -> None:
            elements = [_in_double(r, x, index) for x in operands]
            r.call(f"special:{symbol}", None, [*elements, *slots])
            for result, slot in zip(results, slots, strict=True):
                _store(r, result, index, slot)

        r.loops(operands[0].type.shape, body)

    return emit


@dataclass(frozen=True, slots=True)
class NoSlope:
    """The jvp rule of an operand of which no derivative is known: differentiating by it raises."""

    operand: str
    """"the order v of bessel_jv", for the message."""

    def __call__(self, *_values: Any) -> NoReturn:
        source = current_builder().source
        place = "" if source is None else f"\n  from {source}"
        raise NotImplementedError(
            f"expected no derivative by {self.operand}: none is available. Hold it constant by "
            f"jitad.lax.stop_gradient{place}"
        )


def library_function(
    name: str,
    doc: str,
    *,
    symbol: str,
    jvp: Sequence[Rule | None] | Joint | Marker,
    samples: Sequence[Sample],
    evaluate: Rule | None = None,
    results: int = 1,
    integers: int = 0,
) -> Op:
    """An elementwise op of floats that calls `special:symbol`, which has so many `results`. The
    first `integers` operands are int64. `evaluate` defaults to `scipy.special.<symbol>`. A jvp rule
    is None for operands that are integers, `NoSlope` for floats without a known derivative."""

    def infer(*types: ArrayType) -> Any:
        type = same_types(name, types[integers:], "f")
        for other in types[:integers]:
            if other != type.with_dtype(INT64):
                raise TypeMismatch(f"{name}: expected {type.with_dtype(INT64)!r}; got {other!r}")
        return (type,) * results if results > 1 else type

    def values(*operands: Any) -> Any:
        found = (evaluate or _named(symbol))(*operands)
        dtype = operands[-1].dtype
        with np.errstate(all="ignore"):
            if results > 1:
                return tuple([np.asarray(x).astype(dtype) for x in found])
            return np.asarray(found).astype(dtype)

    def batch(size: int, batched: Sequence[bool], *operands: Value) -> Any:
        return op(*batch_to_front(size, batched, operands))

    op = Op(
        name=name,
        doc=doc,
        infer=infer,
        evaluate=values,
        jvp=jvp if isinstance(jvp, Joint | Marker) else PerOperand(tuple(jvp)),
        transpose=NONLINEAR,
        batch=batch,
        lower=Routine(call_for_several(symbol) if results > 1 else call_by_element(symbol)),
        samples=tuple(samples),
        multiple_results=results > 1,
    )
    return op


def _named(symbol: str) -> Callable[..., Any]:
    return lambda *operands: scipy_special(symbol, *operands)


def with_order(
    name: str,
    doc: str,
    *,
    symbol: Callable[..., tuple[str, tuple[float, ...]]],
    jvp: Rule,
    samples: Sequence[Sample],
) -> Op:
    """An elementwise op of one float with static params: `symbol(**params)` is the C function and
    its leading arguments."""

    def infer(x: ArrayType, *, order: int = 0, **_params: Any) -> ArrayType:
        if order < 0:
            raise TypeMismatch(f"{name}: expected order >= 0; got {order}")
        return same_types(name, (x,), "f")

    def values(x: Any, **params: Any) -> Any:
        function, leading = symbol(**params)
        with np.errstate(all="ignore"):
            return np.asarray(scipy_special(function, *leading, x)).astype(x.dtype)

    def emit(r: Any, x: Any, results: Any, **params: Any) -> None:
        call_by_element(*symbol(**params))(r, x, results)

    op = Op(
        name=name,
        doc=doc,
        infer=infer,
        evaluate=values,
        jvp=PerOperand((jvp,)),
        transpose=NONLINEAR,
        batch=lambda size, batched, x, **params: op(x, **params),
        lower=Routine(emit),
        samples=tuple(samples),
    )
    return op
