"""How two sorted runs are merged in pieces, which do not know of each other.

Where the merged row is cut, the records before the cut are those of two stretches at the start of
the runs: as many of the first run as a bisection tells (the *merge path*). So each piece is that of
two stretches. It is merged as two, step by step in turn, so that neither waits for its own
comparisons.

O. Green, R. McColl, D. A. Bader, GPU Merge Path, ICS 2012.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..types import INT64, DType, short_name
from .merge_sort import Record, Rows, Stretch, record_before
from .sort_keys import Counter


class MergePath:
    """Emits merges of records with these dtypes."""

    def __init__(self, dtypes: Sequence[DType], num_keys: int, descending: bool) -> None:
        self.dtypes, self.num_keys, self.descending = dtypes, num_keys, descending

    def merge(
        self,
        r: Any,
        pointers: Sequence[Any],
        low: Any,
        middle: Any,
        high: Any,
        begin: Any,
        end: Any,
    ) -> None:
        """Of source[low:middle] and source[middle:high], merged to target[low:high], those records
        that go to target[begin:end]. The pointers are those of the source, then of the target."""
        places = (low, middle, high, begin, end)
        r.call_inner(self.name("merge"), self._merge, *pointers, *places)

    def name(self, what: str) -> str:
        """Of a function for such records."""
        order = "descending" if self.descending else "ascending"
        return ".".join([f"jitad.{what}", *map(short_name, self.dtypes), str(self.num_keys), order])

    def _merge(self, r: Any, *parameters: Any) -> None:
        b, k = r.builder, len(self.dtypes)
        *pointers, low, middle, high, begin, end = parameters
        source, target = (Rows(r, self.dtypes, pointers[i : i + k]) for i in (0, k))

        half = b.add(begin, b.lshr(b.sub(end, begin), r.integer(1)))
        cuts = (begin, half, end)
        ranks: list[Any] = []
        for cut in cuts:
            args = (*pointers[:k], low, middle, high, cut)
            ranks.append(
                r.call_inner(self.name("rank"), self._rank, *args, result=INT64, apart=True)
            )
        places = [b.sub(b.add(middle, c), i) for c, i in zip(cuts, ranks, strict=True)]
        both = [
            Stretch(
                Counter(r, ranks[p]),
                ranks[p + 1],
                Counter(r, places[p]),
                places[p + 1],
                Counter(r, cuts[p]),
            )
            for p in (0, 1)
        ]

        precedes = self._order(r)

        def take() -> None:
            for stretch in both:
                stretch.take(source, target, precedes)

        r.loop_while(lambda: b.and_(both[0].both_left(), both[1].both_left()), take)
        for stretch in both:
            parts = (stretch.i.value, stretch.i_end, stretch.j.value, stretch.j_end)
            args = (*pointers, *parts, stretch.place.value)
            r.call_inner(self.name("merge_rest"), self._merge_rest, *args, apart=True)

    def _merge_rest(self, r: Any, *parameters: Any) -> None:
        """One stretch, to its end."""
        b, k = r.builder, len(self.dtypes)
        *pointers, i, i_end, j, j_end, place = parameters
        source, target = (Rows(r, self.dtypes, pointers[i : i + k]) for i in (0, k))
        stretch = Stretch(Counter(r, i), i_end, Counter(r, j), j_end, Counter(r, place))
        precedes = self._order(r)
        r.loop_while(stretch.both_left, lambda: stretch.take(source, target, precedes))
        for rest, end in ((stretch.i, i_end), (stretch.j, j_end)):
            left = b.sub(end, rest.value)
            source.behind(rest.value).copy_to(target.behind(stretch.place.value), left)
            stretch.place.add(left)

    def _order(self, r: Any) -> Callable[[Record, Record], Any]:
        """Whether (i1) one record goes before another."""
        return lambda x, y: record_before(r.b, x, y, self.num_keys, self.descending).value

    def _rank(self, r: Any, *parameters: Any) -> Any:
        """Where in rows[low:middle] the records end that go before target[cut].

        With k = cut - low records before the cut, record i of the first run is among them unless
        record k - 1 - i of the second one precedes it: at least k - (high - middle) are, and at
        most k.
        """
        b, one = r.builder, r.integer(1)
        *pointers, low, middle, high, cut = parameters
        rows, precedes = Rows(r, self.dtypes, pointers), self._order(r)
        last = b.sub(b.add(middle, cut), one)  # the record to compare i with is last - i
        few = b.sub(cut, b.sub(high, middle))
        least = Counter(r, b.select(b.icmp_signed(">", few, low), few, low))
        most = Counter(r, b.select(b.icmp_signed("<", cut, middle), cut, middle))

        def halve() -> None:
            i = b.lshr(b.add(least.value, most.value), one)
            ahead = precedes(rows.load(b.sub(last, i)), rows.load(i))
            least.set(b.select(ahead, least.value, b.add(i, one)))
            most.set(b.select(ahead, i, most.value))

        r.loop_while(lambda: b.icmp_signed("<", least.value, most.value), halve)
        return least.value
