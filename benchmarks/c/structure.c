void cumsum(long n, const double *restrict x, double *restrict out)
{
    double sum = 0;
    for (long i = 0; i < n; i++)
        out[i] = sum += x[i];
}

void gather(long n, const double *restrict table, const long *restrict at, double *restrict out)
{
    for (long i = 0; i < n; i++)
        out[i] = table[at[i]] * 2;
}

void scatter_add(long n, long size, const double *restrict x, const long *restrict at,
                 double *restrict out)
{
    for (long i = 0; i < size; i++)
        out[i] = 0;
    for (long i = 0; i < n; i++)
        out[at[i]] += x[i];
}

/* In tiles of 8 by 8: a line of the cache each way. */
void transpose(long n, const double *restrict x, double *restrict out)
{
    enum { TILE = 8 };
    for (long i = 0; i < n; i += TILE)
        for (long j = 0; j < n; j += TILE) {
            long rows = n - i < TILE ? n - i : TILE, columns = n - j < TILE ? n - j : TILE;
            for (long k = i; k < i + rows; k++)
                for (long l = j; l < j + columns; l++)
                    out[k * n + l] = x[l * n + k] * 2 + x[k * n + l];
        }
}

void stencil(long m, long n, const double *restrict u, double *restrict out)
{
    for (long i = 1; i + 1 < m; i++)
        for (long j = 1; j + 1 < n; j++)
            out[(i - 1) * (n - 2) + j - 1] = u[(i - 1) * n + j] + u[(i + 1) * n + j] +
                                             u[i * n + j - 1] + u[i * n + j + 1] -
                                             4 * u[i * n + j];
}
