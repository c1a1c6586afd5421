#include <math.h>

static inline void factor(const double *restrict a, double *restrict l)
{
    for (int j = 0; j < 4; j++) {
        double square = a[5 * j];
        for (int k = 0; k < j; k++)
            square -= l[4 * j + k] * l[4 * j + k];
        double root = sqrt(square), scale = 1 / root;
        l[5 * j] = root;
        for (int i = j + 1; i < 4; i++) {
            double sum = a[4 * i + j];
            for (int k = 0; k < j; k++)
                sum -= l[4 * i + k] * l[4 * j + k];
            l[4 * i + j] = sum * scale;
            l[4 * j + i] = 0;
        }
    }
}

void cholesky(long n, const double *restrict a, double *restrict out)
{
    for (long m = 0; m < n; m++)
        factor(a + 16 * m, out + 16 * m);
}

/* Gaussian elimination with partial pivoting. */
void solve(long n, const double *restrict a, const double *restrict b, double *restrict out)
{
    for (long m = 0; m < n; m++) {
        double u[4][5];
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++)
                u[i][j] = a[16 * m + 4 * i + j];
            u[i][4] = b[4 * m + i];
        }
        for (int k = 0; k < 4; k++) {
            int pivot = k;
            for (int i = k + 1; i < 4; i++)
                if (fabs(u[i][k]) > fabs(u[pivot][k]))
                    pivot = i;
            for (int j = k; j < 5; j++) {
                double held = u[k][j];
                u[k][j] = u[pivot][j];
                u[pivot][j] = held;
            }
            double scale = 1 / u[k][k];
            for (int i = k + 1; i < 4; i++)
                for (int j = k + 1; j < 5; j++)
                    u[i][j] -= u[i][k] * scale * u[k][j];
        }
        for (int i = 3; i >= 0; i--) {
            double sum = u[i][4];
            for (int j = i + 1; j < 4; j++)
                sum -= u[i][j] * out[4 * m + j];
            out[4 * m + i] = sum / u[i][i];
        }
    }
}
