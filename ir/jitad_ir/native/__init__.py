"""From a plan to machine code: SIMD emitter, math functions, library calls, threads, cache."""
