#include <math.h>

#define STEP 5e-4

static inline void slope(const double *y, double *k)
{
    k[0] = 10 * (y[1] - y[0]);
    k[1] = y[0] * (28 - y[2]) - y[1];
    k[2] = y[0] * y[1] - 8.0 / 3 * y[2];
}

static inline void along(const double *y, double h, const double *k, double *out)
{
    for (int i = 0; i < 3; i++)
        out[i] = y[i] + h * k[i];
}

static inline void step(const double *y, double *out)
{
    double k1[3], k2[3], k3[3], k4[3], at[3];
    slope(y, k1);
    along(y, STEP / 2, k1, at);
    slope(at, k2);
    along(y, STEP / 2, k2, at);
    slope(at, k3);
    along(y, STEP, k3, at);
    slope(at, k4);
    for (int i = 0; i < 3; i++)
        out[i] = y[i] + STEP / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
}

void lorenz(long n, const double *restrict y0, double *restrict path, double *restrict out)
{
    double y[3] = {y0[0], y0[1], y0[2]}, sums[3] = {0};
    (void)path;
    for (long t = 0; t < n; t++) {
        step(y, y);
        for (int i = 0; i < 3; i++)
            sums[i] += y[i] * y[i];
    }
    *out = sums[0] + sums[1] + sums[2];
}

/* J(y)' ct */
static inline void pull(const double *y, const double *ct, double *out)
{
    out[0] = -10 * ct[0] + (28 - y[2]) * ct[1] + y[1] * ct[2];
    out[1] = 10 * ct[0] - ct[1] + y[0] * ct[2];
    out[2] = -y[0] * ct[1] - 8.0 / 3 * ct[2];
}

/* States are stored on the way forward, stages computed again on the way back. */
void lorenz_gradient(long n, const double *restrict y0, double *restrict path,
                     double *restrict out)
{
    double ct[3] = {0};
    for (int i = 0; i < 3; i++)
        path[i] = y0[i];
    for (long t = 0; t < n; t++)
        step(path + 3 * t, path + 3 * t + 3);
    for (long t = n - 1; t >= 0; t--) {
        const double *y = path + 3 * t;
        double k[3], y2[3], y3[3], y4[3], c[3], p1[3], p2[3], p3[3], p4[3];
        slope(y, k);
        along(y, STEP / 2, k, y2);
        slope(y2, k);
        along(y, STEP / 2, k, y3);
        slope(y3, k);
        along(y, STEP, k, y4);
        for (int i = 0; i < 3; i++) {
            ct[i] += 2 * y[3 + i];
            c[i] = STEP / 6 * ct[i];
        }
        pull(y4, c, p4);
        for (int i = 0; i < 3; i++)
            c[i] = STEP / 3 * ct[i] + STEP * p4[i];
        pull(y3, c, p3);
        for (int i = 0; i < 3; i++)
            c[i] = STEP / 3 * ct[i] + STEP / 2 * p3[i];
        pull(y2, c, p2);
        for (int i = 0; i < 3; i++)
            c[i] = STEP / 6 * ct[i] + STEP / 2 * p2[i];
        pull(y, c, p1);
        for (int i = 0; i < 3; i++)
            ct[i] += p1[i] + p2[i] + p3[i] + p4[i];
    }
    for (int i = 0; i < 3; i++)
        out[i] = ct[i];
}

/* One step between two buffers; the operator but for its ends is symmetric. */
static void diffuse(long n, const double *restrict u, double *restrict out)
{
    for (long i = 1; i + 1 < n; i++)
        out[i] = u[i] + 0.25 * (u[i + 1] - 2 * u[i] + u[i - 1]);
    out[0] = u[0];
    out[n - 1] = u[n - 1];
}

/* The transpose: ends receive from their neighbours and hand nothing on. */
static void diffuse_transposed(long n, const double *restrict ct, double *restrict out)
{
    for (long i = 2; i + 2 < n; i++)
        out[i] = ct[i] + 0.25 * (ct[i + 1] - 2 * ct[i] + ct[i - 1]);
    out[0] = ct[0] + 0.25 * ct[1];
    out[1] = 0.5 * ct[1] + 0.25 * ct[2];
    out[n - 2] = 0.5 * ct[n - 2] + 0.25 * ct[n - 3];
    out[n - 1] = ct[n - 1] + 0.25 * ct[n - 2];
}

/* An even number of steps, so that the last lands in `out`. */
void heat_gradient(long n, long steps, const double *u, double *other, double *out)
{
    for (long i = 0; i < n; i++)
        out[i] = u[i];
    for (long t = 0; t < steps; t += 2) {
        diffuse(n, out, other);
        diffuse(n, other, out);
    }
    for (long i = 0; i < n; i++)
        out[i] *= 2;
    for (long t = 0; t < steps; t += 2) {
        diffuse_transposed(n, out, other);
        diffuse_transposed(n, other, out);
    }
}

/* Dormand and Prince's pair on the van der Pol oscillator up to time 20. */
void adaptive(double stiffness, const double *restrict start, double *restrict out)
{
    static const double weights[7][6] = {
        {0},
        {1.0 / 5},
        {3.0 / 40, 9.0 / 40},
        {44.0 / 45, -56.0 / 15, 32.0 / 9},
        {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
        {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
        {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
    };
    static const double errors[7] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                     -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
    double t = 0, h = 0.01, y[2] = {start[0], start[1]};
    while (t < 20) {
        double k[7][2], at[2], square = 0;
        h = h < 20 - t ? h : 20 - t;
#pragma GCC unroll 7
        for (int stage = 0; stage < 7; stage++) {
            double sum[2] = {0, 0};
#pragma GCC unroll 6
            for (int j = 0; j < stage; j++)
                for (int i = 0; i < 2; i++)
                    sum[i] += weights[stage][j] * k[j][i];
            for (int i = 0; i < 2; i++)
                at[i] = y[i] + h * sum[i];
            k[stage][0] = at[1];
            k[stage][1] = stiffness * (1 - at[0] * at[0]) * at[1] - at[0];
        }
        for (int i = 0; i < 2; i++) {
            double error = 0, old = fabs(y[i]), new = fabs(at[i]);
            for (int j = 0; j < 7; j++)
                error += errors[j] * k[j][i];
            error = h * error / (1e-8 * (1 + (old > new ? old : new)));
            square += error * error;
        }
        double size = sqrt(square / 2 + 1e-30), factor = 0.9 * pow(size, -0.2);
        if (size <= 1) {
            t += h;
            y[0] = at[0];
            y[1] = at[1];
        }
        h *= factor < 0.2 ? 0.2 : factor > 5 ? 5 : factor;
    }
    *out = y[0] * y[0] + y[1] * y[1];
}
