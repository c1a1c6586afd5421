"""jitad's compiler: typed programs, their derivatives, and native code. Knows no Python functions
and no pytrees; the package `jitad` is its face."""
