#include <math.h>

void polynomial(long n, const double *restrict x, const double *restrict y, double *restrict out)
{
    for (long i = 0; i < n; i++) {
        double a = x[i] * y[i] + 0.5 * x[i];
        double b = a * a - y[i] * x[i];
        out[i] = (b > 0.25 ? b : 0.25) * (a + 1.5) - fabs(y[i] - b) / 3;
    }
}

void functions(long n, const double *restrict x, const double *restrict y, double *restrict out)
{
    for (long i = 0; i < n; i++)
        out[i] = sin(x[i]) * exp(-y[i] * y[i]) + log1p(x[i] * y[i]) * tanh(y[i]) + sqrt(x[i]);
}

void functions_float(long n, const float *restrict x, const float *restrict y, float *restrict out)
{
    for (long i = 0; i < n; i++)
        out[i] =
            sinf(x[i]) * expf(-y[i] * y[i]) + log1pf(x[i] * y[i]) * tanhf(y[i]) + sqrtf(x[i]);
}

/* The normal distribution function: Abramowitz and Stegun 26.2.17. */
static inline double normal(double x)
{
    double k = 1 / (1 + 0.2316419 * fabs(x));
    double series =
        k * (0.319381530 +
             k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))));
    double tail = exp(-0.5 * x * x) * series * 0.39894228040143267794;
    return x > 0 ? 1 - tail : tail;
}

void prices(long n, const double *restrict spot, const double *restrict strike,
            const double *restrict years, const double *restrict rate,
            const double *restrict volatility, double *restrict out)
{
    for (long i = 0; i < n; i++) {
        double width = volatility[i] * sqrt(years[i]);
        double d = (log(spot[i] / strike[i]) + rate[i] * years[i]) / width + 0.5 * width;
        out[i] = spot[i] * normal(d) - strike[i] * exp(-rate[i] * years[i]) * normal(d - width);
    }
}
