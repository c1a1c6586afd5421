"""A plan in words, with what each step costs (see `costs`)."""

from __future__ import annotations

from .costs import Cost, plan_cost, step_cost
from .index import Position
from .shared import is_shared
from .steps import (
    Apply,
    Constant,
    Fold,
    Inside,
    Kernel,
    Node,
    Number,
    Plan,
    Read,
    RoutineCall,
    Step,
)
from .structures import Branch, Loop, Structure
from .wavefront import Wavefront


def plan_text(plan: Plan) -> str:
    """All of a plan: its steps, and the expression of each kernel."""
    heading = _plan_heading(plan)
    cost = _cost(plan_cost(plan))
    memory = f"results and workspace take {_amount(plan.memory_bytes)}B"
    return "\n".join([heading, f"  in all: {cost}; {memory}", *_plan_lines(plan)])


def _plan_heading(plan: Plan) -> str:
    inputs = ", ".join(f"in{k}: {t!r}" for k, t in enumerate(plan.input_types))
    outputs = ", ".join(f"out{k}: {t!r}" for k, t in enumerate(plan.output_types))
    return f"plan {plan.name}({inputs}) -> ({outputs}), workspace {plan.workspace_bytes} bytes"


def _plan_lines(plan: Plan) -> list[str]:
    names = [buffer.name for buffer in plan.buffers]
    lines: list[str] = []
    for step, before in zip(plan.steps, (None, *plan.steps), strict=False):
        heading, *rest = _step_lines(step, names)
        threads = ", on several threads" if is_shared(step, before) else ""
        lines.append(f"  {heading}  [{_cost(step_cost(step, plan))}{threads}]")
        lines += ["  " + line for line in rest]
    return lines


def _step_lines(step: Step, names: list[str]) -> list[str]:
    if isinstance(step, Kernel):
        return kernel_lines(step, names)
    if isinstance(step, RoutineCall):
        return [_call_line(step, names)]
    reads = ", ".join(names[k] for k in step.reads)
    writes = ", ".join(names[k] for k in step.writes)
    lines = [f"{_heading(step)}, reads ({reads}), writes ({writes})"]
    for plan in step.plans:
        lines += ["  " + line for line in (_plan_heading(plan), *_plan_lines(plan))]
    return lines


def _heading(step: Structure) -> str:
    if isinstance(step, Loop):
        order = " backwards" if step.equation.params["reverse"] else ""
        return f"loop of {step.length} steps{order}"
    if isinstance(step, Branch):
        return f"one of {len(step.branches)} branches"
    if isinstance(step, Wavefront):
        return f"wavefront of {step.rows} rows of {step.length}"
    sweeps = " ".join("up" if up else "down" for up in step.upwards)
    return f"while loop, sweeps {sweeps}, {step.tape()[1]} bytes of tape a step"


def kernel_lines(kernel: Kernel, names: list[str]) -> list[str]:
    """One kernel: its loops and ops, then its expression line by line."""
    loops = ", ".join(f"i{k} < {n}" for k, n in enumerate(kernel.lengths))
    ops = " ".join(eq.op.name for eq in kernel.equations) or "copy"
    lines = [f"kernel over {loops}: {ops}" if loops else f"straight-line code: {ops}"]
    for k, node in enumerate(kernel.nodes):
        lines.append(f"  %{k} = {_node(node, names)}")
    for store in kernel.stores:
        lines.append(f"  {_element(names[store.buffer], store.offset)} = %{store.node}")
    for fold in kernel.folds:
        lines.append(f"  {_element(names[fold.buffer], fold.offset)} = {_fold(fold)}")
    return lines


def _cost(cost: Cost) -> str:
    words = [f"reads {_amount(cost.read)}B", f"writes {_amount(cost.written)}B"]
    if cost.flops:
        words.append(f"{_amount(cost.flops)}flops")
    if cost.functions:
        words.append(f"{_amount(cost.functions).strip()} functions")
    if not cost.complete:
        words.append("and what is not known beforehand")
    return ", ".join(words)


def _amount(number: int) -> str:
    """A number with three digits and the prefix of its unit: "40 k", "1.25 M"."""
    scaled, prefixes = float(number), ["", "k", "M", "G", "T", "P"]
    while scaled >= 999.5 and len(prefixes) > 1:
        scaled /= 1000
        prefixes.pop(0)
    return f"{scaled:.3g} {prefixes[0]}"


def _element(name: str, offset: Position) -> str:
    return f"{name}[{offset}]"


def _node(node: Node, names: list[str]) -> str:
    if isinstance(node, Read):
        mask = "" if node.mask is None else f" where %{node.mask}"
        return _element(names[node.buffer], node.offset) + mask
    if isinstance(node, Constant):
        return str(node.number)
    if isinstance(node, Number):
        return f"number {node.index}"
    if isinstance(node, Inside):
        return f"{node.low} <= {node.index} < {node.high}"
    assert isinstance(node, Apply)
    return f"{node.name}({', '.join(f'%{k}' for k in node.operands)})"


def _fold(fold: Fold) -> str:
    over = ", ".join(f"i{k}" for k in fold.loops)
    back = " backwards" if fold.reverse else ""
    return f"{fold.name} of %{fold.node} over {over or 'nothing'}{back}"


def _call_line(call: RoutineCall, names: list[str]) -> str:
    operands = ", ".join(names[k] for k in call.operands)
    results = ", ".join(names[k] for k in call.results)
    scratch = "" if call.scratch is None else f", scratch {names[call.scratch]}"
    return f"routine {results} = {call.equation.op.name}({operands}){scratch}"
