/* What the C files share: attributes, the processor's state, threads that meet, memory. */
#ifndef LONGHAND_COMMON_H
#define LONGHAND_COMMON_H
#if !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define MOST_THREADS 64
#define PATIENCE 2000 /* turns of a spin before the processor is offered to others */
#define LINE 64        /* bytes: of a cache, and of every alignment here */

enum { AVX2 = 1, NEON = 1, AVX512 = 2 };
/* What a call returns. Of several in one step the smallest that is not DONE counts. */
enum { DONE = 0, NOT_FINITE = 1, NO_CHOICE = 2, PAUSED = 3, NO_MEMORY = 4, BAD_TASK = 5 };

#define PUBLIC __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 24")
#endif
/* Keeps what was computed so far from being fused with what follows: rounded as it stands, on every processor. */
#if defined(__x86_64__)
#define APART(vector) __asm__("" : "+x"(vector))
#elif defined(__aarch64__)
#define APART(vector) __asm__("" : "+w"(vector))
#else
#define APART(vector) __asm__("" : "+m"(vector))
#endif

/* Bits: the sets of instructions that this processor has beyond the portable ones. */
static int64_t instructions_here(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    return __builtin_cpu_supports("avx512f") ? AVX2 | AVX512 : AVX2;
#elif defined(__aarch64__)
    return NEON;
#else
    return 0;
#endif
}

/* Numbers too small to be normal count as zero: they would be a hundred times slower. Returns what to go back to. */
static uint64_t flush_to_zero(void) {
#if defined(__x86_64__)
    uint32_t before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    return before;
#elif defined(__aarch64__)
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | 1u << 24));
    return before;
#else
    return 0;
#endif
}

static void flush_as_before(uint64_t before) {
#if defined(__x86_64__)
    _mm_setcsr((uint32_t)before);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
    (void)before;
#endif
}

INLINE void rest(void) {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void await(atomic_int *value, int wanted) {
    for (int64_t n = 0; atomic_load_explicit(value, memory_order_acquire) != wanted; n++) {
        rest();
        if (n > PATIENCE) sched_yield();
    }
}

/* Threads that work on one thing together. */
typedef struct {
    int threads;
    atomic_int go, arrived, turn;
} Team;

/* Wait until all threads of a team are here. */
static void meet(Team *team) {
    if (team->threads == 1) return;
    int turn = atomic_load_explicit(&team->turn, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1 < team->threads) {
        await(&team->turn, !turn);
        return;
    }
    atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&team->turn, !turn, memory_order_release);
}

static int64_t rounded(int64_t bytes) { return (bytes + LINE - 1) / LINE * LINE; }

#endif
