/* Running an LSTM: tokens in, logits or drawn tokens out. Knows no file format and no text; allocates only what one
 * call needs, keeps nothing between calls. `packing.py` lays out the weights, `library.py` mirrors the structures.
 *
 * Rows of a matrix come in groups of 64. For a layer these are 16 units with their gates i, f, g, o one after another,
 * so that a group's sums are all that its units need. A sum is taken over the inputs one by one in their order,
 * whatever the number of streams, so a stream's numbers do not depend on what runs beside it.
 *
 * Bodies are written once, in GCC's and Clang's vector extensions, and compiled for each instruction set that
 * VARIANT names; only the products of 8-bit integers are written for each.
 */
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

#define INTERFACE 2 /* what library.py expects */
#define GROUP 64    /* rows */
#define UNITS 16    /* of a layer in a group */
#define BLOCK 256   /* inputs of which a quarter group's weights, 16 KB, stay in the first cache for all streams */
#define MOST_THREADS 64
#define PATIENCE 20000 /* turns of a spin before the processor is offered to others */
#define LINE 64        /* bytes: of a cache, and of every alignment here */

enum { DONE = 0, NOT_FINITE = 1, NO_MEMORY = 2 };
enum { PORTABLE = 0, AVX2 = 1 };

typedef float Eight __attribute__((vector_size(32)));
typedef int32_t EightInts __attribute__((vector_size(32)));
#define PUBLIC __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

/* A packed matrix: floats [groups][4][inputs][16], or with scales 8-bit integers [groups][inputs / 4][64][4]. */
typedef struct {
    const void *values;
    const float *scales; /* [groups][64], what one step of an integer product is worth */
    int64_t groups, inputs;
} Matrix;

typedef struct {
    Matrix input, recurrent; /* no input values: they are in the table */
    const float *bias;       /* [groups][64], added where there is no table */
} Layer;

typedef struct {
    int64_t vocabulary, hidden, layers, inputs; /* hidden and inputs padded; inputs: an embedding's width */
    const float *table;                         /* (vocabulary, 4 hidden) in groups, bias included, or none */
    const float *embedding;                     /* (vocabulary, inputs), where there is no table */
    const Layer *layer;
    Matrix head;
    const float *head_bias; /* [groups][64] */
} Network;

/* Room for the states of `capacity` streams. What a layer shows is kept twice, as it was and as it becomes. */
typedef struct {
    float *hidden;  /* [layers][capacity][2][hidden] */
    int8_t *shown;  /* the same as integers, for those who multiply integers */
    float *cell;    /* [layers][capacity][hidden] */
    uint8_t *place; /* [capacity], which of the two holds */
    int64_t capacity;
} States;

typedef struct {
    double temperature; /* 0: the likeliest */
    double top_p, min_p;
    int64_t top_k; /* 0: all */
} Sampling;

typedef struct {
    const Network *network;
    const States *states;
    const int64_t *slots; /* [streams]: places in the states, no two the same */
    int64_t streams, steps;
    const int32_t *given; /* [steps][streams] tokens to read, or [1][streams] where the rest is drawn */
    int32_t *drawn;       /* [steps][streams], or none: then nothing is drawn */
    float *outputs;       /* [steps][streams][hidden], or none */
    float *logits;        /* [steps][streams][vocabulary], or none */
    const double *chance; /* [steps][streams], in [0, 1) */
    const Sampling *sampling; /* [streams] */
    const uint8_t *never;     /* [vocabulary]: 1 for tokens that are not drawn */
    int64_t threads, instructions;
} Task;

/* ---- sums of products: 32-bit floats ---- */

/* Add inputs from..to of some quarters of a group to the sums of some streams, held in registers all along. */
INLINE void tile(const float *weights, int64_t inputs, int64_t from, int64_t to, const float *const *x, float *sums,
                 int quarters, int streams) {
    const int wide = 2 * quarters;
    Eight sum[12], weight[8];
    UNROLL
    for (int n = 0; n < streams * wide; n++) sum[n] = *(const Eight *)(sums + n / wide * GROUP + n % wide * 8);
    for (int64_t k = from; k < to; k++) {
        UNROLL
        for (int p = 0; p < wide; p++) weight[p] = *(const Eight *)(weights + (p / 2 * inputs + k) * UNITS + p % 2 * 8);
        UNROLL
        for (int n = 0; n < streams * wide; n++) sum[n] += weight[n % wide] * x[n / wide][k];
    }
    UNROLL
    for (int n = 0; n < streams * wide; n++) *(Eight *)(sums + n / wide * GROUP + n % wide * 8) = sum[n];
}

/* How many of the streams that are left go together: six or four fill the registers, and none is left alone. */
INLINE int64_t together(int64_t left) { return left == 7 ? 4 : left > 6 ? 6 : left; }

INLINE void float_block(const float *group, int64_t inputs, int64_t from, int64_t to, const float *const *x,
                        int64_t streams, float *sums) {
    for (int quarter = 0; quarter < 4; quarter++) {
        const float *weights = group + quarter * inputs * UNITS;
        for (int64_t s = 0, n; s < streams; s += n) {
            float *first = sums + s * GROUP + quarter * UNITS;
            n = together(streams - s);
            if (n == 6) tile(weights, inputs, from, to, x + s, first, 1, 6);
            if (n == 5) tile(weights, inputs, from, to, x + s, first, 1, 5);
            if (n == 4) tile(weights, inputs, from, to, x + s, first, 1, 4);
            if (n == 3 && quarter % 2 == 0) tile(weights, inputs, from, to, x + s, first, 2, 3);
            if (n == 2 && quarter % 2 == 0) tile(weights, inputs, from, to, x + s, first, 2, 2);
        }
    }
}

INLINE void float_products(const Matrix *matrix, int64_t g, const float *const *x, int64_t streams, float *sums) {
    const float *group = (const float *)matrix->values + g * GROUP * matrix->inputs;
    if (streams == 1) {
        tile(group, matrix->inputs, 0, matrix->inputs, x, sums, 4, 1);
        return;
    }
    for (int64_t from = 0; from < matrix->inputs; from += BLOCK) {
        int64_t to = from + BLOCK < matrix->inputs ? from + BLOCK : matrix->inputs;
        float_block(group, matrix->inputs, from, to, x, streams, sums);
    }
}

/* ---- sums of products: 8-bit integers, weights and what a layer shows in -127..127 ---- */

#define INTEGERS(matrix, g) ((const int8_t *)(matrix)->values + (g) * GROUP * (matrix)->inputs)

static void integers_portable(const Matrix *matrix, int64_t g, const int8_t *x, float *sums) {
    const int8_t *weights = INTEGERS(matrix, g);
    int32_t total[GROUP] = {0};
    for (int64_t k = 0; k < matrix->inputs; k += 4, weights += 4 * GROUP)
        for (int row = 0; row < GROUP; row++)
            for (int n = 0; n < 4; n++) total[row] += weights[4 * row + n] * x[k + n];
    for (int row = 0; row < GROUP; row++) sums[row] += matrix->scales[g * GROUP + row] * (float)total[row];
}

#if defined(__x86_64__)
/* maddubs takes one factor without sign: |x|, the sign goes to the weight. Pairs reach 2 * 127 * 127 < 2^15. */
__attribute__((target("avx2,fma"))) static void integers_avx2(const Matrix *matrix, int64_t g, const int8_t *x,
                                                               float *sums) {
    const __m256i *weights = (const __m256i *)INTEGERS(matrix, g);
    const float *scales = matrix->scales + g * GROUP;
    __m256i total[8], ones = _mm256_set1_epi16(1);
    for (int p = 0; p < 8; p++) total[p] = _mm256_setzero_si256();
    for (int64_t k = 0; k < matrix->inputs; k += 4, weights += 8) {
        int32_t four;
        memcpy(&four, x + k, 4);
        __m256i value = _mm256_set1_epi32(four), size = _mm256_abs_epi8(value);
        UNROLL
        for (int p = 0; p < 8; p++) {
            __m256i pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(weights[p], value));
            total[p] = _mm256_add_epi32(total[p], _mm256_madd_epi16(pairs, ones));
        }
    }
    for (int p = 0; p < 8; p++)
        *(Eight *)(sums + 8 * p) += *(const Eight *)(scales + 8 * p) * (Eight)_mm256_cvtepi32_ps(total[p]);
}
#elif defined(__aarch64__)
static void integers_neon(const Matrix *matrix, int64_t g, const int8_t *x, float *sums) {
    for (int quarter = 0; quarter < 4; quarter++) {
        const int8_t *weights = INTEGERS(matrix, g) + quarter * 4 * UNITS;
        int32x4_t total[8]; /* of two rows each, every row in two parts */
        for (int p = 0; p < 8; p++) total[p] = vdupq_n_s32(0);
        for (int64_t k = 0; k < matrix->inputs; k += 4, weights += 4 * GROUP) {
            int32_t four;
            memcpy(&four, x + k, 4);
            int8x8_t value = vreinterpret_s8_s32(vdup_n_s32(four));
            UNROLL
            for (int p = 0; p < 8; p++) total[p] = vpadalq_s16(total[p], vmull_s8(vld1_s8(weights + 8 * p), value));
        }
        const float *scales = matrix->scales + g * GROUP + quarter * UNITS;
        float *rows = sums + quarter * UNITS;
        for (int p = 0; p < 4; p++) {
            float32x4_t four = vcvtq_f32_s32(vpaddq_s32(total[2 * p], total[2 * p + 1]));
            vst1q_f32(rows + 4 * p, vfmaq_f32(vld1q_f32(rows + 4 * p), vld1q_f32(scales + 4 * p), four));
        }
    }
}
#endif

/* ---- activations ---- */

INLINE Eight choose(EightInts mask, Eight yes, Eight no) {
    return (Eight)((mask & (EightInts)yes) | (~mask & (EightInts)no));
}

/* e^x within two units in the last place, from 2^n e^r with |r| <= ln 2 / 2; beyond -87 and 88 their values; NaN stays.
 * Coefficients: Taylor's, which at this |r| leave 2e-8. */
INLINE Eight exponential(Eight x) {
    const float shift = 12582912.f; /* 1.5 * 2^23: its last bits become n */
    Eight zero = {0}, low = zero - 87.f, high = zero + 88.f;
    Eight inside = choose(x < low, low, choose(x > high, high, x));
    Eight shifted = inside * 1.44269504f + shift, n = shifted - shift;
    Eight r = inside - n * 0.693359375f + n * 2.12194440e-4f;
    Eight power = zero + 1.f / 5040;
    power = power * r + 1.f / 720;
    power = power * r + 1.f / 120;
    power = power * r + 1.f / 24;
    power = power * r + 1.f / 6;
    power = power * r + .5f;
    power = power * r + 1.f;
    power = power * r + 1.f;
    Eight result = (Eight)((EightInts)power + ((EightInts)shifted << 23));
    return choose(x == x, result, x);
}

INLINE Eight sigmoid(Eight x) { return 1.f / (1.f + exponential(-x)); }
INLINE Eight hyperbolic(Eight x) { return 2.f / (1.f + exponential(-2.f * x)) - 1.f; }

/* A group's sums become what its 16 units remember and show. `damage` gets bits where that is no number. */
INLINE void gates_body(const float *sums, float *cell, float *hidden, int8_t *shown, EightInts *damage) {
    for (int half = 0; half < UNITS; half += 8) {
        const Eight *in = (const Eight *)(sums + half);
        Eight keep = sigmoid(in[2]), add = sigmoid(in[0]) * hyperbolic(in[4]);
        Eight c = keep * *(Eight *)(cell + half) + add, h = sigmoid(in[6]) * hyperbolic(c);
        *(Eight *)(cell + half) = c;
        *(Eight *)(hidden + half) = h;
        *damage |= h != h;
        if (shown == NULL) continue;
        EightInts whole = (EightInts)(h * 127.f + 12582912.f) - 0x4B400000;
        for (int n = 0; n < 8; n++) shown[half + n] = (int8_t)whole[n];
    }
}

/* weights = e^((logits - best) / temperature); the numbers of both are a multiple of eight. */
INLINE void shares_body(const float *logits, float best, float temperature, int64_t padded, float *weights) {
    for (int64_t n = 0; n < padded; n += 8)
        *(Eight *)(weights + n) = exponential((*(const Eight *)(logits + n) - best) / temperature);
}

/* ---- reading, for nothing but the time that it takes ---- */

INLINE float reading_body(const float *from, int64_t count) {
    Eight sum[8] = {{0}};
    for (int64_t n = 0; n + 64 <= count; n += 64) {
        UNROLL
        for (int p = 0; p < 8; p++) sum[p] += *(const Eight *)(from + n + 8 * p);
    }
    for (int p = 1; p < 8; p++) sum[0] += sum[p];
    return sum[0][0];
}

/* ---- one set of functions for each set of instructions ---- */

typedef struct {
    void (*floats)(const Matrix *, int64_t, const float *const *, int64_t, float *);
    void (*integers)(const Matrix *, int64_t, const int8_t *, float *);
    void (*gates)(const float *, float *, float *, int8_t *, EightInts *);
    void (*shares)(const float *, float, float, int64_t, float *);
    float (*reading)(const float *, int64_t);
} Functions;

#define VARIANT(name, attributes, integers)                                                                            \
    attributes static void floats_##name(const Matrix *m, int64_t g, const float *const *x, int64_t n, float *sums) {  \
        float_products(m, g, x, n, sums);                                                                              \
    }                                                                                                                  \
    attributes static void gates_##name(const float *sums, float *cell, float *hidden, int8_t *shown, EightInts *bad) { \
        gates_body(sums, cell, hidden, shown, bad);                                                                    \
    }                                                                                                                  \
    attributes static void shares_##name(const float *logits, float best, float heat, int64_t n, float *weights) {     \
        shares_body(logits, best, heat, n, weights);                                                                   \
    }                                                                                                                  \
    attributes static float reading_##name(const float *from, int64_t count) { return reading_body(from, count); }      \
    static const Functions name = {floats_##name, integers, gates_##name, shares_##name, reading_##name};

#if defined(__x86_64__)
VARIANT(avx2, __attribute__((target("avx2,fma"))), integers_avx2)
#endif
#if defined(__aarch64__)
VARIANT(neon, , integers_neon)
#endif
VARIANT(portable, , integers_portable)

/* Bits: 1 for the instructions that this processor has beyond the portable ones. */
PUBLIC int64_t longhand_instructions(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#elif defined(__aarch64__)
    return 1;
#else
    return 0;
#endif
}

PUBLIC int64_t longhand_interface(void) { return INTERFACE; }

static const Functions *functions_for(int64_t instructions) {
#if defined(__x86_64__)
    if (instructions & longhand_instructions()) return &avx2;
#elif defined(__aarch64__)
    if (instructions) return &neon;
#else
    (void)instructions;
#endif
    return &portable;
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

/* ---- drawing a token ---- */

typedef struct {
    float *weights; /* [vocabulary, padded] */
    int32_t *heap;  /* [vocabulary] */
} Scratch;

/* Whether token a comes before b: the likelier, of equals the first. */
static int before(const float *weights, int32_t a, int32_t b) {
    return weights[a] > weights[b] || (weights[a] == weights[b] && a < b);
}

static void sink(const float *weights, int32_t *heap, int64_t count, int64_t place) {
    for (int64_t child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && before(weights, heap[child + 1], heap[child])) child++;
        if (!before(weights, heap[child], heap[place])) return;
        int32_t other = heap[place];
        heap[place] = heap[child];
        heap[child] = other;
    }
}

/* Move the likeliest token of a heap behind its end. */
static float taken(const float *weights, int32_t *heap, int64_t count) {
    int32_t first = heap[0];
    heap[0] = heap[count - 1];
    heap[count - 1] = first;
    sink(weights, heap, count - 1, 0);
    return weights[first];
}

/* Leave the `top_k` likeliest tokens, and of these the fewest that together have a share of `top_p`. */
static void keep_top(const Sampling *sampling, int64_t vocabulary, Scratch *scratch) {
    float *weights = scratch->weights;
    int32_t *heap = scratch->heap;
    int64_t most = sampling->top_k > 0 && sampling->top_k < vocabulary ? sampling->top_k : vocabulary, kept = 0;
    if (most == vocabulary && sampling->top_p >= 1) return;
    for (int64_t n = 0; n < vocabulary; n++) heap[n] = (int32_t)n;
    for (int64_t n = vocabulary / 2; n-- > 0;) sink(weights, heap, vocabulary, n);
    double total = 0, sum = 0;
    if (most == vocabulary) {
        for (int64_t n = 0; n < vocabulary; n++) total += weights[n];
    } else {
        for (; kept < most; kept++) total += taken(weights, heap, vocabulary - kept);
    }
    int64_t within = 0; /* tokens taken lie at the end, the likeliest last */
    do {
        if (within == kept) taken(weights, heap, vocabulary - kept++);
        sum += weights[heap[vocabulary - ++within]];
    } while (within < most && sum < sampling->top_p * total);
    for (int64_t n = 0; n < vocabulary - within; n++) weights[heap[n]] = 0;
}

/* Return a token, or -1 if the logits are not finite. sampler.py says the same in NumPy, and why. */
static int32_t draw(const Task *task, const Functions *with, float *logits, int64_t stream, double chance,
                    Scratch *scratch) {
    const int64_t vocabulary = task->network->vocabulary;
    const Sampling *sampling = task->sampling + stream;
    float *weights = scratch->weights, sum = 0;
    int64_t best = -1;
    for (int64_t n = 0; n < vocabulary; n++) sum += logits[n] - logits[n]; /* 0, or not a number */
    if (sum != 0) return -1;
    for (int64_t n = 0; n < vocabulary; n++)
        if (!task->never[n] && (best < 0 || logits[n] > logits[best])) best = n;
    if (sampling->temperature < 1e-30 || best < 0) return (int32_t)best;
    with->shares(logits, logits[best], (float)sampling->temperature, (vocabulary + 7) / 8 * 8, weights);
    for (int64_t n = 0; n < vocabulary; n++)
        if (task->never[n]) weights[n] = 0;
    keep_top(sampling, vocabulary, scratch);
    double total = 0, reached = 0;
    for (int64_t n = 0; n < vocabulary; n++) {
        if (weights[n] < sampling->min_p) weights[n] = 0; /* the likeliest has 1 */
        total += weights[n];
    }
    int64_t last = best;
    for (int64_t n = 0; n < vocabulary; n++) {
        if (weights[n] == 0) continue;
        reached += weights[n];
        last = n;
        if (reached > chance * total) break;
    }
    return (int32_t)last;
}

/* ---- the loop ---- */

typedef struct {
    const Task *task;
    const Functions *with;
    float *logits;  /* [streams][head rows] */
    int32_t *token; /* [streams], read next */
    int threads;
    atomic_int go, arrived, turn, failed;
} Work;

typedef struct {
    Work *work;
    int number;
    float *sums; /* [streams][GROUP] */
    const float **x;
    const int8_t **integers;
    Scratch scratch;
    EightInts damage;
} Worker;

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

/* Wait until all threads are here. */
static void meet(Work *work) {
    if (work->threads == 1) return;
    int turn = atomic_load_explicit(&work->turn, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&work->arrived, 1, memory_order_acq_rel) + 1 < work->threads) {
        await(&work->turn, !turn);
        return;
    }
    atomic_store_explicit(&work->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&work->turn, !turn, memory_order_release);
}

/* Where what a layer shows lies: as it was before step `step`, or as it is `after` it. */
static int64_t shown_at(const Task *task, int64_t layer, int64_t stream, int64_t step, int after) {
    const States *states = task->states;
    int64_t slot = task->slots[stream], which = (states->place[slot] + step + after) & 1;
    return ((layer * states->capacity + slot) * 2 + which) * task->network->hidden;
}

static void point(Worker *worker, int64_t layer, int64_t step, int after) {
    const Task *task = worker->work->task;
    for (int64_t s = 0; s < task->streams; s++) {
        int64_t place = shown_at(task, layer, s, step, after);
        worker->x[s] = task->states->hidden + place;
        worker->integers[s] = task->states->shown == NULL ? NULL : task->states->shown + place;
    }
}

static void add(Worker *worker, const Matrix *matrix, int64_t g) {
    const Functions *with = worker->work->with;
    int64_t streams = worker->work->task->streams;
    if (matrix->scales == NULL) {
        with->floats(matrix, g, worker->x, streams, worker->sums);
        return;
    }
    for (int64_t s = 0; s < streams; s++) with->integers(matrix, g, worker->integers[s], worker->sums + s * GROUP);
}

/* Set the sums of a group of a layer to what does not depend on the layer's own past. */
static void begin(Worker *worker, int64_t l, int64_t step, int64_t g) {
    const Task *task = worker->work->task;
    const Network *network = task->network;
    const Layer *layer = network->layer + l;
    const int32_t *token = worker->work->token;
    for (int64_t s = 0; s < task->streams; s++) {
        const float *start = layer->bias + g * GROUP;
        if (l == 0 && network->table != NULL) start = network->table + token[s] * 4 * network->hidden + g * GROUP;
        memcpy(worker->sums + s * GROUP, start, GROUP * sizeof(float));
    }
    if (layer->input.values == NULL) return;
    if (l > 0)
        point(worker, l - 1, step, 1);
    else
        for (int64_t s = 0; s < task->streams; s++) worker->x[s] = network->embedding + token[s] * network->inputs;
    add(worker, &layer->input, g);
}

static void advance_layer(Worker *worker, int64_t l, int64_t step) {
    const Work *work = worker->work;
    const Task *task = work->task;
    const States *states = task->states;
    const int64_t hidden = task->network->hidden, groups = hidden / UNITS;
    const int64_t end = groups * (worker->number + 1) / work->threads;
    for (int64_t g = groups * worker->number / work->threads; g < end; g++) {
        begin(worker, l, step, g);
        point(worker, l, step, 0);
        add(worker, &task->network->layer[l].recurrent, g);
        for (int64_t s = 0; s < task->streams; s++) {
            int64_t to = shown_at(task, l, s, step, 1) + g * UNITS;
            float *cell = states->cell + (l * states->capacity + task->slots[s]) * hidden + g * UNITS;
            int8_t *shown = states->shown == NULL ? NULL : states->shown + to;
            work->with->gates(worker->sums + s * GROUP, cell, states->hidden + to, shown, &worker->damage);
        }
    }
}

static void predict(Worker *worker, int64_t step) {
    const Work *work = worker->work;
    const Task *task = work->task;
    const Network *network = task->network;
    const int64_t groups = network->head.groups, end = groups * (worker->number + 1) / work->threads;
    point(worker, network->layers - 1, step, 1);
    for (int64_t g = groups * worker->number / work->threads; g < end; g++) {
        for (int64_t s = 0; s < task->streams; s++)
            memcpy(worker->sums + s * GROUP, network->head_bias + g * GROUP, GROUP * sizeof(float));
        add(worker, &network->head, g);
        for (int64_t s = 0; s < task->streams; s++)
            memcpy(work->logits + (s * groups + g) * GROUP, worker->sums + s * GROUP, GROUP * sizeof(float));
    }
}

/* Hand out what was asked for of some streams, and set the tokens that they read next. A failure is noted here alone,
 * between two meetings, so that all threads learn of it at the same step. */
static void conclude(Worker *worker, int64_t step) {
    Work *work = worker->work;
    const Task *task = work->task;
    const Network *network = task->network;
    for (int n = 0; n < 8; n++)
        if (worker->damage[n]) atomic_store(&work->failed, NOT_FINITE);
    for (int64_t s = worker->number; s < task->streams; s += work->threads) {
        int64_t place = step * task->streams + s;
        float *logits = work->logits + s * network->head.groups * GROUP;
        if (task->outputs != NULL)
            memcpy(task->outputs + place * network->hidden,
                   task->states->hidden + shown_at(task, network->layers - 1, s, step, 1),
                   network->hidden * sizeof(float));
        if (task->logits != NULL)
            memcpy(task->logits + place * network->vocabulary, logits, network->vocabulary * sizeof(float));
        if (task->drawn != NULL) {
            int32_t token = draw(task, work->with, logits, s, task->chance[place], &worker->scratch);
            if (token < 0) atomic_store(&work->failed, NOT_FINITE);
            task->drawn[place] = work->token[s] = token < 0 ? 0 : token;
        } else if (step + 1 < task->steps) {
            work->token[s] = task->given[place + task->streams];
        }
    }
}

static void *labour(void *worker_) {
    Worker *worker = worker_;
    Work *work = worker->work;
    const Task *task = work->task;
    uint64_t before = flush_to_zero();
    await(&work->go, 1);
    for (int64_t step = 0; step < task->steps && !atomic_load(&work->failed); step++) {
        for (int64_t l = 0; l < task->network->layers; l++) {
            advance_layer(worker, l, step);
            meet(work);
        }
        if (task->logits != NULL || task->drawn != NULL) {
            predict(worker, step);
            meet(work);
        }
        conclude(worker, step);
        meet(work);
    }
    flush_as_before(before);
    return NULL;
}

static int64_t rounded(int64_t bytes) { return (bytes + LINE - 1) / LINE * LINE; }

static char *aligned(int64_t bytes) {
    void *room;
    return posix_memalign(&room, LINE, (size_t)bytes) == 0 ? room : NULL;
}

/* Lay out what the threads need in one piece of memory; returns its size if there is none yet. */
static int64_t lay_out(char *room, Work *work, Worker *workers, int64_t threads) {
    const int64_t streams = work->task->streams, rows = work->task->network->head.groups * GROUP;
    int64_t used = 0;
#define PART(field, count) \
    if (room != NULL) field = (void *)(room + used); \
    used += rounded((count) * (int64_t)sizeof *(field))
    PART(work->logits, streams * rows);
    PART(work->token, streams);
    for (int64_t n = 0; n < threads; n++) {
        PART(workers[n].sums, streams * GROUP);
        PART(workers[n].x, streams);
        PART(workers[n].integers, streams);
        PART(workers[n].scratch.weights, rows);
        PART(workers[n].scratch.heap, rows);
    }
#undef PART
    return used;
}

/* Carry out a task. Returns DONE, NOT_FINITE if a prediction or a state is no finite number, or NO_MEMORY. */
PUBLIC int64_t longhand_run(const Task *task) {
    const int most = task->threads < 1 ? 1 : task->threads > MOST_THREADS ? MOST_THREADS : (int)task->threads;
    Work work = {.task = task, .with = functions_for(task->instructions)};
    Worker workers[MOST_THREADS];
    pthread_t others[MOST_THREADS];
    if (task->steps < 1 || task->streams < 1) return DONE;
    memset(workers, 0, sizeof workers);
    char *room = aligned(lay_out(NULL, &work, workers, most));
    if (room == NULL) return NO_MEMORY;
    lay_out(room, &work, workers, most);
    memcpy(work.token, task->given, (size_t)task->streams * sizeof *work.token);
    for (int n = 0; n < most; n++) workers[n].work = &work, workers[n].number = n;
    for (work.threads = 1; work.threads < most; work.threads++) /* fewer, where the system gives no more */
        if (pthread_create(&others[work.threads], NULL, labour, &workers[work.threads]) != 0) break;
    atomic_store_explicit(&work.go, 1, memory_order_release);
    labour(&workers[0]);
    for (int n = 1; n < work.threads; n++) pthread_join(others[n], NULL);
    for (int64_t s = 0; s < task->streams; s++) {
        uint8_t *place = task->states->place + task->slots[s];
        *place = (uint8_t)((*place + task->steps) & 1);
    }
    free(room);
    return atomic_load(&work.failed);
}

typedef struct {
    const float *from;
    int64_t count, times;
    const Functions *with;
    volatile float sum;
} Reading;

static void *read_part(void *reading_) {
    Reading *reading = reading_;
    for (int64_t n = 0; n < reading->times; n++) reading->sum = reading->with->reading(reading->from, reading->count);
    return NULL;
}

/* Read `bytes` of memory `times` over, in as many parts as threads: how fast the weights could be read. */
PUBLIC int64_t longhand_read(const void *memory, int64_t bytes, int64_t times, int64_t threads, int64_t instructions) {
    const int most = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : (int)threads;
    const int64_t count = bytes / most / LINE * LINE / (int64_t)sizeof(float);
    Reading readings[MOST_THREADS];
    pthread_t others[MOST_THREADS];
    int started = 1;
    for (int n = 0; n < most; n++)
        readings[n] = (Reading){(const float *)memory + n * count, count, times, functions_for(instructions), 0};
    while (started < most && pthread_create(&others[started], NULL, read_part, &readings[started]) == 0) started++;
    read_part(&readings[0]);
    for (int n = started; n < most; n++) read_part(&readings[n]);
    for (int n = 1; n < started; n++) pthread_join(others[n], NULL);
    return DONE;
}
