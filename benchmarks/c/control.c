#define INTERVALS 20
#define SUBSTEPS 4
#define STEPS (INTERVALS * SUBSTEPS)
#define STEP (10.0 / STEPS)

/* Van der Pol's oscillator under control, and the cost rate as a third state. */
static inline void slope(const double *y, double u, double *k)
{
    k[0] = (1 - y[1] * y[1]) * y[0] - y[1] + u;
    k[1] = y[0];
    k[2] = y[0] * y[0] + y[1] * y[1] + u * u;
}

static inline void along(const double *y, double h, const double *k, double *out)
{
    for (int i = 0; i < 3; i++)
        out[i] = y[i] + h * k[i];
}

/* J(y)' ct of the slope; returns that of u. */
static inline double pull(const double *y, double u, const double *ct, double *out)
{
    out[0] = (1 - y[1] * y[1]) * ct[0] + ct[1] + 2 * y[0] * ct[2];
    out[1] = (-2 * y[1] * y[0] - 1) * ct[0] + 2 * y[1] * ct[2];
    out[2] = 0;
    return ct[0] + 2 * u * ct[2];
}

static void gradient(const double *restrict controls, double *restrict out)
{
    static const double start[3] = {0, 1, 0};
    double at[STEPS][4][3], y[3] = {start[0], start[1], start[2]};
    for (int t = 0; t < STEPS; t++) {
        double u = controls[t / SUBSTEPS], k1[3], k2[3], k3[3], k4[3];
        for (int i = 0; i < 3; i++)
            at[t][0][i] = y[i];
        slope(at[t][0], u, k1);
        along(y, STEP / 2, k1, at[t][1]);
        slope(at[t][1], u, k2);
        along(y, STEP / 2, k2, at[t][2]);
        slope(at[t][2], u, k3);
        along(y, STEP, k3, at[t][3]);
        slope(at[t][3], u, k4);
        for (int i = 0; i < 3; i++)
            y[i] += STEP / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
    }
    double ct[3] = {0, 0, 1};
    for (int n = INTERVALS - 1; n >= 0; n--) {
        double u = controls[n], du = 0;
        for (int t = (n + 1) * SUBSTEPS - 1; t >= n * SUBSTEPS; t--) {
            double c[3], p1[3], p2[3], p3[3], p4[3];
            along((double[3]){0}, STEP / 6, ct, c);
            du += pull(at[t][3], u, c, p4);
            for (int i = 0; i < 3; i++)
                c[i] = STEP / 3 * ct[i] + STEP * p4[i];
            du += pull(at[t][2], u, c, p3);
            for (int i = 0; i < 3; i++)
                c[i] = STEP / 3 * ct[i] + STEP / 2 * p3[i];
            du += pull(at[t][1], u, c, p2);
            for (int i = 0; i < 3; i++)
                c[i] = STEP / 6 * ct[i] + STEP / 2 * p2[i];
            du += pull(at[t][0], u, c, p1);
            for (int i = 0; i < 3; i++)
                ct[i] += p1[i] + p2[i] + p3[i] + p4[i];
        }
        out[n] = du;
    }
}

void control_gradient(long repeats, const double *controls, double *out)
{
    for (long n = 0; n < repeats; n++) {
        gradient(controls, out);
        __asm__ volatile("" ::: "memory");
    }
}
