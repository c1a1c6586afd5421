"""Numbers by which fusion decides: what is cheap to do twice, small enough to unroll, too much."""

from __future__ import annotations

CHEAP = 8
"""Work (elementwise operations) up to which a member is expanded rather than stored."""
GLANCE = 256
"""Elements of a value for each that a slice of it reads, from which on that does not count as one
of its readers."""
DIVISIONS = frozenset({"div", "reciprocal", "rsqrt", "sqrt"})
"""Ops that are one instruction, which the unit that divides takes long for."""
DEAR = 1000
"""Work of a transcendental function: never done twice."""
VIEW_WORK = 24
"""Work above which a view becomes a member."""
UNROLL = 16
"""Elements up to which a reduction may become straight-line code."""
REPEATED = 16
"""Times from which on a row that takes divisions is computed once, rather than for each row."""
RUN = 64
"""Elements of a row from which on a division for all of them is nothing beside them."""
BLOCK_SIZE = 8
"""Elements up to which a value lives in a block, as scalars."""
BLOCK_MATRIX = 16
"""The same, for values of two axes or more, whose rows and columns are likely to be taken apart."""
BLOCK_DEAR = 4
"""The same, for transcendental functions."""
BLOCK_ELEMENTS = 2048
"""Elements of values of more than one element that one block may hold."""
ALL_BLOCK_ELEMENTS = 16384
"""The same, for all blocks of a program together: straight-line code takes long to compile."""
MANY_TILES = 8
"""Operands above which a concatenation is put together in memory by those who compute them."""
ALTERNATE = 32
"""Elements of a short row, whose loop is written out if it decides what is computed."""
ALTERNATING = 64
"""Rows of values that alternate, from which on a concatenation with others is put together so."""
MAX_DEPTH = 48
"""Members expanded one inside the other, at most."""

LARGE = 1 << 15
"""Elements from which on a cluster is kept from reading too many arrays at once."""
STREAMS = 12
"""Arrays of its size that a large cluster reads, at most, if it can be helped: more of them than
the memory system follows slow each other down (twice, at 32; measured)."""
