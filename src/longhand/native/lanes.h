/* Vectors of LANES numbers and what is computed with them; included once for each set of instructions, with the macros
 * LANES and NAME, in GCC's and Clang's vector extensions. */
#define Vector NAME(Vector)
#define Ints NAME(Ints)
#define Shorts NAME(Shorts)
#define Bytes NAME(Bytes)
typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));
typedef int16_t Shorts __attribute__((vector_size(2 * LANES)));
typedef int8_t Bytes __attribute__((vector_size(LANES)));

INLINE Vector NAME(choose)(Ints mask, Vector yes, Vector no) {
    return (Vector)((mask & (Ints)yes) | (~mask & (Ints)no));
}

/* x, or `low` or `high` where it is beyond; NaN stays. */
INLINE Vector NAME(within)(Vector low, Vector x, Vector high) {
#if defined(__x86_64__) /* one instruction each; of two that cannot be compared they return the second */
#if LANES == 16
    return _mm512_min_ps(high, _mm512_max_ps(low, x));
#elif LANES == 8
    return _mm256_min_ps(high, _mm256_max_ps(low, x));
#else
    return _mm_min_ps(high, _mm_max_ps(low, x));
#endif
#elif defined(__aarch64__)
    return vminq_f32(high, vmaxq_f32(low, x));
#else
    x = NAME(choose)(x < low, low, x);
    return NAME(choose)(x > high, high, x);
#endif
}

/* e^x = scale + part, from 2^n e^r with |r| <= ln 2 / 2: scale is 2^n, part 2^n (e^r - 1), each within two units in the
 * last place; beyond `least` and `most`, which are within -87 and 88, their values; NaN stays in part. Coefficients:
 * Taylor's, which at this |r| leave 2e-8. */
INLINE void NAME(exponential)(Vector x, float least, float most, Vector *scale, Vector *part) {
    const float shift = 12582912.f; /* 1.5 * 2^23: its last bits become n */
    const Vector zero = {0};
    x = NAME(within)(zero + least, x, zero + most);
    Vector shifted = x * 1.44269504f + shift, n = shifted - shift;
    Vector r = x - n * 0.693359375f + n * 2.12194440e-4f;
    Vector power = zero + 1.f / 5040;
    power = power * r + 1.f / 720;
    power = power * r + 1.f / 120;
    power = power * r + 1.f / 24;
    power = power * r + 1.f / 6;
    power = power * r + .5f;
    power = power * r + 1.f;
    *scale = (Vector)(((Ints)shifted << 23) + 0x3F800000);
    *part = power * r * *scale;
}

/* 1 / sigmoid(x) = 1 + e^-x */
INLINE Vector NAME(inverse_sigmoid)(Vector x) {
    Vector scale, part;
    NAME(exponential)(-x, -87.f, 88.f, &scale, &part);
    return 1.f + (scale + part);
}

/* sigmoid(x) tanh(y) in one division: tanh(y) = -less / (2 + less) with less = e^(-2 y) - 1, of which no digit is lost
 * where y is small. Beyond 20 tanh is 1: there, e^(2 y) stays small enough for the product. */
INLINE Vector NAME(gated)(Vector x, Vector y) {
    Vector scale, part;
    NAME(exponential)(-2.f * y, -40.f, 40.f, &scale, &part);
    Vector less = (scale - 1.f) + part;
    return -less / (NAME(inverse_sigmoid)(x) * (2.f + less));
}
