#include <math.h>

void updates(long n, const double *restrict x, double *restrict out)
{
    double last = out[0] = x[0];
    for (long i = 1; i < n; i++)
        out[i] = last = 0.5 * last + x[i];
}

static inline int least(int a, int b)
{
    return a < b ? a : b;
}

void edit_distance(long m, long n, const int *restrict a, const int *restrict b,
                   int *restrict row, int *restrict out)
{
    for (long j = 0; j <= n; j++)
        row[j] = (int)j;
    for (long i = 0; i < m; i++) {
        int corner = row[0], left = row[0] += 1;
        for (long j = 0; j < n; j++) {
            int up = row[j + 1];
            left = least(least(up, left) + 1, corner + (a[i] != b[j]));
            row[j + 1] = left;
            corner = up;
        }
    }
    *out = row[n];
}

void newton(long n, const double *restrict m, const double *restrict e, double *restrict out)
{
    for (long i = 0; i < n; i++) {
        double wave = sin(m[i]);
        double x = m[i] + 0.85 * e[i] * ((wave > 0) - (wave < 0)), change = 1;
        while (fabs(change) > 1e-12) {
            change = (x - e[i] * sin(x) - m[i]) / (1 - e[i] * cos(x));
            x -= change;
        }
        out[i] = x;
    }
}
