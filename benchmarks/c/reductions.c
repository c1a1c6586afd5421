/* Sums in several accumulators, so that the compiler may vectorise them in the order written. */
#include <math.h>

enum { LANES = 16 };

#define SUM(NAME, REAL, TERM)                                                                      \
    static REAL NAME(long n, const REAL *restrict x, REAL shift)                                   \
    {                                                                                              \
        REAL lanes[LANES] = {0}, sum = 0;                                                          \
        long i = 0;                                                                                \
        (void)shift;                                                                               \
        for (; i + LANES <= n; i += LANES)                                                         \
            for (int j = 0; j < LANES; j++) {                                                      \
                REAL v = x[i + j] - shift;                                                         \
                lanes[j] += TERM;                                                                  \
            }                                                                                      \
        for (int j = 0; j < LANES; j++)                                                            \
            sum += lanes[j];                                                                       \
        for (; i < n; i++) {                                                                       \
            REAL v = x[i] - shift;                                                                 \
            sum += TERM;                                                                           \
        }                                                                                          \
        return sum;                                                                                \
    }

SUM(plain, double, v)
SUM(squares, double, v *v)
SUM(squares_float, float, v *v)

static double maximum(long n, const double *restrict x)
{
    double lanes[LANES], top;
    long i = 0;
    for (int j = 0; j < LANES; j++)
        lanes[j] = x[0];
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
    top = lanes[0];
    for (int j = 1; j < LANES; j++)
        top = lanes[j] > top ? lanes[j] : top;
    for (; i < n; i++)
        top = x[i] > top ? x[i] : top;
    return top;
}

void sum_all(long rows, long columns, const double *x, double *out)
{
    *out = squares(rows * columns, x, 0);
}

void sum_all_float(long rows, long columns, const float *x, float *out)
{
    double sum = 0;
    for (long i = 0; i < rows; i++)
        sum += squares_float(columns, x + i * columns, 0);
    *out = (float)sum;
}

void sum_rows(long rows, long columns, const double *x, double *out)
{
    for (long i = 0; i < rows; i++)
        out[i] = squares(columns, x + i * columns, 0);
}

void sum_columns(long rows, long columns, const double *restrict x, double *restrict out)
{
    for (long j = 0; j < columns; j++)
        out[j] = 0;
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < columns; j++)
            out[j] += x[i * columns + j] * x[i * columns + j];
}

void sum_mixed(long planes, long rows, long columns, const double *x, double *out)
{
    for (long j = 0; j < rows; j++)
        out[j] = 0;
    for (long i = 0; i < planes; i++)
        for (long j = 0; j < rows; j++)
            out[j] += squares(columns, x + (i * rows + j) * columns, 0);
}

void variance(long rows, long columns, const double *x, double *out)
{
    for (long i = 0; i < rows; i++) {
        const double *row = x + i * columns;
        out[i] = squares(columns, row, plain(columns, row, 0) / columns) / columns;
    }
}

void logsumexp(long rows, long columns, const double *restrict x, double *restrict out)
{
    for (long i = 0; i < rows; i++) {
        const double *row = x + i * columns;
        double top = maximum(columns, row), sum = 0;
        for (long j = 0; j < columns; j++)
            sum += exp(row[j] - top);
        out[i] = log(sum) + top;
    }
}

void softmax(long rows, long columns, const double *restrict x, double *restrict out)
{
    for (long i = 0; i < rows; i++) {
        const double *row = x + i * columns;
        double *to = out + i * columns, top = maximum(columns, row), sum = 0;
        for (long j = 0; j < columns; j++) {
            to[j] = exp(row[j] - top);
            sum += to[j];
        }
        for (long j = 0; j < columns; j++)
            to[j] *= 1 / sum;
    }
}

void layer_norm(long rows, long columns, const double *restrict x, double *restrict out)
{
    for (long i = 0; i < rows; i++) {
        const double *row = x + i * columns;
        double mean = plain(columns, row, 0) / columns;
        double scale = 1 / sqrt(squares(columns, row, mean) / columns + 1e-5);
        for (long j = 0; j < columns; j++)
            out[i * columns + j] = (row[j] - mean) * scale;
    }
}
