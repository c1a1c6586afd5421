#include <math.h>

/* The gradient of the softened energy: sum over j of m_i m_j (r_i - r_j) / d^3. */
void forces(long n, const double *restrict places, const double *restrict masses,
            double *restrict out)
{
    double x[n], y[n], z[n];
    for (long i = 0; i < n; i++) {
        x[i] = places[3 * i];
        y[i] = places[3 * i + 1];
        z[i] = places[3 * i + 2];
    }
    for (long i = 0; i < n; i++) {
        double sums[3][8] = {{0}};
        for (long from = 0; from < n; from += 8) {
            long to = n - from < 8 ? n - from : 8;
            for (long k = 0; k < to; k++) {
                long j = from + k;
                double a = x[i] - x[j], b = y[i] - y[j], c = z[i] - z[j];
                double square = a * a + b * b + c * c + 1e-2;
                double weight = masses[j] / (square * sqrt(square));
                sums[0][k] += weight * a;
                sums[1][k] += weight * b;
                sums[2][k] += weight * c;
            }
        }
        for (int axis = 0; axis < 3; axis++) {
            double sum = 0;
            for (int k = 0; k < 8; k++)
                sum += sums[axis][k];
            out[3 * i + axis] = masses[i] * sum;
        }
    }
}

void rosenbrock_gradient(long n, const double *restrict x, double *restrict out)
{
    out[0] = 0;
    for (long i = 0; i + 1 < n; i++)
        out[i] = -400 * x[i] * (x[i + 1] - x[i] * x[i]) - 2 * (1 - x[i]);
    out[n - 1] = 0;
    for (long i = 1; i < n; i++)
        out[i] += 200 * (x[i] - x[i - 1] * x[i - 1]);
}
