#include <math.h>

void small_products(long n, const double *restrict a, const double *restrict b,
                    double *restrict out)
{
    for (long m = 0; m < n; m++, a += 16, b += 16, out += 16)
        for (int i = 0; i < 4; i++) {
            double row[4] = {0};
            for (int k = 0; k < 4; k++)
                for (int j = 0; j < 4; j++)
                    row[j] += a[4 * i + k] * b[4 * k + j];
            for (int j = 0; j < 4; j++)
                out[4 * i + j] = row[j];
        }
}

/* Coordinates of y are brought side by side first, so that the loop over its points vectorises. */
void distances(long m, long n, const double *restrict x, const double *restrict y,
               double *restrict out)
{
    double by_axis[3][n];
    for (long j = 0; j < n; j++)
        for (int k = 0; k < 3; k++)
            by_axis[k][j] = y[3 * j + k];
    for (long i = 0; i < m; i++)
        for (long j = 0; j < n; j++) {
            double a = x[3 * i] - by_axis[0][j];
            double b = x[3 * i + 1] - by_axis[1][j];
            double c = x[3 * i + 2] - by_axis[2][j];
            out[i * n + j] = sqrt(a * a + b * b + c * c);
        }
}
