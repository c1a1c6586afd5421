"""Long straight-line code is cut into functions, so that compile time stays linear.

LLVM's register allocator takes a time per instruction that grows with the number of values alive
at once. Derivatives of unrolled programs keep every intermediate value alive until the way back:
at 2,000 instructions in one block it takes ten times as long as all else, 110 us per instruction.

The body of a loop is not cut before it is very long: what a step keeps for its derivative is in
memory already, and the calls cost more than they save (1.1 to 2 times the time to run, measured).

A block of more than `LONG_BLOCK` instructions becomes a row of calls to internal functions of
`CHUNK` instructions. Values that cross a cut go through a frame on the stack, where the register
allocator would have spilled them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from llvmlite import ir as ll

from .lanes import I8, I64, PTR

CHUNK = 200
"""Instructions in one function that is cut out."""

LONG_BLOCK = 300
"""Blocks of more instructions are cut."""

LONG_BODY = 10000
"""The same, of blocks in a loop."""

FRAME_ALIGN = 64


def split_long_blocks(module: ll.Module) -> None:
    """Cut the long blocks of all functions of `module`, in place; call it once."""
    for function in module.functions:
        long = [block for block in function.blocks if _is_long(block)]
        uses = Counter(_all_operands(function.blocks)) if long else Counter()
        for block in long:
            _split(function, block, uses)


def _is_long(block: ll.Block) -> bool:
    length = len(block.instructions)
    return length > LONG_BODY or (length > LONG_BLOCK and not in_loop(block))


def in_loop(block: ll.Block) -> bool:
    """Whether control can come back to a block."""
    seen: set[ll.Block] = set()
    pending = _successors(block)
    while pending:
        following = pending.pop()
        if following is block:
            return True
        if following not in seen:
            seen.add(following)
            pending += _successors(following)
    return False


def _successors(block: ll.Block) -> list[ll.Block]:
    last: Any = block.terminator
    if last is None:  # an invalid function, of which LLVM will tell
        return []
    if isinstance(last, ll.SwitchInstr):
        return [last.default, *[target for _, target in last.cases]]
    return [v for v in last.operands if isinstance(v, ll.Block)]


def _split(function: ll.Function, block: ll.Block, uses: Counter[ll.Value]) -> None:
    """Cut `block`. `uses` counts how often the instructions of `function` use each value; it is
    kept up to date, as counting anew for each block would take quadratic time."""
    stays = [i for i in block.instructions if isinstance(i, (ll.PhiInstr, ll.AllocaInstr))]
    *body, terminator = [
        i for i in block.instructions if not isinstance(i, (ll.PhiInstr, ll.AllocaInstr))
    ]
    chunks = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)]
    crossing = _Crossing(chunks, uses)
    if not all(_slot_bytes(value.type) for value in crossing.values()):
        return
    frame = _Frame()
    for value in crossing.live_in:
        frame.allocate(value)
    calls: list[tuple[ll.Function, list[ll.Value]]] = []
    for k, chunk in enumerate(chunks):
        calls.append(_cut_out(function, chunk, crossing, frame, f"{function.name}.{k}"))
        for value in crossing.dead_after(k):
            frame.release(value)

    entry = function.entry_basic_block
    storage = ll.AllocaInstr(entry, ll.ArrayType(I8, frame.size), None, "frame")
    storage.type = PTR
    storage.align = FRAME_ALIGN
    uses.subtract(_all_operands([block]))
    block.instructions, block.terminator = stays, None
    entry.instructions.insert(0, storage)
    builder = ll.IRBuilder(block)
    for value in crossing.live_in:
        frame.store(builder, storage, value)
    for chunk_function, arguments in calls:
        builder.call(chunk_function, [*arguments, storage])
    for value in crossing.live_out:
        frame.load(builder, storage, value)
    block.instructions.append(terminator)
    block.terminator = terminator
    uses.update(_all_operands([block]))


def _cut_out(
    function: ll.Function,
    chunk: list[ll.Instruction],
    crossing: _Crossing,
    frame: _Frame,
    name: str,
) -> tuple[ll.Function, list[ll.Value]]:
    """Move `chunk` into a function of its own; returns that and the arguments to call it with.

    Values from outside get their own name there, so the instructions stay as they are.
    """
    used = [crossing.operands[i] for i in chunk]
    outside = {v: None for values in used for v in values if isinstance(v, ll.Argument)}
    arguments = list(outside)
    signature = ll.FunctionType(ll.VoidType(), [*[a.type for a in arguments], PTR])
    cut = ll.Function(function.module, signature, function.module.get_unique_name(name))
    cut.linkage = "internal"
    cut.attributes.add("noinline")
    cut.attributes.add("nounwind")
    cut.scope = function.scope  # so that new names differ from those of the moved instructions
    pointer = cut.args[-1]
    pointer.name = "frame"
    cut.args = (*[_Parameter(cut, argument) for argument in arguments], pointer)
    block = cut.append_basic_block("entry")
    builder = ll.IRBuilder(block)
    here = set(outside)
    for instruction, values in zip(chunk, used, strict=True):
        for value in values:
            if value not in here:
                frame.load(builder, pointer, value)
                here.add(value)
        instruction.parent = block
        block.instructions.append(instruction)
        builder.position_at_end(block)
        here.add(instruction)
        if instruction in crossing.last_chunk:
            frame.allocate(instruction)
            frame.store(builder, pointer, instruction)
    builder.ret_void()
    return cut, arguments


class _Crossing:
    """Which values pass from chunk to chunk, and between the chunks and the rest of a function."""

    def __init__(self, chunks: list[list[ll.Instruction]], uses: Counter[ll.Value]) -> None:
        home = {i: k for k, chunk in enumerate(chunks) for i in chunk}
        self.operands = {i: _operands(i) for i in home}
        """Instructions and arguments that each instruction of the chunks uses."""
        self.last_chunk: dict[ll.Value, int] = {}
        """Values that cross -> the last chunk that uses them (`len(chunks)` if the rest does)."""
        live_in: dict[ll.Value, None] = {}
        for k, chunk in enumerate(chunks):
            for instruction in chunk:
                for value in self.operands[instruction]:
                    if isinstance(value, ll.Argument):
                        continue
                    if value not in home:
                        live_in[value] = None
                    if home.get(value) != k:
                        self.last_chunk[value] = k
        self.live_in = list(live_in)
        used_here = Counter(v for values in self.operands.values() for v in values)
        self.live_out = [value for value in home if uses[value] > used_here[value]]
        for value in self.live_out:
            self.last_chunk[value] = len(chunks)
        self._dead: defaultdict[int, list[ll.Value]] = defaultdict(list)
        for value, k in self.last_chunk.items():
            self._dead[k].append(value)

    def values(self) -> Iterable[ll.Value]:
        """All that need a place in the frame."""
        return self.last_chunk

    def dead_after(self, k: int) -> list[ll.Value]:
        """Values that no later chunk uses."""
        return self._dead[k]


class _Frame:
    """Places of values in memory; those of dead values are used again."""

    def __init__(self) -> None:
        self.size = 0
        self._offsets: dict[ll.Value, int] = {}
        self._free: defaultdict[int, list[int]] = defaultdict(list)

    def allocate(self, value: ll.Value) -> None:
        size = _slot_bytes(value.type)
        if self._free[size]:
            self._offsets[value] = self._free[size].pop()
        else:
            align = min(size, FRAME_ALIGN)
            at = -(-self.size // align) * align
            self._offsets[value] = at
            self.size = at + size

    def release(self, value: ll.Value) -> None:
        self._free[_slot_bytes(value.type)].append(self._offsets[value])

    def store(self, builder: ll.IRBuilder, frame: ll.Value, value: ll.Value) -> None:
        builder.store(value, self._pointer(builder, frame, value), align=_align(value.type))

    def load(self, builder: ll.IRBuilder, frame: ll.Value, value: ll.Value) -> None:
        """Emit `value`'s name = load."""
        pointer = self._pointer(builder, frame, value)
        load = _Reload(builder.block, pointer, value)
        load.align = _align(value.type)
        builder.block.instructions.append(load)
        builder.position_at_end(builder.block)

    def _pointer(self, builder: ll.IRBuilder, frame: ll.Value, value: ll.Value) -> ll.Value:
        offset = ll.Constant(I64, self._offsets[value])
        return builder.gep(frame, [offset], inbounds=True, source_etype=I8, name="slot")


class _Parameter(ll.Argument):
    """A parameter under the name of the argument it stands for. It does not promise `noalias`:
    the frame may hold pointers that were derived from the same argument."""

    def __init__(self, function: ll.Function, argument: ll.Argument) -> None:
        self.stands_for = argument
        super().__init__(function, argument.type)

    @property
    def name(self) -> str:
        return self.stands_for.name


class _Reload(ll.LoadInstr):
    """A load that carries the name of the value that it brings back into another function, so
    that instructions there mean it."""

    def __init__(self, block: ll.Block, pointer: ll.Value, value: ll.Value) -> None:
        self.stands_for = value
        super().__init__(block, pointer, typ=value.type)

    @property
    def name(self) -> str:
        return self.stands_for.name


def _all_operands(blocks: Iterable[ll.Block]) -> Iterable[ll.Value]:
    """What the instructions of `blocks` use, each value as often as it is used."""
    return (value for block in blocks for i in block.instructions for value in _operands(i))


def _operands(instruction: ll.Instruction) -> list[ll.Value]:
    """Instructions and arguments that `instruction` uses."""
    if isinstance(instruction, ll.PhiInstr):
        operands = [value for value, _ in instruction.incomings]
    else:
        operands = instruction.operands
    return [v for v in operands if isinstance(v, (ll.Instruction, ll.Argument))]


def _slot_bytes(type: Any) -> int:
    """Bytes of a value's place in the frame, a power of two; 0 for types that have none."""
    if isinstance(type, ll.IntType):
        return 1 << max(0, (type.width - 1).bit_length() - 3)
    if isinstance(type, ll.FloatType):
        return 4
    if isinstance(type, (ll.DoubleType, ll.PointerType)):
        return 8
    if isinstance(type, ll.VectorType):
        return _slot_bytes(type.element) << (type.count - 1).bit_length()
    return 0


def _align(type: Any) -> int:
    return min(_slot_bytes(type), FRAME_ALIGN)
