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
