"""Functions by pieces, for CPUs that look up small tables in registers (see `math_table`).

Elsewhere the same functions are computed from exp, as a look-up is a load for each lane there.
Tables are made by benchmarks/fit_pieces.py, which names them as they are named here.
"""

from __future__ import annotations

from collections.abc import Sequence

from .math_exponential import exp_tail, reduce_exp
from .math_kernel import BINARY32, BINARY64, Kernel, Real
from .math_table import Table, host_permutes, look_up

# For each piece its center c, tanh c and 1 - tanh^2 c. Pieces are the |x| + 1.5 whose exponents and
# first two bits after the point are the same, up to where the float next to tanh x is 1. Centers
# are those near the middles where the other two are floats to 0.03 ulp (float32: 0.2);
# that of the first is 0.
# fmt: off
TANH_BINARY32 = (
    (0.0, 0.0, 1.0),
    (0.37469482, 0.35809138, 0.87177056),
    (0.755188, 0.63823384, 0.59265757),
    (1.263794, 0.8521067, 0.2739142),
    (1.7431183, 0.9405872, 0.11529568),
    (2.2548218, 0.9782347, 0.043056857),
    (2.9872437, 0.9949273, 0.0101196915),
    (4.023407, 0.99935997, 0.0012796614),
    (4.999115, 0.99990904, 0.00018190489),
    (5.9980164, 0.99998766, 2.4674242e-05),
    (7.5133057, 0.9999994, 1.1914761e-06),
    (9.560913, 1.0, 1.9840673e-08),
)
TANH_BINARY64 = (
    (0.0, 0.0, 1.0),
    (0.37488341331481934, 0.35825577948547993, 0.8716527964652512),
    (0.7501506805419922, 0.635238837657111, 0.5964716191320426),
    (1.2502532005310059, 0.848354625902237, 0.28029442871027554),
    (1.7501630783081055, 0.941394095932203, 0.11377715614399013),
    (2.249610424041748, 0.9780091753980934, 0.04349805283714138),
    (3.0006942749023438, 0.9950615986988015, 0.009852414794985305),
    (4.000263214111328, 0.9993296526033847, 0.0013402454275984743),
    (5.000540733337402, 0.999909302397632, 0.00018138697868095834),
    (6.000162124633789, 0.9999877156346134, 2.4568579867534095e-05),
    (7.498382568359375, 0.9999993862132385, 1.2275731463167508e-06),
    (9.501516342163086, 0.9999999888283387, 2.2343322404467907e-08),
    (11.500070571899414, 0.9999999997947914, 4.1041725324534415e-10),
    (13.49881362915039, 0.999999999996232, 7.535974991598117e-12),
    (16.49959945678711, 0.9999999999999907, 1.865047924339304e-14),
    (20.503753662109375, 1.0, 6.2047722318929856e-18),
)
# fmt: on

# (r / tanh r - 1) / r^2 in r^2, for r = |x| - c: least squares, weighted as C moves the result. It
# leaves 0.1 ulp where pieces are up to 1/2 wide; in the others, where rounding takes less, 0.7.
TANH_QUOTIENT_BINARY32 = (
    0.33333328,
    -0.02221917,
    0.0020663904,
)
TANH_QUOTIENT_BINARY64 = (
    0.33333333333332976,
    -0.02222222222175065,
    0.002116402097157088,
    -0.00021163987690483397,
    2.137514424739175e-05,
    -2.154954663936988e-06,
    2.0485609267898593e-07,
    -1.2871027208261973e-08,
)

# For each piece of 1/8 around i/8 the coefficients of erf |x| in |x| - i/8, rounded to float32 one
# after the other, for the least greatest error in ulp: it leaves 0.7. The first piece is of
# erf x - x; the last is 1, which is off by 1.2 ulp at most.
# fmt: off
ERF_BINARY32 = (
    (0.0, 0.12837915, 7.366674e-06, -0.37669742, 0.014325368),
    (0.1403162, 1.1108849, -0.13885546, -0.3582556, 0.06721791),
    (0.2763264, 1.0600138, -0.2649996, -0.30878887, 0.12583256),
    (0.4041169, 0.9803528, -0.36761773, -0.23474297, 0.16335446),
    (0.5204999, 0.8787826, -0.4394001, -0.1464531, 0.18456726),
    (0.6232409, 0.76349956, -0.47719502, -0.055760913, 0.17791045),
    (0.71115565, 0.64293104, -0.4822289, 0.02666404, 0.15715595),
    (0.7840751, 0.52474505, -0.45918274, 0.092740655, 0.11891844),
    (0.8427008, 0.4151075, -0.4150916, 0.13815448, 0.066019036),
    (0.8883882, 0.31827396, -0.3580371, 0.162272, 0.023631431),
    (0.92290014, 0.23652112, -0.2956686, 0.16739832, -0.0024616318),
    (0.94817007, 0.17035978, -0.23423575, 0.15784483, -0.032250546),
    (0.96610516, 0.11893029, -0.17842695, 0.13872173, -0.036934514),
    (0.97844374, 0.08047226, -0.13078444, 0.11483384, -0.04536033),
    (0.9866717, 0.052774996, -0.09238543, 0.09017089, -0.04082662),
    (0.99199003, 0.03354583, -0.062844135, 0.06746396, -0.05572989),
    (0.9953223, 0.020666985, -0.041376512, 0.048249986, -0.023992598),
    (0.997346, 0.01234082, -0.026249357, 0.033063665, -0.020332571),
    (0.9985373, 0.007142319, -0.016106104, 0.021746414, -0.010269293),
    (0.99921703, 0.004006472, -0.0094594415, 0.013754741, -0.027234577),
    (0.999593, 0.0021782764, -0.0053891735, 0.0083716, -0.02297667),
    (0.9997946, 0.0011478692, -0.0029697055, 0.00490568, -0.016462816),
    (0.9998994, 0.00058627536, -0.0016305232, 0.0027682872, 0.0013324738),
    (0.99995214, 0.00029022616, -0.00081915717, 0.001508501, -0.005753025),
    (0.9999779, 0.00013925109, -0.00037207533, 0.0007930802, -0.01268608),
    (0.9999901, 6.475805e-05, -0.00020704277, 0.00040195428, 0.00062349613),
    (0.9999957, 2.9188412e-05, -0.0001173706, 0.00019704222, 0.0054467297),
    (0.9999982, 1.2751419e-05, -9.7372336e-05, 9.322725e-05, 0.013702171),
    (0.9999993, 5.3992653e-06, -7.46365e-05, 4.2618612e-05, 0.014134195),
    (0.9999997, 2.2158424e-06, -2.260982e-06, 1.8829562e-05, -0.0015019482),
    (0.9999999, 8.81396e-07, 7.669437e-06, 8.0419695e-06, -0.0028103066),
    (1.0, 0.0, 0.0, 0.0, 0.0),
)

# e^(a^2) erfc a in a less the start of the piece: pieces are the a + 1 whose exponents and first
# three bits after the point are the same, up to where erfc is 0. The coefficients are rounded as
# those of erf; it leaves 0.5 ulp.
ERFC_BINARY32 = (
    (1.0, -1.1283791, 0.99999094, -0.7518719, 0.49331057, -0.24781632),
    (0.8732219, -0.9100851, 0.7601837, -0.5594234, 0.48971784, -0.6398242),
    (0.7703465, -0.74319595, 0.5839097, -0.38376707, 0.11074692, 0.29974082),
    (0.68585724, -0.6139875, 0.4556912, -0.29712862, 0.18708317, -0.13032758),
    (0.61569035, -0.51269126, 0.35949963, -0.22540644, 0.15454139, -0.15508775),
    (0.5568139, -0.4323676, 0.28695476, -0.17700675, 0.1647732, -0.2782066),
    (0.5069376, -0.3679651, 0.23052505, -0.120669626, -0.014404721, 0.22468731),
    (0.46431157, -0.3158287, 0.18762642, -0.093516774, -0.017918507, 0.19561152),
    (0.42758358, -0.27321178, 0.15436105, -0.07905519, 0.03628457, -0.012061508),
    (0.36782292, -0.20882161, 0.106785335, -0.050073985, 0.021087173, -0.00629199),
    (0.32158542, -0.16362295, 0.076150864, -0.032912593, 0.013151682, -0.0040852837),
    (0.28497222, -0.13097358, 0.055674918, -0.021259405, 0.003756156, 0.004799429),
    (0.25539568, -0.10679719, 0.041822642, -0.015659409, 0.0062511275, -0.0028490387),
    (0.23108725, -0.08848528, 0.03195343, -0.01056086, 0.0015773181, 0.0022524772),
    (0.21080637, -0.074348465, 0.024973491, -0.0083963955, 0.004253296, -0.0035090914),
    (0.19366209, -0.06323682, 0.01973242, -0.005640667, 0.0003684588, 0.0017279667),
    (0.17900115, -0.054372344, 0.015885027, -0.004477748, 0.0011956901, -0.00024304065),
    (0.15529366, -0.041323833, 0.010664908, -0.0026917981, 0.0006849938, -0.00015524034),
    (0.13699946, -0.03238354, 0.007465775, -0.0016817927, 0.0003664667, -6.427205e-05),
    (0.1224848, -0.02601582, 0.0054113255, -0.0010939428, 0.00019447003, -1.5914979e-05),
    (0.11070464, -0.021332819, 0.004041113, -0.0007549485, 0.00014142726, -2.4299148e-05),
    (0.10096222, -0.017795078, 0.003095986, -0.0005570791, 0.00015176387, -6.286648e-05),
    (0.09277657, -0.01506025, 0.0024127827, -0.00037304938, 3.7983315e-05, 9.304394e-06),
    (0.08580567, -0.012905389, 0.001919139, -0.00027670217, 2.7168e-05, 5.9240124e-06),
    (0.079800054, -0.0111784, 0.0015510995, -0.00021274236, 2.786716e-05, -2.7123272e-06),
    (0.069985166, -0.008616503, 0.0010530411, -0.00012750736, 1.4831512e-05, -1.3040639e-06),
    (0.062307723, -0.006840076, 0.00074603496, -7.961128e-05, 7.0331625e-06, -1.10005104e-07),
    (0.056140993, -0.0055593136, 0.0005478744, -5.3721637e-05, 5.1692073e-06, -4.0650198e-07),
)
# fmt: on


def has_pieces(k: Kernel) -> bool:
    """Whether the formulas below are those to take: on one machine in all registers or none."""
    return k.has_fma and host_permutes()


def columns(k: Kernel, name: str, rows: Sequence[Sequence[float]], first: int) -> list[Table]:
    """The columns of a table whose first row has the index `first`, modulo the number of rows,
    which is filled up with the last to a power of two."""
    count = 1 << (len(rows) - 1).bit_length()
    filled = [*rows, *[rows[-1]] * (count - len(rows))]
    first %= count
    turned = filled[count - first :] + filled[: count - first]
    return [
        Table(f"{name}{i}.{k.format.bits}", column)
        for i, column in enumerate(zip(*turned, strict=True))
    ]


TANH_OFFSET = 1.5
TANH = {
    BINARY32: (TANH_BINARY32, TANH_QUOTIENT_BINARY32),
    BINARY64: (TANH_BINARY64, TANH_QUOTIENT_BINARY64),
}


def tanh(k: Kernel, x: Real) -> Real:
    """tanh |x| = T + (1 - T^2) r / (C(r^2) + T r) with |x| = c + r, T = tanh c, C = r / tanh r, and
    the sign of x."""
    rows, quotient = TANH[k.format]
    shift = k.format.mantissa - 2
    a = k.at_most(abs(x), rows[-1][0])
    index = (a + TANH_OFFSET).bits() >> shift
    tables = columns(k, "tanh", rows, k.pattern(TANH_OFFSET) >> shift)
    c, t, slope = [look_up(k, table, index) for table in tables]
    r = a - c
    z = r * r
    evaluate = k.horner if k.format is BINARY32 else k.short_polynomial
    # What is known first is added first: a step less to wait for.
    denominator = k.fma(z, evaluate(z, quotient), k.fma(t, r, 1.0))
    return k.copysign(t + slope * r / denominator, x)


ERF_WIDTH = 0.125


def erf(k: Kernel, x: Real) -> Real:
    """The polynomial of the piece, with the sign of x; of float32. Near 0 it is x + x P(x), which
    keeps the relative error small."""
    a = k.at_most(abs(x), ERF_WIDTH * (len(ERF_BINARY32) - 1))
    # The sum is rounded to a multiple of the width, which is its last bit.
    magic = ERF_WIDTH * k.format.round_magic
    shifted = a + magic
    t, index = a - (shifted - magic), shifted.bits()
    absolute, *others = columns(k, "erf", ERF_BINARY32, 0)
    total = look_up(k, others[-1], index)
    for table in others[-2::-1]:
        total = k.fma(total, t, look_up(k, table, index))
    base = k.select(a <= ERF_WIDTH / 2, a, look_up(k, absolute, index))
    return k.copysign(k.fma(total, t, base), x)


ERFC_OFFSET, ERFC_TOP, ERFC_BITS = 1.0, 10.2, 3


def erfc(k: Kernel, x: Real) -> Real:
    """e^(-a^2) times the polynomial of the piece for a = |x|, and 2 less that for x < 0; of
    float32. a^2 is taken to twice the digits."""
    a = k.at_most(abs(x), ERFC_TOP)
    shift = k.format.mantissa - ERFC_BITS
    index = (a + ERFC_OFFSET).bits() >> shift
    t = a - ((index << shift).real() - ERFC_OFFSET)
    tables = columns(k, "erfc", ERFC_BINARY32, k.pattern(ERFC_OFFSET) >> shift)
    p = look_up(k, tables[-1], index)
    for table in tables[-2::-1]:
        p = k.fma(p, t, look_up(k, table, index))
    square, square_low = k.two_product(a, a)
    reduced = reduce_exp(k, -square, -square_low)
    less_one = reduced.high + exp_tail(k, reduced)
    far = k.scale_by_two_steps(k.fma(p, less_one, p), reduced.biased)
    return k.select(x < 0.0, 2.0 - far, far)
