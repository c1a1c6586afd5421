#include <string.h>

typedef float vector __attribute__((vector_size(32), aligned(4)));

enum { COLUMNS = 6, VECTORS = 2, LANES = 8 * VECTORS };

/* Convolution of images [n, h, w, c] with a kernel [3, 3, c, o], padded so that the result has their
   size; w is at least COLUMNS, o a multiple of LANES. `padded` holds one image with a border of
   zeros: (h + 2) (w + 2) c elements. The sums of a tile stay in registers. */
static void tile(long row, long c, long o, const float *restrict from, const float *restrict k,
                 float *restrict out)
{
    vector sums[COLUMNS][VECTORS] = {{{0}}};
    for (long a = 0; a < 3; a++, from += row)
        for (long b = 0; b < 3 * c; b++, k += o) {
            vector first = *(const vector *)k, second = *(const vector *)(k + 8);
            for (int p = 0; p < COLUMNS; p++) {
                float x = from[p * c + b];
                sums[p][0] += x * first;
                sums[p][1] += x * second;
            }
        }
    for (int p = 0; p < COLUMNS; p++)
        for (int v = 0; v < VECTORS; v++)
            *(vector *)(out + p * o + 8 * v) = sums[p][v];
}

void same_3x3(long n, long h, long w, long c, long o, const float *restrict x,
              const float *restrict k, float *restrict padded, float *restrict out)
{
    long row = (w + 2) * c;
    for (long image = 0; image < n; image++) {
        memset(padded, 0, (h + 2) * row * sizeof *padded);
        for (long i = 0; i < h; i++)
            memcpy(padded + (i + 1) * row + c, x + (image * h + i) * w * c, w * c * sizeof *x);
        for (long i = 0; i < h; i++)
            for (long first = 0; first < o; first += LANES)
                for (long start = 0; start < w; start += COLUMNS) {
                    long j = start + COLUMNS <= w ? start : w - COLUMNS;
                    tile(row, c, o, padded + i * row + j * c, k + first,
                         out + ((image * h + i) * w + j) * o + first);
                }
    }
}
