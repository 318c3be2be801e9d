/* Teaching an LSTM: one step of truncated back-propagation through time, forward, backward and Adam's update, or the
 * losses alone. `native_engine.py` lays out the weights and mirrors the structures.
 *
 * Matrices lie in blocks of 16 rows, [rows / 16][inputs][16]; a layer's rows are in groups of 16 units with their gates
 * i, f, g, o one after another, four blocks. Gradients and moments lie as their weights do, so that a gradient comes out
 * of the product that makes it in the very layout that the update walks through.
 *
 * Every number is computed by one thread, in an order that does not depend on how many there are. Like kernel.c, the
 * file includes itself for each set of instructions.
 */
#ifndef LANES
#include "../../native/common.h"

#include <math.h>

#define INTERFACE 4 /* what native_engine.py expects */
#define ROWS 72     /* positions that a matrix is multiplied with at a time: twelve times six, nine times eight */
#define CHUNK 4096  /* weights whose gradients' squares are summed by themselves */
#define PAD 16      /* numbers that part rows, which at powers of two would fall on the same lines of the cache */
#define MOST_LAYERS 64

/* Where a layer's weights begin, in numbers. */
typedef struct {
    int64_t input, recurrent, bias;
} Place;

typedef struct {
    int64_t vocabulary, rows, hidden, layers, inputs; /* rows: of the head, padded to 16; hidden too; inputs: embedding */
    int64_t window, batch, scored;                    /* scored: how many of the last positions have targets */
    const Place *place;                               /* [layers] */
    int64_t head, head_bias, embedding;               /* where they begin, the embedding as the last */
    int64_t learned;                                  /* numbers from here on do not learn */
    int64_t start;                                    /* the token before which the state is cleared; -1: none */
    float *weights, *gradient, *moment, *square;      /* of the learned numbers the last three */
    const int32_t *tokens, *targets;                  /* [window][batch], [scored][batch] */
    float *hidden_state, *cell_state;                 /* [layers][batch][hidden]: before, and then after */
    float *losses;                                    /* out: [scored][batch], in nats */
    double length;                                    /* out: the gradient's, before it is cut to `longest` */
    float dropout;                                    /* share left out behind each layer */
    uint32_t key;                                     /* of the dropout's chance in this step */
    float rate, decay, beta1, beta2, epsilon, correction1, correction2, longest;
    int64_t threads, instructions, learn; /* learn: 0 for the losses alone */
} Lesson;

/* What the forward pass of a layer keeps for the backward one; n counts window x batch positions. */
typedef struct {
    int64_t inputs, width;  /* width: inputs and a pad */
    float *x, *x_turned;    /* [n][width], [inputs][length]: its inputs, dropout applied */
    int64_t length;         /* of a row of x_turned */
    float *h, *h_turned;    /* [batch + n][hidden + PAD], [hidden][batch + n + PAD]: what it shows, the past first */
    float *c, *tanh_c;      /* [batch + n][hidden], [n][hidden] */
    float *gates;           /* [4 hidden / 16][n][16]: i, f, g, o, and then the gradients of their sums */
    float *input_turned, *recurrent_turned; /* [inputs / 16][4 hidden][16], [hidden / 16][4 hidden][16] */
} Kept;

typedef struct {
    Lesson *lesson;
    Team team;
    Kept kept[MOST_LAYERS + 1];           /* the last one's x is the head's */
    float *logits, *shares, *head_turned; /* [rows / 16][m][16], [m][rows + PAD], [hidden / 16][rows][16]; m: scored */
    float *above, *below;                 /* [n][a width]: gradients of what a layer shows, and of its inputs */
    float *sums, *carried;                /* [n][4 hidden + PAD], of the gates' sums; [batch][hidden], of the cells */
    float *cleared;                       /* [threads][batch][4 hidden + PAD]: rows with zeros for streams that start */
    int tabled; /* whether the first layer's inputs are a token's each, so that a row for each token is enough */
    float *table, *table_rows; /* [4 hidden / 16][vocabulary][16]: what inputs add, and later sums of the gradients of the
                                * gates' sums; these again as [vocabulary][4 hidden + PAD] */
    double *squares;           /* [chunks of weights] */
} Plan;

typedef struct {
    Plan *plan;
    int number;
} Pupil;

/* The part of `count` things that is a pupil's. */
static void part_of(const Pupil *pupil, int64_t count, int64_t *from, int64_t *to) {
    const int threads = pupil->plan->team.threads;
    *from = count * pupil->number / threads;
    *to = count * (pupil->number + 1) / threads;
}

static int64_t padded(int64_t count) { return (count + 15) / 16 * 16; }

static uint32_t mixed(uint32_t x) { /* MurmurHash3's finaliser: every bit depends on every bit */
    x ^= x >> 16, x *= 0x85EBCA6Bu, x ^= x >> 13, x *= 0xC2B2AE35u;
    return x ^ x >> 16;
}

/* The dropout's key behind a layer. */
static uint32_t key_of(const Lesson *lesson, int64_t layer) { return mixed(lesson->key + 7919u * (uint32_t)layer); }

typedef void (*Step)(Pupil *);

#if defined(__x86_64__)
#define KEPT_IN_REGISTER(vector) __asm__("" : "+v"(vector))
#else
#define KEPT_IN_REGISTER(vector) (void)0
#endif

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define LANES 8
#define TOGETHER 6
#define BESIDE 1
#define DEPTH 256
#define POINTED 1
#define NAME(word) word##_avx2
#include "learn.c"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,fma")
#endif
#define LANES 16
#define TOGETHER 8
#define BESIDE 3
#define DEPTH 256
#define POINTED 4 /* more pointers would not fit into registers */
#define NAME(word) word##_avx512
#include "learn.c"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#define LANES 4
#if defined(__aarch64__) /* 32 registers */
#define TOGETHER 6
#else
#define TOGETHER 2
#endif
#define BESIDE 1
#define DEPTH 256
#define POINTED 1
#define NAME(word) word##_plain
#include "learn.c"

static Step step_for(int64_t instructions) {
#if defined(__x86_64__)
    const int64_t both = instructions & instructions_here();
    if (both & AVX512) return step_avx512;
    if (both & AVX2) return step_avx2;
#else
    (void)instructions;
#endif
    return step_plain;
}

/* How many threads make a step. */
static int threads_of(const Lesson *lesson) {
    return lesson->threads < 1 ? 1 : lesson->threads > MOST_THREADS ? MOST_THREADS : (int)lesson->threads;
}

/* Lay out what a step needs in one piece of memory; returns its size if there is none yet. */
static int64_t lay_out(Plan *plan, char *room) {
    const Lesson *lesson = plan->lesson;
    plan->tabled = 2 * lesson->vocabulary <= lesson->window * lesson->batch;
    const int64_t B = lesson->batch, N = lesson->window * B, M = lesson->scored * B, H = lesson->hidden;
    const int64_t widest = H > padded(lesson->inputs) ? H : padded(lesson->inputs);
    int64_t used = 0;
#define PART(field, count) \
    if (room != NULL) field = (void *)(room + used); \
    used += rounded((count) * (int64_t)sizeof *(field))
    for (int64_t l = 0; l <= lesson->layers; l++) {
        Kept *kept = plan->kept + l, *under = kept - 1;
        kept->inputs = l > 0 ? H : lesson->inputs;
        kept->width = kept->inputs + PAD;
        kept->length = N + PAD;
        if (l == 0 && plan->tabled) {
            kept->x = lesson->weights + lesson->embedding;
            kept->width = lesson->inputs;
            kept->length = lesson->vocabulary + PAD;
            PART(kept->x_turned, kept->inputs * kept->length);
            PART(plan->table, 4 * H * lesson->vocabulary);
            PART(plan->table_rows, lesson->vocabulary * (4 * H + PAD));
        } else if (l == 0 || lesson->dropout > 0) {
            PART(kept->x, N * kept->width);
            PART(kept->x_turned, kept->inputs * kept->length);
        } else { /* what the layer below shows, as it is */
            kept->length = B + N + PAD;
            if (room != NULL) kept->x = under->h + B * kept->width, kept->x_turned = under->h_turned + B;
        }
        if (l == lesson->layers) break;
        PART(kept->h, (B + N) * (H + PAD));
        PART(kept->h_turned, H * (B + N + PAD));
        PART(kept->c, (B + N) * H);
        PART(kept->tanh_c, N * H);
        PART(kept->gates, 4 * H * N);
        PART(kept->input_turned, 4 * H * padded(kept->inputs));
        PART(kept->recurrent_turned, 4 * H * H);
    }
    PART(plan->logits, lesson->rows * M);
    PART(plan->shares, M * (lesson->rows + PAD));
    PART(plan->head_turned, lesson->rows * H);
    PART(plan->above, N * (widest + PAD));
    PART(plan->below, N * (widest + PAD));
    PART(plan->sums, N * (4 * H + PAD));
    PART(plan->carried, B * H);
    PART(plan->cleared, lesson->start < 0 ? 0 : threads_of(lesson) * B * (4 * H + PAD));
    PART(plan->squares, lesson->learned / CHUNK + 1);
#undef PART
    return used;
}

PUBLIC int64_t longhand_interface(void) { return INTERFACE; }

PUBLIC int64_t longhand_instructions(void) { return instructions_here(); }

/* Whether the sizes of a lesson fit each other and what is laid out for them. */
static int valid_sizes(const Lesson *lesson) {
    const int64_t H = lesson->hidden, V = lesson->vocabulary;
    return V >= 1 && lesson->rows == padded(V) && H >= 16 && H % 16 == 0 && lesson->inputs >= 1 &&
           lesson->layers >= 1 && lesson->layers <= MOST_LAYERS && lesson->batch >= 1 && lesson->window >= 1 &&
           lesson->scored >= 1 && lesson->scored <= lesson->window && lesson->dropout >= 0 && lesson->dropout < 1;
}

/* Whether `count` tokens are of a vocabulary. */
static int all_tokens(const int32_t *tokens, int64_t count, int64_t vocabulary) {
    for (int64_t n = 0; n < count; n++)
        if (tokens[n] < 0 || tokens[n] >= vocabulary) return 0;
    return 1;
}

/* How many bytes of memory, aligned to 64, a step takes; -1 for sizes that do not fit each other. */
PUBLIC int64_t longhand_room(Lesson *lesson) {
    if (!valid_sizes(lesson)) return -1;
    Plan plan = {.lesson = lesson};
    return lay_out(&plan, NULL);
}

static void *studied(void *pupil_) {
    Pupil *pupil = pupil_;
    const uint64_t before = flush_to_zero();
    await(&pupil->plan->team.go, 1);
    step_for(pupil->plan->lesson->instructions)(pupil);
    flush_as_before(before);
    return NULL;
}

/* Make one step. Returns DONE, or NOT_FINITE where a loss or the gradient's length is no finite number: the weights are
 * then as they were. The states are those after the window in either case. Returns BAD_TASK, with nothing done, for
 * tokens or sizes out of range. */
PUBLIC int64_t longhand_step(Lesson *lesson, char *room) {
    if (!valid_sizes(lesson) || !all_tokens(lesson->tokens, lesson->window * lesson->batch, lesson->vocabulary) ||
        !all_tokens(lesson->targets, lesson->scored * lesson->batch, lesson->vocabulary))
        return BAD_TASK;
    const int most = threads_of(lesson);
    Plan plan = {.lesson = lesson};
    Pupil pupils[MOST_THREADS];
    pthread_t others[MOST_THREADS];
    lesson->length = 0;
    lay_out(&plan, room);
    for (int n = 0; n < most; n++) pupils[n] = (Pupil){&plan, n};
    for (plan.team.threads = 1; plan.team.threads < most; plan.team.threads++) /* fewer, where the system gives no more */
        if (pthread_create(&others[plan.team.threads], NULL, studied, &pupils[plan.team.threads]) != 0) break;
    atomic_store_explicit(&plan.team.go, 1, memory_order_release);
    studied(&pupils[0]);
    for (int n = 1; n < plan.team.threads; n++) pthread_join(others[n], NULL);
    for (int64_t m = 0; m < lesson->scored * lesson->batch; m++)
        if (!(lesson->losses[m] < INFINITY)) return NOT_FINITE;
    return lesson->length < INFINITY ? DONE : NOT_FINITE;
}

#else /* ---- compiled for each set of instructions: LANES numbers a vector, up to TOGETHER rows and
 * BESIDE blocks at a time, DEPTH of their inputs, whose weights stay in a near cache, a pointer for POINTED rows ---- */

#include "../../native/lanes.h"

/* ---- products ---- */

/* Add to `out` the products of blocks' `count` times 16 weights, `deep` numbers from block to block, with rows of x,
 * `apart`. Of `out`, rows of 16 numbers are `stride` apart, blocks `beside`. */
INLINE void NAME(strip)(const float *weights, int64_t deep, int64_t count, const float *x, int64_t apart, float *out,
                        int64_t stride, int64_t beside, int rows, int blocks) {
    const int wide = 16 / LANES * blocks; /* vectors beside each other */
    const float *some[TOGETHER];
    Vector sum[TOGETHER * BESIDE * 16 / LANES], weight[BESIDE * 16 / LANES];
    UNROLL
    for (int n = 0; n < rows; n += POINTED) some[n / POINTED] = x + n * apart;
    UNROLL
    for (int n = 0; n < rows * wide; n++) sum[n] = (Vector){0};
    _Pragma("GCC unroll 2")
    for (int64_t k = 0; k < count; k++) {
        UNROLL
        for (int p = 0; p < wide; p++)
            weight[p] = *(const Vector *)(weights + p * LANES / 16 * deep + k * 16 + p * LANES % 16);
        UNROLL
        for (int n = 0; n < rows; n++) {
            Vector one = some[n / POINTED][n % POINTED * apart + k] - (Vector){0};
            if (LANES == 16) KEPT_IN_REGISTER(one); /* not read again for each block */
            UNROLL
            for (int p = 0; p < wide; p++) sum[n * wide + p] += weight[p] * one;
        }
    }
    UNROLL
    for (int n = 0; n < rows * wide; n++) {
        const int p = n % wide;
        *(Vector *)(out + n / wide * stride + p * LANES / 16 * beside + p * LANES % 16) += sum[n];
    }
}

/* The products of so many rows with 1 to BESIDE blocks; see `strip`. */
#define ROWS_WITH(rows_) \
    if (rows == rows_ && blocks == 1) NAME(strip)(weights, deep, count, x, apart, out, stride, beside, rows_, 1); \
    if (BESIDE > 1 && rows == rows_ && blocks == 2) \
        NAME(strip)(weights, deep, count, x, apart, out, stride, beside, rows_, BESIDE < 2 ? 1 : 2); \
    if (BESIDE > 2 && rows == rows_ && blocks == 3) \
        NAME(strip)(weights, deep, count, x, apart, out, stride, beside, rows_, BESIDE < 3 ? 1 : 3);

/* The same for numbers of rows and blocks that the compiler does not know, up to TOGETHER and BESIDE. */
static void NAME(any_strip)(const float *weights, int64_t deep, int64_t count, const float *x, int64_t apart, float *out,
                            int64_t stride, int64_t beside, int64_t rows, int64_t blocks) {
    ROWS_WITH(1)
    ROWS_WITH(2)
#if TOGETHER >= 6
    ROWS_WITH(3)
    ROWS_WITH(4)
    ROWS_WITH(5)
    ROWS_WITH(6)
#endif
#if TOGETHER >= 8
    ROWS_WITH(7)
    ROWS_WITH(8)
#endif
}
#undef ROWS_WITH

/* How many of those that are left to take, so that all parts are nearly alike: a few alone would wait for their sums. */
INLINE int64_t NAME(share)(int64_t left, int64_t most) {
    const int64_t parts = (left + most - 1) / most;
    return (left + parts - 1) / parts;
}

/* Add to `out` the products of blocks, each [inputs][16] and one after another, with rows of x, which are `apart`. Of
 * `out`, rows of 16 numbers are `stride` apart, blocks `beside`. */
static void NAME(product)(const float *block, int64_t blocks, int64_t inputs, const float *x, int64_t apart,
                          int64_t rows, float *out, int64_t stride, int64_t beside) {
    for (int64_t b = 0, some; b < blocks; b += some) {
        some = NAME(share)(blocks - b, BESIDE);
        for (int64_t from = 0; from < inputs; from += DEPTH) {
            const int64_t count = inputs - from < DEPTH ? inputs - from : DEPTH;
            const float *weights = block + (b * inputs + from) * 16;
            for (int64_t r = 0, few; r < rows; r += few) {
                few = NAME(share)(rows - r, TOGETHER);
                NAME(any_strip)(weights, inputs * 16, count, x + r * apart + from, apart, out + r * stride + b * beside,
                                stride, beside, few, some);
            }
        }
    }
}

/* Fill rows of 16 numbers with a block's biases. */
INLINE void NAME(begin)(float *out, const float *bias, int64_t rows) {
    for (int64_t r = 0; r < rows; r++) memcpy(out + r * 16, bias, 16 * sizeof *bias);
}

/* The gradients of blocks, [inputs][16], `beside` numbers from one to the next, from those of their sums, [n][16], and
 * their inputs, turned, [inputs][length]. */
static void NAME(weigh)(const float *sums, int64_t blocks, int64_t n, const float *x_turned, int64_t length,
                        int64_t inputs, float *gradient, int64_t beside) {
    for (int64_t b = 0; b < blocks; b++) memset(gradient + b * beside, 0, (size_t)inputs * 16 * sizeof *gradient);
    NAME(product)(sums, blocks, n, x_turned, length, inputs, gradient, 16, beside);
}

/* A bias's gradient from the gradients of its block's sums, [n][16]. */
static void NAME(weigh_bias)(const float *sums, int64_t n, float *gradient) {
    Vector total[16 / LANES] = {{0}};
    for (int64_t k = 0; k < n; k++)
        for (int p = 0; p < 16 / LANES; p++) total[p] += *(const Vector *)(sums + k * 16 + p * LANES);
    memcpy(gradient, total, sizeof total);
}

/* ---- moving numbers about ---- */

/* to[k][n] = from[n][k], for k in a range */
static void NAME(turn)(const float *from, int64_t width, int64_t rows, int64_t first, int64_t last, float *to,
                       int64_t length) {
    for (int64_t begin = 0; begin < rows; begin += 16) {
        const int64_t end = begin + 16 < rows ? begin + 16 : rows;
        for (int64_t k = first; k < last; k++)
            for (int64_t n = begin; n < end; n++) to[k * length + n] = from[n * width + k];
    }
}

/* [rows / 16][inputs][16] -> [inputs / 16][rows][16], zeros for the inputs that are not there, for a range of blocks */
static void NAME(turn_blocks)(const float *from, int64_t inputs, int64_t rows, int64_t first, int64_t last, float *to) {
    for (int64_t b = first; b < last; b++)
        for (int64_t r = 0; r < rows; r += 16)
            for (int64_t i = 0; i < 16; i++)
                for (int64_t j = 0; j < 16; j++)
                    to[(b * rows + r + i) * 16 + j] =
                        b * 16 + j < inputs ? from[r * inputs + (b * 16 + j) * 16 + i] : 0;
}

/* Copy rows, for a range of `whole` numbers each, and leave a share of the numbers out: 0, and all others larger. */
static void NAME(drop)(const float *from, float *to, int64_t width, int64_t rows, int64_t whole, int64_t first,
                       int64_t last, uint32_t key, float share) {
    const uint32_t least = (uint32_t)(share * 4294967296.0);
    const float scale = 1 / (1 - share);
    for (int64_t n = 0; n < rows; n++)
        for (int64_t k = first; k < last; k++)
            to[n * width + k] =
                mixed((uint32_t)(n * whole + k) * 0x9E3779B9u ^ key) >= least ? from[n * width + k] * scale : 0.f;
}

/* The same of one number of each row, which lie one after another. */
static void NAME(drop_turned)(const float *from, float *to, int64_t rows, int64_t whole, int64_t k, uint32_t key,
                              float share) {
    const uint32_t least = (uint32_t)(share * 4294967296.0);
    const float scale = 1 / (1 - share);
    for (int64_t n = 0; n < rows; n++)
        to[n] = mixed((uint32_t)(n * whole + k) * 0x9E3779B9u ^ key) >= least ? from[n] * scale : 0.f;
}

/* ---- where texts start ---- */

INLINE int NAME(starts)(const Lesson *lesson, int64_t position) {
    return lesson->tokens[position] == lesson->start;
}

/* Rows of x for all streams at position n, `width` numbers `apart`, or a pupil's own copy with zeros for streams that
 * start there: what was before does not count for them. */
static const float *NAME(past)(const Pupil *pupil, const float *x, int64_t n, int64_t width, int64_t apart) {
    const Lesson *lesson = pupil->plan->lesson;
    const int64_t B = lesson->batch;
    int64_t starting = 0;
    for (int64_t s = 0; s < B; s++) starting += NAME(starts)(lesson, n + s);
    if (starting == 0) return x;
    float *copy = pupil->plan->cleared + pupil->number * B * (4 * lesson->hidden + PAD);
    for (int64_t s = 0; s < B; s++)
        if (NAME(starts)(lesson, n + s))
            memset(copy + s * apart, 0, (size_t)width * sizeof *copy);
        else
            memcpy(copy + s * apart, x + s * apart, (size_t)width * sizeof *copy);
    return copy;
}

/* ---- forward ---- */

INLINE Vector NAME(sigmoid)(Vector x) { return 1.f / NAME(inverse_sigmoid)(x); }

INLINE Vector NAME(tanh)(Vector x) { /* see `gated` */
    Vector scale, part;
    NAME(exponential)(-2.f * x, -40.f, 40.f, &scale, &part);
    Vector less = (scale - 1.f) + part;
    return -less / (2.f + less);
}

/* The sums of a group's 16 units in one position become gates, cells and what they show. */
INLINE void NAME(open_gates)(const Lesson *lesson, Kept *kept, int64_t g, int64_t n) {
    const int64_t H = lesson->hidden, B = lesson->batch, N = lesson->window * B;
    for (int p = 0; p < 16; p += LANES) {
        Vector *gate[4];
        for (int q = 0; q < 4; q++) gate[q] = (Vector *)(kept->gates + ((4 * g + q) * N + n) * 16 + p);
        const int64_t unit = g * 16 + p;
        const Vector i = NAME(sigmoid)(*gate[0]), f = NAME(sigmoid)(*gate[1]);
        const Vector news = NAME(tanh)(*gate[2]), o = NAME(sigmoid)(*gate[3]);
        Vector *before = (Vector *)(kept->c + n * H + unit);
        if (NAME(starts)(lesson, n)) *before = (Vector){0}; /* where it came from is told by tanh_c alone from here on */
        const Vector c = f * *before + i * news, shown = NAME(tanh)(c);
        *gate[0] = i, *gate[1] = f, *gate[2] = news, *gate[3] = o;
        *(Vector *)(kept->c + (n + B) * H + unit) = c;
        *(Vector *)(kept->tanh_c + n * H + unit) = shown;
        *(Vector *)(kept->h + (n + B) * (H + PAD) + unit) = o * shown;
    }
}

static void NAME(forward_layer)(Pupil *pupil, int64_t l) {
    Plan *plan = pupil->plan;
    const Lesson *lesson = plan->lesson;
    Kept *kept = plan->kept + l, *over = kept + 1;
    const int64_t H = lesson->hidden, B = lesson->batch, N = lesson->window * B, W = H + PAD;
    int64_t from, to;
    part_of(pupil, H / 16, &from, &to);
    const int tabled = l == 0 && plan->tabled;
    const int64_t different = tabled ? lesson->vocabulary : N;
    float *added = tabled ? plan->table : kept->gates;
    for (int64_t n = 0; n < different; n += ROWS) { /* what the inputs add, for all positions or all tokens */
        const int64_t rows = different - n < ROWS ? different - n : ROWS;
        for (int64_t b = 4 * from; b < 4 * to; b++)
            NAME(begin)(added + (b * different + n) * 16, lesson->weights + lesson->place[l].bias + b * 16, rows);
        NAME(product)(lesson->weights + lesson->place[l].input + from * 64 * kept->inputs, 4 * (to - from),
                      kept->inputs, kept->x + n * kept->width, kept->width, rows,
                      added + (4 * from * different + n) * 16, 16, different * 16);
    }
    for (int64_t n = 0; n < N; n += B) { /* what the past adds, one position after another */
        for (int64_t b = 4 * from; b < 4 * to && tabled; b++)
            for (int64_t k = n; k < n + B; k++)
                memcpy(kept->gates + (b * N + k) * 16, added + (b * different + lesson->tokens[k]) * 16, 64);
        NAME(product)(lesson->weights + lesson->place[l].recurrent + from * 64 * H, 4 * (to - from), H,
                      NAME(past)(pupil, kept->h + n * W, n, H, W), W, B, kept->gates + (4 * from * N + n) * 16, 16,
                      N * 16);
        for (int64_t g = from; g < to; g++)
            for (int64_t s = 0; s < B; s++) NAME(open_gates)(lesson, kept, g, n + s);
        meet(&plan->team);
    }
    if (lesson->learn) NAME(turn)(kept->h, W, B + N, 16 * from, 16 * to, kept->h_turned, B + N + PAD);
    if (lesson->dropout > 0) {
        const float share = lesson->learn ? lesson->dropout : 0;
        NAME(drop)(kept->h + B * W, over->x, W, N, H, 16 * from, 16 * to, key_of(lesson, l), share);
        for (int64_t k = 16 * from; k < 16 * to && lesson->learn; k++)
            NAME(drop_turned)(kept->h_turned + k * (B + N + PAD) + B, over->x_turned + k * over->length, N, H, k,
                              key_of(lesson, l), share);
    }
    meet(&plan->team);
}

/* A row of logits becomes the gradient of its share of the mean loss: softmax less the target; returns the loss. */
static float NAME(softened)(float *row, int64_t vocabulary, int64_t rows, int32_t target, float share) {
    for (int64_t v = vocabulary; v < rows; v++) row[v] = -FLT_MAX;
    float best = row[0], total = 0;
    const float own = row[target];
    for (int64_t v = 1; v < vocabulary; v++) best = row[v] > best ? row[v] : best;
    Vector sum = {0};
    for (int64_t v = 0; v < rows; v += LANES) {
        Vector scale, part;
        NAME(exponential)(*(Vector *)(row + v) - best, -87.f, 0.f, &scale, &part);
        *(Vector *)(row + v) = scale + part;
    }
    for (int64_t v = vocabulary; v < rows; v++) row[v] = 0;
    for (int64_t v = 0; v < rows; v += LANES) sum += *(Vector *)(row + v);
    for (int p = 0; p < LANES; p++) total += sum[p];
    for (int64_t v = 0; v < rows; v += LANES) *(Vector *)(row + v) *= share / total;
    row[target] -= share;
    return logf(total) + (best - own);
}

static void NAME(score)(Pupil *pupil) {
    Plan *plan = pupil->plan;
    const Lesson *lesson = plan->lesson;
    const Kept *top = plan->kept + lesson->layers;
    const int64_t M = lesson->scored * lesson->batch, skipped = lesson->window * lesson->batch - M;
    const int64_t R = lesson->rows, H = lesson->hidden;
    int64_t from, to;
    part_of(pupil, M, &from, &to);
    for (int64_t m = from; m < to; m += ROWS) {
        const int64_t rows = to - m < ROWS ? to - m : ROWS;
        for (int64_t b = 0; b < R / 16; b++)
            NAME(begin)(plan->logits + (b * M + m) * 16, lesson->weights + lesson->head_bias + b * 16, rows);
        NAME(product)(lesson->weights + lesson->head, R / 16, H, top->x + (skipped + m) * top->width, top->width, rows,
                      plan->logits + m * 16, 16, M * 16);
        for (int64_t r = m; r < m + rows; r++) { /* blocks for the head's gradient, rows for the layer's below */
            float *row = plan->shares + r * (R + PAD);
            for (int64_t b = 0; b < R / 16; b++) memcpy(row + b * 16, plan->logits + (b * M + r) * 16, 64);
            lesson->losses[r] = NAME(softened)(row, lesson->vocabulary, R, lesson->targets[r], 1.f / (float)M);
            for (int64_t b = 0; b < R / 16; b++) memcpy(plan->logits + (b * M + r) * 16, row + b * 16, 64);
        }
    }
    meet(&plan->team);
}

/* ---- backward ---- */

/* The head's gradient, and that of what the last layer shows, for the units that are the pupil's. */
static void NAME(backward_head)(Pupil *pupil) {
    Plan *plan = pupil->plan;
    const Lesson *lesson = plan->lesson;
    const Kept *top = plan->kept + lesson->layers;
    const int64_t H = lesson->hidden, W = H + PAD, R = lesson->rows, N = lesson->window * lesson->batch;
    const int64_t M = lesson->scored * lesson->batch, skipped = N - M;
    int64_t from, to;
    part_of(pupil, H / 16, &from, &to);
    NAME(weigh)(plan->logits, R / 16, M, top->x_turned + 16 * from * top->length + skipped, top->length,
                16 * (to - from), lesson->gradient + lesson->head + 16 * from * 16, H * 16);
    for (int64_t b = 0; b < R / 16 && pupil->number == 0; b++)
        NAME(weigh_bias)(plan->logits + b * M * 16, M, lesson->gradient + lesson->head_bias + b * 16);
    for (int64_t n = 0; n < N; n++) memset(plan->above + n * W + 16 * from, 0, (size_t)(to - from) * 64);
    for (int64_t m = 0; m < M; m += ROWS) {
        const int64_t rows = M - m < ROWS ? M - m : ROWS;
        NAME(product)(plan->head_turned + from * 16 * R, to - from, R, plan->shares + m * (R + PAD), R + PAD, rows,
                      plan->above + (skipped + m) * W + 16 * from, W, 16);
    }
    if (lesson->dropout > 0)
        NAME(drop)(plan->above, plan->above, W, N, H, 16 * from, 16 * to, key_of(lesson, lesson->layers - 1),
                   lesson->dropout);
}

/* The gradient of what a group's 16 units show in one position becomes that of their gates' sums. */
INLINE void NAME(close_gates)(const Plan *plan, const Kept *kept, int64_t g, int64_t n, int64_t stream) {
    const int64_t H = plan->lesson->hidden, N = plan->lesson->window * plan->lesson->batch;
    for (int p = 0; p < 16; p += LANES) {
        Vector *gate[4];
        for (int q = 0; q < 4; q++) gate[q] = (Vector *)(kept->gates + ((4 * g + q) * N + n) * 16 + p);
        const int64_t unit = g * 16 + p;
        const Vector i = *gate[0], f = *gate[1], news = *gate[2], o = *gate[3];
        const Vector shown = *(Vector *)(kept->tanh_c + n * H + unit), before = *(Vector *)(kept->c + n * H + unit);
        const Vector d = *(Vector *)(plan->above + n * (H + PAD) + unit);
        Vector *carried = (Vector *)(plan->carried + stream * H + unit);
        const Vector dc = *carried + d * o * (1.f - shown * shown);
        *carried = NAME(starts)(plan->lesson, n) ? (Vector){0} : dc * f;
        *gate[0] = dc * news * i * (1.f - i);
        *gate[1] = dc * before * f * (1.f - f);
        *gate[2] = dc * i * (1.f - news * news);
        *gate[3] = d * shown * o * (1.f - o);
        for (int q = 0; q < 4; q++)
            *(Vector *)(plan->sums + n * (4 * H + PAD) + g * 64 + q * 16 + p) = *gate[q];
    }
}

/* The first layer's gradients of a block's sums, added up for each token: [vocabulary][16]; kept as rows too. */
static void NAME(gather)(const Plan *plan, int64_t b) {
    const Lesson *lesson = plan->lesson;
    const int64_t V = lesson->vocabulary, N = lesson->window * lesson->batch, Z = 4 * lesson->hidden + PAD;
    const float *sums = plan->kept[0].gates + b * N * 16;
    float *table = plan->table + b * V * 16;
    memset(table, 0, (size_t)V * 16 * sizeof *table);
    for (int64_t n = 0; n < N; n++)
        for (int p = 0; p < 16; p += LANES)
            *(Vector *)(table + lesson->tokens[n] * 16 + p) += *(const Vector *)(sums + n * 16 + p);
    for (int64_t v = 0; v < V; v++) memcpy(plan->table_rows + v * Z + b * 16, table + v * 16, 16 * sizeof *table);
}

/* From the gradient of what a layer shows to those of its weights and its inputs: for all positions, or, where inputs
 * are a token's, for all tokens. */
static void NAME(backward_layer)(Pupil *pupil, int64_t l) {
    Plan *plan = pupil->plan;
    const Lesson *lesson = plan->lesson;
    const Kept *kept = plan->kept + l;
    const int64_t H = lesson->hidden, B = lesson->batch, N = lesson->window * B, W = H + PAD, Z = 4 * H + PAD;
    const int tabled = l == 0 && plan->tabled;
    const int64_t different = tabled ? lesson->vocabulary : N;
    int64_t from, to;
    part_of(pupil, H / 16, &from, &to);
    for (int64_t s = 0; s < B; s++) memset(plan->carried + s * H + 16 * from, 0, (size_t)(to - from) * 64);
    for (int64_t n = N - B; n >= 0; n -= B) {
        if (n + B < N)
            NAME(product)(kept->recurrent_turned + from * 64 * H, to - from, 4 * H,
                          NAME(past)(pupil, plan->sums + (n + B) * Z, n + B, 4 * H, Z), Z, B,
                          plan->above + n * W + 16 * from, W, 16);
        for (int64_t g = from; g < to; g++)
            for (int64_t s = 0; s < B; s++) NAME(close_gates)(plan, kept, g, n + s, s);
        meet(&plan->team);
    }
    float *sums = kept->gates + 4 * from * N * 16, *for_inputs = sums;
    if (tabled) {
        for (int64_t b = 4 * from; b < 4 * to; b++) NAME(gather)(plan, b);
        for_inputs = plan->table + 4 * from * different * 16;
    }
    NAME(weigh)(for_inputs, 4 * (to - from), different, kept->x_turned, kept->length, kept->inputs,
                lesson->gradient + lesson->place[l].input + from * 64 * kept->inputs, kept->inputs * 16);
    for (int64_t b = 0; b < 4 * (to - from); b++)
        NAME(weigh_bias)(for_inputs + b * different * 16, different,
                         lesson->gradient + lesson->place[l].bias + (4 * from + b) * 16);
    for (int64_t n = 0; n < N; n++) /* no past, no gradient of what would multiply it */
        for (int64_t b = 0; b < 4 * (to - from) && NAME(starts)(lesson, n); b++)
            memset(sums + (b * N + n) * 16, 0, 16 * sizeof *sums);
    NAME(weigh)(sums, 4 * (to - from), N, kept->h_turned, B + N + PAD, H,
                lesson->gradient + lesson->place[l].recurrent + from * 64 * H, H * 16);
    if (tabled) meet(&plan->team);
    const float *rows_of_sums = tabled ? plan->table_rows : plan->sums;
    const int64_t wide = padded(kept->inputs) + PAD;
    part_of(pupil, padded(kept->inputs) / 16, &from, &to);
    for (int64_t n = 0; n < different; n++) memset(plan->below + n * wide + 16 * from, 0, (size_t)(to - from) * 64);
    for (int64_t n = 0; n < different; n += ROWS) {
        const int64_t rows = different - n < ROWS ? different - n : ROWS;
        NAME(product)(kept->input_turned + from * 64 * H, to - from, 4 * H, rows_of_sums + n * Z, Z, rows,
                      plan->below + n * wide + 16 * from, wide, 16);
    }
    if (l > 0 && lesson->dropout > 0)
        NAME(drop)(plan->below, plan->below, wide, N, H, 16 * from, 16 * to, key_of(lesson, l - 1), lesson->dropout);
}

/* The embedding's gradient, for the columns that are the pupil's. */
static void NAME(backward_embedding)(Pupil *pupil) {
    const Plan *plan = pupil->plan;
    const Lesson *lesson = plan->lesson;
    const int64_t E = lesson->inputs, wide = padded(E) + PAD;
    int64_t from, to;
    part_of(pupil, padded(E) / 16, &from, &to);
    from *= 16, to = 16 * to < E ? 16 * to : E;
    if (lesson->embedding >= lesson->learned || from >= to) return;
    for (int64_t v = 0; v < lesson->vocabulary; v++) {
        float *row = lesson->gradient + lesson->embedding + v * E;
        for (int64_t e = from; e < to; e++) row[e] = plan->tabled ? plan->below[v * wide + e] : 0;
    }
    for (int64_t n = 0; n < lesson->window * lesson->batch && !plan->tabled; n++) {
        float *row = lesson->gradient + lesson->embedding + lesson->tokens[n] * E;
        for (int64_t e = from; e < to; e++) row[e] += plan->below[n * wide + e];
    }
}

/* ---- Adam, with decoupled weight decay (Loshchilov and Hutter, 2019), after the gradient was cut to a length ---- */

static double NAME(sum_of_squares)(const float *gradient, int64_t count) {
    Vector sum = {0};
    double total = 0;
    int64_t n = 0;
    for (; n + LANES <= count; n += LANES) sum += *(const Vector *)(gradient + n) * *(const Vector *)(gradient + n);
    for (; n < count; n++) total += (double)gradient[n] * gradient[n];
    for (int p = 0; p < LANES; p++) total += sum[p];
    return total;
}

static void NAME(update)(Pupil *pupil) {
    Plan *plan = pupil->plan;
    Lesson *lesson = plan->lesson;
    const int64_t learned = lesson->learned, chunks = (learned + CHUNK - 1) / CHUNK;
    int64_t from, to;
    part_of(pupil, chunks, &from, &to);
    for (int64_t c = from; c < to; c++) {
        const int64_t count = learned - c * CHUNK < CHUNK ? learned - c * CHUNK : CHUNK;
        plan->squares[c] = NAME(sum_of_squares)(lesson->gradient + c * CHUNK, count);
    }
    meet(&plan->team);
    double total = 0;
    for (int64_t c = 0; c < chunks; c++) total += plan->squares[c];
    const double length = sqrt(total);
    if (pupil->number == 0) lesson->length = length;
    if (!(length < INFINITY)) return;
    for (int64_t m = 0; m < lesson->scored * lesson->batch; m++)
        if (!(lesson->losses[m] < INFINITY)) return;
    const float shrink = length > lesson->longest ? (float)(lesson->longest / (length + 1e-6)) : 1.f;
    const float keep = 1 - lesson->rate * lesson->decay, rate = lesson->rate / lesson->correction1;
    const float beta1 = lesson->beta1, beta2 = lesson->beta2, epsilon = lesson->epsilon;
    const float root = 1 / sqrtf(lesson->correction2);
    float *restrict weight = lesson->weights, *restrict moment = lesson->moment, *restrict square = lesson->square;
    const float *restrict gradient = lesson->gradient;
    const int64_t end = to * CHUNK < learned ? to * CHUNK : learned;
    for (int64_t n = from * CHUNK; n < end; n++) {
        const float g = gradient[n] * shrink;
        moment[n] = beta1 * moment[n] + (1 - beta1) * g;
        square[n] = beta2 * square[n] + (1 - beta2) * g * g;
        weight[n] = keep * weight[n] - rate * moment[n] / (__builtin_sqrtf(square[n]) * root + epsilon);
    }
}

/* ---- a step ---- */

/* What must be there before the first layer: its inputs, the past, and the matrices turned for the way back. */
static void NAME(prepare)(Pupil *pupil) {
    Plan *plan = pupil->plan;
    const Lesson *lesson = plan->lesson;
    const int64_t H = lesson->hidden, B = lesson->batch, N = lesson->window * B, E = lesson->inputs;
    Kept *first = plan->kept;
    int64_t from, to;
    part_of(pupil, N, &from, &to);
    for (int64_t n = from; n < to && !plan->tabled; n++)
        memcpy(first->x + n * first->width, lesson->weights + lesson->embedding + lesson->tokens[n] * E,
               (size_t)E * sizeof(float));
    for (int64_t l = 0; l < lesson->layers; l++) {
        Kept *kept = plan->kept + l;
        part_of(pupil, B, &from, &to);
        for (int64_t s = from; s < to; s++) {
            memcpy(kept->h + s * (H + PAD), lesson->hidden_state + (l * B + s) * H, (size_t)H * sizeof(float));
            memcpy(kept->c + s * H, lesson->cell_state + (l * B + s) * H, (size_t)H * sizeof(float));
        }
        if (!lesson->learn) continue;
        part_of(pupil, H / 16, &from, &to);
        NAME(turn_blocks)(lesson->weights + lesson->place[l].recurrent, H, 4 * H, from, to, kept->recurrent_turned);
        part_of(pupil, padded(kept->inputs) / 16, &from, &to);
        NAME(turn_blocks)(lesson->weights + lesson->place[l].input, kept->inputs, 4 * H, from, to, kept->input_turned);
    }
    meet(&plan->team);
    if (lesson->learn) {
        part_of(pupil, H / 16, &from, &to);
        NAME(turn_blocks)(lesson->weights + lesson->head, H, lesson->rows, from, to, plan->head_turned);
        part_of(pupil, E, &from, &to);
        NAME(turn)(first->x, first->width, plan->tabled ? lesson->vocabulary : N, from, to, first->x_turned, first->length);
    }
    meet(&plan->team);
}

/* Hand out the states after the window. */
static void NAME(hand_out)(Pupil *pupil) {
    const Plan *plan = pupil->plan;
    const Lesson *lesson = plan->lesson;
    const int64_t H = lesson->hidden, B = lesson->batch, N = lesson->window * B;
    int64_t from, to;
    part_of(pupil, B, &from, &to);
    for (int64_t l = 0; l < lesson->layers; l++)
        for (int64_t s = from; s < to; s++) {
            const Kept *kept = plan->kept + l;
            memcpy(lesson->hidden_state + (l * B + s) * H, kept->h + (N + s) * (H + PAD), (size_t)H * sizeof(float));
            memcpy(lesson->cell_state + (l * B + s) * H, kept->c + (N + s) * H, (size_t)H * sizeof(float));
        }
}

static void NAME(step)(Pupil *pupil) {
    Plan *plan = pupil->plan;
    const Lesson *lesson = plan->lesson;
    NAME(prepare)(pupil);
    for (int64_t l = 0; l < lesson->layers; l++) NAME(forward_layer)(pupil, l);
    NAME(score)(pupil);
    NAME(hand_out)(pupil);
    if (!lesson->learn) return;
    NAME(backward_head)(pupil);
    for (int64_t l = lesson->layers - 1; l >= 0; l--) {
        NAME(backward_layer)(pupil, l);
        if (l == 0) NAME(backward_embedding)(pupil);
        meet(&plan->team);
        if (pupil->number == 0) { /* what was below is above for the next one */
            float *below = plan->below;
            plan->below = plan->above, plan->above = below;
        }
        meet(&plan->team);
    }
    NAME(update)(pupil);
}

#undef Vector
#undef Ints
#undef Shorts
#undef Bytes
#undef NAME
#undef TOGETHER
#undef BESIDE
#undef DEPTH
#undef POINTED
#undef LANES
#endif
