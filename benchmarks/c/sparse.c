/* The elements of tridiagonal matrices, by rows. */

void burgers_jacobian(long n, double step, const double *restrict u, double *restrict out)
{
    for (long i = 1; i + 1 < n; i++) {
        double slope = step * u[i];
        out[3 * i - 3] = slope;
        out[3 * i - 2] = 1 - step * (u[i + 1] - u[i - 1]);
        out[3 * i - 1] = -slope;
    }
}

void rosenbrock_hessian(long n, const double *restrict x, double *restrict out)
{
    out[0] = 1200 * x[0] * x[0] - 400 * x[1] + 2;
    out[1] = -400 * x[0];
    for (long i = 1; i + 1 < n; i++) {
        out[3 * i - 1] = -400 * x[i - 1];
        out[3 * i] = 1200 * x[i] * x[i] - 400 * x[i + 1] + 202;
        out[3 * i + 1] = -400 * x[i];
    }
    out[3 * n - 4] = -400 * x[n - 2];
    out[3 * n - 3] = 200;
}
