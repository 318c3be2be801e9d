/* Running an LSTM: tokens in, logits or drawn tokens out. Knows no file format and no text; allocates only what one
 * call needs, keeps nothing between calls. `packing.py` lays out the weights, `library.py` mirrors the structures.
 *
 * Rows of a matrix come in groups of 64. For a layer these are 16 units with their gates i, f, g, o one after another,
 * so that a group's sums are all that its units need. A sum is taken over the inputs in the same order and
 * the same stretches whatever the number of streams, so a stream's numbers do not depend on what runs beside it.
 *
 * What computes with many numbers at a time is written once, at the end of this file, in GCC's and Clang's vector
 * extensions; the file includes itself for each instruction set, with vectors as wide as its registers. Only the
 * products of 8-bit integers are written for each.
 */
#ifndef LANES
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getcpu, pthread_attr_setaffinity_np */
#endif
#include "../../native/common.h"

#define INTERFACE 8 /* what library.py expects */
#define GROUP 64    /* rows */
#define UNITS 16    /* of a layer in a group */
#define BLOCK 256   /* inputs of which a quarter group's weights, 16 KB, stay in the first cache for all streams */
#define STRETCH 128 /* inputs whose products are summed by themselves, so that fewer digits are lost; BLOCK is so many */
#define AHEAD 2048  /* bytes of 8-bit weights that are asked for in advance; floats come fast enough */
#define FEW 16      /* streams */
#define LEAST_EXPONENT -87.f /* a weight is at least e to this: no less is a normal number */

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

/* Room for the states of `capacity` streams, in rows `width` apart, a little more than `hidden`: at a power of two the
 * rows of many streams would fall on the same few lines of the cache. What a layer shows is kept twice, as it was and
 * as it becomes. */
typedef struct {
    float *hidden;  /* [layers][2][capacity][width] */
    int8_t *shown;  /* the same as integers, for those who multiply integers */
    float *cell;    /* [layers][capacity][width] */
    uint8_t *place; /* [capacity], which of the two holds */
    int64_t capacity, width;
} States;

/* How a stream's tokens are drawn; session.py says what each number means. */
typedef struct {
    double temperature, top_p, min_p, typical, repetition, frequency, presence;
    int64_t top_k;         /* 0: all */
    int64_t memory;        /* 0: nothing is done to tokens that occurred */
    int64_t first, biases; /* which of `biased` and `bias` are its own, and how many */
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
    const double *temperatures; /* [steps][streams], or none: those of `sampling` */
    const Sampling *sampling;   /* [streams] */
    const int32_t *biased;      /* tokens, each stream's one after another */
    const float *bias;          /* what is added to their logits; minus infinity: they are not drawn */
    const int32_t *recent;      /* [streams][remembered]: tokens before those drawn, or -1 */
    const int32_t *const *const *guides; /* [streams], or none: of each state of a text a row, (vocabulary,), of the
                                            states after it, below 0 where a token may not come; or none */
    const int64_t *known;                /* [streams], of how many states there may be a row */
    int32_t *at;                         /* [streams], the texts' states */
    int64_t remembered, listed, threads, instructions; /* listed: how many are in `biased` and in `bias` */
    int64_t done; /* steps that were made */
} Task;

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
    UNROLL
    for (int p = 0; p < 8; p++) total[p] = _mm256_setzero_si256();
    for (int64_t k = 0; k < matrix->inputs; k += 4, weights += 8) {
        int32_t four;
        memcpy(&four, x + k, 4);
        __m256i value = _mm256_set1_epi32(four), size = _mm256_abs_epi8(value);
        UNROLL
        for (int p = 0; p < 8; p++) {
            if (p % 2 == 0) __builtin_prefetch((const char *)(weights + p) + AHEAD);
            __m256i pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(weights[p], value));
            total[p] = _mm256_add_epi32(total[p], _mm256_madd_epi16(pairs, ones));
        }
    }
    UNROLL
    for (int p = 0; p < 8; p++)
        _mm256_store_ps(sums + 8 * p, _mm256_fmadd_ps(_mm256_load_ps(scales + 8 * p), _mm256_cvtepi32_ps(total[p]),
                                                      _mm256_load_ps(sums + 8 * p)));
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

/* ---- one set of functions for each set of instructions ---- */

typedef struct {
    void (*floats)(const Matrix *, int64_t, const float *const *, int64_t, float *);
    void (*integers)(const Matrix *, int64_t, const int8_t *, float *);
    void (*gates)(const float *, float *, float *, int8_t *, int32_t *);
    int (*finite)(const float *, int64_t);
    float (*largest)(const float *, int64_t);
    void (*shares)(const float *, float, float, int64_t, float *);
    void (*totals)(float *, float, int64_t, double *);
    float (*reading)(const float *, int64_t, int64_t);
} Functions;

#define FUNCTIONS(name, integers) \
    {floats_##name, integers, gates_##name, finite_##name, largest_##name, shares_##name, totals_##name, reading_##name}

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define LANES 8
#define TOGETHER 6
#define NAME(word) word##_avx2
#include "kernel.c"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
static const Functions avx2 = FUNCTIONS(avx2, integers_avx2);
#endif

#define LANES 4
#if defined(__aarch64__) /* 32 registers */
#define TOGETHER 6
#else
#define TOGETHER 2
#endif
#define NAME(word) word##_plain
#include "kernel.c"
static const Functions portable = FUNCTIONS(plain, integers_portable);
#if defined(__aarch64__)
static const Functions neon = FUNCTIONS(plain, integers_neon);
#endif

PUBLIC int64_t longhand_instructions(void) { return instructions_here() & ~AVX512; /* not compiled for it here */ }

PUBLIC int64_t longhand_interface(void) { return INTERFACE; }

static const Functions *functions_for(int64_t instructions) {
#if defined(__x86_64__)
    if (instructions & instructions_here()) return &avx2;
#elif defined(__aarch64__)
    if (instructions) return &neon;
#else
    (void)instructions;
#endif
    return &portable;
}

#include "drawing.h"

/* ---- the loop ---- */

typedef struct {
    atomic_llong count;
    char rest[LINE - sizeof(atomic_llong)]; /* of the line, which others would have to wait for */
} Counter;

typedef struct {
    const Task *task;
    const Functions *with;
    float *logits;  /* [streams][head rows] */
    int32_t *token; /* [streams], read next */
    Counter *taken; /* [layers + 1], groups of each layer and of the head that somebody computes in this step */
    int64_t done; /* steps */
    Team team;
    atomic_int failed;
} Work;

/* What a layer shows, of each stream. */
typedef struct {
    const float **floats;
    const int8_t **integers;
} Shown;

typedef struct {
    Work *work;
    int number;
    float *sums; /* [streams][GROUP] */
    Shown below, past;
    Scratch scratch;
    int32_t damage[8] __attribute__((aligned(32)));
} Worker;

/* Return the group that a worker computes after `g`, or at first for -1; `count` and more if there is none.
 *
 * With a few streams each worker has a part of its own, which may stay in its core's cache. With many a group takes so
 * long that it pays to take the next one that nobody has: cores are not equally fast, nor always there. */
static int64_t next_group(const Worker *worker, Counter *taken, int64_t count, int64_t g) {
    const Work *work = worker->work;
    if (work->task->streams > FEW && work->team.threads > 1)
        return atomic_fetch_add_explicit(&taken->count, 1, memory_order_relaxed);
    int64_t next = g < 0 ? count * worker->number / work->team.threads : g + 1;
    return next < count * (worker->number + 1) / work->team.threads ? next : count;
}

static void none_taken(Work *work) {
    for (int64_t n = 0; n <= work->task->network->layers; n++)
        atomic_store_explicit(&work->taken[n].count, 0, memory_order_relaxed);
}

/* Where what a layer shows lies: as it was before step `step`, or as it is `after` it. */
static int64_t shown_at(const Task *task, int64_t layer, int64_t stream, int64_t step, int after) {
    const States *states = task->states;
    int64_t slot = task->slots[stream], which = (states->place[slot] + step + after) & 1;
    return ((layer * 2 + which) * states->capacity + slot) * states->width;
}

/* Set `at` to where what a layer shows lies, for each stream. */
static void look(const Task *task, Shown at, int64_t layer, int64_t step, int after) {
    for (int64_t s = 0; s < task->streams; s++) {
        int64_t place = shown_at(task, layer, s, step, after);
        at.floats[s] = task->states->hidden + place;
        at.integers[s] = task->states->shown == NULL ? NULL : task->states->shown + place;
    }
}

static void add(Worker *worker, const Matrix *matrix, int64_t g, Shown at) {
    const Functions *with = worker->work->with;
    int64_t streams = worker->work->task->streams;
    if (matrix->scales == NULL) {
        with->floats(matrix, g, at.floats, streams, worker->sums);
        return;
    }
    for (int64_t s = 0; s < streams; s++) with->integers(matrix, g, at.integers[s], worker->sums + s * GROUP);
}

/* Set the sums of a group of a layer to what does not depend on what other units show. */
static void begin(Worker *worker, int64_t l, int64_t g) {
    const Task *task = worker->work->task;
    const Network *network = task->network;
    for (int64_t s = 0; s < task->streams; s++) {
        const float *start = network->layer[l].bias + g * GROUP;
        if (l == 0 && network->table != NULL)
            start = network->table + worker->work->token[s] * 4 * network->hidden + g * GROUP;
        memcpy(worker->sums + s * GROUP, start, GROUP * sizeof(float));
    }
}

static void advance_layer(Worker *worker, int64_t l, int64_t step) {
    const Work *work = worker->work;
    const Task *task = work->task;
    const States *states = task->states;
    const Layer *layer = task->network->layer + l;
    const int64_t groups = task->network->hidden / UNITS;
    look(task, worker->past, l, step, 0);
    if (l > 0)
        look(task, worker->below, l - 1, step, 1);
    else if (layer->input.values != NULL)
        for (int64_t s = 0; s < task->streams; s++)
            worker->below.floats[s] = task->network->embedding + work->token[s] * task->network->inputs;
    for (int64_t g = -1; (g = next_group(worker, work->taken + l, groups, g)) < groups;) {
        begin(worker, l, g);
        if (layer->input.values != NULL) add(worker, &layer->input, g, worker->below);
        add(worker, &layer->recurrent, g, worker->past);
        for (int64_t s = 0; s < task->streams; s++) {
            int64_t to = shown_at(task, l, s, step, 1) + g * UNITS;
            float *cell = states->cell + (l * states->capacity + task->slots[s]) * states->width + g * UNITS;
            int8_t *shown = states->shown == NULL ? NULL : states->shown + to;
            work->with->gates(worker->sums + s * GROUP, cell, states->hidden + to, shown, worker->damage);
        }
    }
}

static void predict(Worker *worker, int64_t step) {
    const Work *work = worker->work;
    const Task *task = work->task;
    const Network *network = task->network;
    const int64_t groups = network->head.groups;
    look(task, worker->below, network->layers - 1, step, 1);
    for (int64_t g = -1; (g = next_group(worker, work->taken + network->layers, groups, g)) < groups;) {
        for (int64_t s = 0; s < task->streams; s++)
            memcpy(worker->sums + s * GROUP, network->head_bias + g * GROUP, GROUP * sizeof(float));
        add(worker, &network->head, g, worker->below);
        for (int64_t s = 0; s < task->streams; s++)
            memcpy(work->logits + (s * groups + g) * GROUP, worker->sums + s * GROUP, GROUP * sizeof(float));
    }
}

/* Note that this step is the last one, and why. What the threads note in one step must not depend on their order. */
static void end_with(Work *work, int status) {
    int noted = atomic_load(&work->failed);
    while ((noted == DONE || status < noted) && !atomic_compare_exchange_weak(&work->failed, &noted, status)) {}
}

/* Hand out what was asked for of some streams, and set the tokens that they read next. A failure is noted here alone,
 * between two meetings, so that all threads learn of it at the same step. */
static void conclude(Worker *worker, int64_t step) {
    Work *work = worker->work;
    const Task *task = work->task;
    const Network *network = task->network;
    if (worker->number == 0) none_taken(work);
    const int told = task->drawn == NULL && task->states->shown == NULL; /* the logits say it */
    for (int n = 0; n < 8 && !told; n++)
        if (worker->damage[n]) end_with(work, NOT_FINITE);
    for (int64_t s = worker->number; s < task->streams; s += work->team.threads) {
        int64_t place = step * task->streams + s;
        float *logits = work->logits + s * network->head.groups * GROUP;
        if (task->outputs != NULL)
            memcpy(task->outputs + place * network->hidden,
                   task->states->hidden + shown_at(task, network->layers - 1, s, step, 1),
                   network->hidden * sizeof(float));
        if (task->logits != NULL)
            memcpy(task->logits + place * network->vocabulary, logits, network->vocabulary * sizeof(float));
        if (task->drawn != NULL) {
            int32_t token = draw(task, work->with, logits, s, step, &worker->scratch);
            task->drawn[place] = work->token[s] = token < 0 ? 0 : token;
            if (token < 0) end_with(work, -token);
            else if (!led(task, s, token)) end_with(work, PAUSED);
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
    await(&work->team.go, 1);
    for (int64_t step = 0; step < task->steps && !atomic_load(&work->failed); step++) {
        for (int64_t l = 0; l < task->network->layers; l++) {
            advance_layer(worker, l, step);
            meet(&work->team);
        }
        if (task->logits != NULL || task->drawn != NULL) {
            predict(worker, step);
            meet(&work->team);
        }
        conclude(worker, step);
        if (worker->number == 0) work->done = step + 1;
        meet(&work->team);
    }
    flush_as_before(before);
    return NULL;
}

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
    PART(work->taken, work->task->network->layers + 1);
    for (int64_t n = 0; n < threads; n++) {
        PART(workers[n].sums, streams * GROUP);
        PART(workers[n].below.floats, streams);
        PART(workers[n].below.integers, streams);
        PART(workers[n].past.floats, streams);
        PART(workers[n].past.integers, streams);
        PART(workers[n].scratch.weights, rows);
        PART(workers[n].scratch.totals, rows / GROUP);
        PART(workers[n].scratch.keys, rows);
        PART(workers[n].scratch.heap, rows);
        PART(workers[n].scratch.counts, rows);
    }
#undef PART
    return used;
}

/* Whether `count` tokens lie in least..vocabulary - 1. */
static int all_tokens(const int32_t *tokens, int64_t count, int32_t least, int64_t vocabulary) {
    for (int64_t n = 0; n < count; n++)
        if (tokens[n] < least || tokens[n] >= vocabulary) return 0;
    return 1;
}

/* Whether what a stream's tokens are drawn with lies where the task says: its biases, and its state in a guide. */
static int valid_drawing(const Task *task, int64_t s) {
    const Sampling *sampling = task->sampling + s;
    if (sampling->first < 0 || sampling->biases < 0 || sampling->biases > task->listed - sampling->first) return 0;
    if (task->guides == NULL || task->guides[s] == NULL) return 1;
    return task->at[s] >= 0 && task->at[s] < task->known[s] && task->guides[s][task->at[s]] != NULL;
}

/* Whether every index in a task lies within what it is an index of. session.py checks what people pass; this is the last
 * line of defence, at a cost that is nothing beside a step's. */
static int valid_task(const Task *task) {
    const Network *network = task->network;
    const int64_t vocabulary = network->vocabulary, given = task->drawn == NULL ? task->steps : 1;
    if (vocabulary < 1 || vocabulary > network->head.groups * GROUP || network->layers < 1) return 0;
    for (int64_t s = 0; s < task->streams; s++)
        if (task->slots[s] < 0 || task->slots[s] >= task->states->capacity) return 0;
    if (!all_tokens(task->given, given * task->streams, 0, vocabulary)) return 0;
    if (task->drawn == NULL) return 1;
    for (int64_t s = 0; s < task->streams; s++)
        if (!valid_drawing(task, s)) return 0;
    return all_tokens(task->biased, task->listed, 0, vocabulary) &&
           all_tokens(task->recent, task->streams * task->remembered, -1, vocabulary);
}

/* Start a thread on another processor than this one, where the C library can (glibc): two threads that wait for one
 * another are slow on one processor, and the system may leave them there for tens of milliseconds. Returns what
 * pthread_create does. */
static int start_beside(pthread_t *thread, void *(*work)(void *), void *on) {
#if defined(__GLIBC__)
    cpu_set_t others;
    const int own = sched_getcpu();
    pthread_attr_t attributes;
    if (own >= 0 && own < CPU_SETSIZE && sched_getaffinity(0, sizeof others, &others) == 0) {
        CPU_CLR(own, &others);
        if (CPU_COUNT(&others) > 0 && pthread_attr_init(&attributes) == 0) {
            const int failed = pthread_attr_setaffinity_np(&attributes, sizeof others, &others) ||
                               pthread_create(thread, &attributes, work, on);
            pthread_attr_destroy(&attributes);
            if (!failed) return 0;
        }
    }
#endif
    return pthread_create(thread, NULL, work, on);
}

/* Carry out a task. Returns
 *
 * - DONE
 * - BAD_TASK, with nothing done, where an index is out of range
 * - NO_MEMORY
 * - PAUSED after a step after which a text is in a state without a row
 * - NO_CHOICE after a step at which every token is excluded
 * - NOT_FINITE after the first step at which what decides is no finite number: a prediction that is drawn from, or what
 *   a layer shows where integers would hide it */
PUBLIC int64_t longhand_run(Task *task) {
    const int most = task->threads < 1 ? 1 : task->threads > MOST_THREADS ? MOST_THREADS : (int)task->threads;
    Work work = {.task = task, .with = functions_for(task->instructions)};
    Worker workers[MOST_THREADS];
    pthread_t others[MOST_THREADS];
    task->done = 0;
    if (task->steps < 1 || task->streams < 1) return DONE;
    if (!valid_task(task)) return BAD_TASK;
    memset(workers, 0, sizeof workers);
    char *room = aligned(lay_out(NULL, &work, workers, most));
    if (room == NULL) return NO_MEMORY;
    lay_out(room, &work, workers, most);
    memcpy(work.token, task->given, (size_t)task->streams * sizeof *work.token);
    none_taken(&work);
    for (int n = 0; n < most; n++) {
        workers[n].work = &work, workers[n].number = n;
        memset(workers[n].scratch.counts, 0, (size_t)task->network->vocabulary * sizeof(int32_t));
    }
    for (work.team.threads = 1; work.team.threads < most; work.team.threads++) /* fewer, where the system gives no more */
        if (start_beside(&others[work.team.threads], labour, &workers[work.team.threads]) != 0) break;
    atomic_store_explicit(&work.team.go, 1, memory_order_release);
    labour(&workers[0]);
    for (int n = 1; n < work.team.threads; n++) pthread_join(others[n], NULL);
    for (int64_t s = 0; s < task->streams; s++) {
        uint8_t *place = task->states->place + task->slots[s];
        *place = (uint8_t)((*place + work.done) & 1);
    }
    free(room);
    task->done = work.done;
    return atomic_load(&work.failed);
}

typedef struct {
    const float *from;
    int64_t runs, count, times;
    const Functions *with;
    volatile float sum;
} Reading;

static void *read_part(void *reading_) {
    Reading *reading = reading_;
    for (int64_t n = 0; n < reading->times; n++)
        reading->sum = reading->with->reading(reading->from, reading->runs, reading->count);
    return NULL;
}

/* Read `bytes` of memory `times` over, in as many parts as threads, each in 1 or 4 runs side by side: how fast the
 * weights could be read. Returns the sum of what was read as floats: all but a rest of less than 512 bytes a thread. */
PUBLIC int64_t longhand_read(const void *memory, int64_t bytes, int64_t times, int64_t runs, int64_t threads,
                             int64_t instructions) {
    const int most = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : (int)threads;
    const int64_t count = bytes / most / 512 * 128; /* numbers of a part: full vectors in each of four runs */
    Reading readings[MOST_THREADS];
    pthread_t others[MOST_THREADS];
    int started = 1;
    for (int n = 0; n < most; n++)
        readings[n] = (Reading){(const float *)memory + n * count, runs, count, times, functions_for(instructions), 0};
    while (started < most && start_beside(&others[started], read_part, &readings[started]) == 0) started++;
    read_part(&readings[0]);
    for (int n = started; n < most; n++) read_part(&readings[n]);
    for (int n = 1; n < started; n++) pthread_join(others[n], NULL);
    double total = 0;
    for (int n = 0; n < most; n++) total += readings[n].sum;
    return (int64_t)total;
}

#else /* ---- compiled for each set of instructions: LANES numbers a vector, up to TOGETHER streams at a time ---- */

#include "../../native/lanes.h"

/* ---- sums of products: 32-bit floats ---- */

/* Add input k of some quarters of a group to the sums of some streams. */
INLINE void NAME(input)(const float *weights, int64_t inputs, int64_t k, const float *const *x, Vector *sum,
                        int quarters, int streams) {
    const int wide = UNITS / LANES * quarters, parts = UNITS / LANES;
    Vector weight[16];
    UNROLL
    for (int p = 0; p < wide; p++)
        weight[p] = *(const Vector *)(weights + (p / parts * inputs + k) * UNITS + p % parts * LANES);
    UNROLL
    for (int n = 0; n < streams * wide; n++) sum[n] += weight[n % wide] * x[n / wide][k];
}

/* Add inputs from..to of some quarters of a group to the sums of some streams, held in registers all along. Meanwhile
 * the weights at `next` are asked for, if it is not NULL. */
INLINE void NAME(tile)(const float *weights, int64_t inputs, int64_t from, int64_t to, const float *next,
                       const float *const *x, float *sums, int quarters, int streams) {
    const int wide = UNITS / LANES * quarters;
    Vector sum[24];
    for (int64_t part = from; part < to; part += STRETCH) {
        const int64_t end = part + STRETCH < to ? part + STRETCH : to;
        UNROLL
        for (int n = 0; n < streams * wide; n++) sum[n] = (Vector){0};
        if (streams == 3) { /* two inputs at a time would take more registers than there are */
            for (int64_t k = part; k < end; k++) {
                if (next != NULL) __builtin_prefetch(next + (k - from) * UNITS, 0, 2);
                NAME(input)(weights, inputs, k, x, sum, quarters, streams);
            }
        } else {
            _Pragma("GCC unroll 2")
            for (int64_t k = part; k < end; k++) {
                if (next != NULL) __builtin_prefetch(next + (k - from) * UNITS, 0, 2);
                NAME(input)(weights, inputs, k, x, sum, quarters, streams);
            }
        }
        UNROLL
        for (int n = 0; n < streams * wide; n++) *(Vector *)(sums + n / wide * GROUP + n % wide * LANES) += sum[n];
    }
}

/* How many of the streams that are left go together: as many as the registers take, and none is left alone. */
INLINE int64_t NAME(together)(int64_t left) {
    if (TOGETHER < 6) return left > 1 ? 2 : 1;
    return left == 7 ? 4 : left > 6 ? 6 : left;
}

INLINE void NAME(float_block)(const float *group, int64_t inputs, int64_t from, int64_t to,
                              const float *const *x, int64_t streams, float *sums) {
    const int two = TOGETHER < 6 ? 1 : 2; /* quarters at a time for two streams */
    for (int quarter = 0; quarter < 4; quarter++) {
        const float *weights = group + quarter * inputs * UNITS, *next = weights + (inputs + from) * UNITS;
        if (quarter == 3) next = to < inputs ? group + to * UNITS : group + 4 * inputs * UNITS;
        for (int64_t s = 0, n; s < streams; s += n) {
            float *first = sums + s * GROUP + quarter * UNITS;
            n = NAME(together)(streams - s);
/* The first streams bring the next weights into the second cache. One alone reads fast enough, as do two and three
 * that read two quarters at a time. */
#define TILE(quarters, count) \
    if (n == count && quarter % quarters == 0) {                                                                 \
        if (s == 0) NAME(tile)(weights, inputs, from, to, quarters == 1 ? next : NULL, x, first, quarters, count); \
        if (s != 0) NAME(tile)(weights, inputs, from, to, NULL, x + s, first, quarters, count);                  \
    }
            if (TOGETHER >= 6) {
                TILE(1, 6)
                TILE(1, 5)
                TILE(1, 4)
                TILE(2, 3)
            }
            TILE(two, 2)
            TILE(1, 1)
#undef TILE
        }
    }
}

static void NAME(floats)(const Matrix *matrix, int64_t g, const float *const *x, int64_t streams, float *sums) {
    const float *group = (const float *)matrix->values + g * GROUP * matrix->inputs;
    if (streams == 1) {
        const int quarters = TOGETHER < 6 ? 2 : 4;
        for (int quarter = 0; quarter < 4; quarter += quarters)
            NAME(tile)(group + quarter * matrix->inputs * UNITS, matrix->inputs, 0, matrix->inputs, NULL, x,
                       sums + quarter * UNITS, quarters, 1);
        return;
    }
    for (int64_t from = 0; from < matrix->inputs; from += BLOCK) {
        int64_t to = from + BLOCK < matrix->inputs ? from + BLOCK : matrix->inputs;
        NAME(float_block)(group, matrix->inputs, from, to, x, streams, sums);
    }
}

/* ---- activations ---- */

/* A group's sums become what its 16 units remember and show. `damage` gets bits where that is no number. */
static void NAME(gates)(const float *sums, float *cell, float *hidden, int8_t *shown, int32_t *damage) {
    UNROLL
    for (int n = 0; n < UNITS; n += LANES) {
        Vector gate[4], c, h; /* i, f, g, o */
        for (int p = 0; p < 4; p++) gate[p] = *(const Vector *)(sums + p * UNITS + n);
        c = *(Vector *)(cell + n) / NAME(inverse_sigmoid)(gate[1]) + NAME(gated)(gate[0], gate[2]);
        h = NAME(gated)(gate[3], c);
        *(Vector *)(cell + n) = c;
        *(Vector *)(hidden + n) = h;
        *(Ints *)damage |= h != h;
        if (shown == NULL) continue;
        Vector scaled = h * 127.f;
        APART(scaled);
        Ints whole = (Ints)(scaled + 12582912.f) - 0x4B400000;
        Bytes bytes = __builtin_convertvector(__builtin_convertvector(whole, Shorts), Bytes);
        memcpy(shown + n, &bytes, sizeof bytes);
    }
}

/* ---- many numbers at a time, for drawing; how many is a multiple of 64 ---- */

static int NAME(finite)(const float *logits, int64_t count) {
    Ints bad = {0};
    for (int64_t n = 0; n < count; n += LANES) {
        Vector zero = *(const Vector *)(logits + n) - *(const Vector *)(logits + n); /* or not a number */
        bad |= zero != zero;
    }
    int any = 0;
    for (int n = 0; n < LANES; n++) any |= bad[n];
    return !any;
}

static float NAME(largest)(const float *logits, int64_t count) {
    Vector most = *(const Vector *)logits;
    for (int64_t n = LANES; n < count; n += LANES) {
        Vector next = *(const Vector *)(logits + n);
        most = NAME(choose)(next > most, next, most);
    }
    float largest = most[0];
    for (int n = 1; n < LANES; n++) largest = most[n] > largest ? most[n] : largest;
    return largest;
}

/* weights = e^((logits - best) / temperature), 0 for logits of minus infinity */
static void NAME(shares)(const float *logits, float best, float temperature, int64_t count, float *weights) {
    for (int64_t n = 0; n < count; n += LANES) {
        Vector scale, part;
        const Vector logit = *(const Vector *)(logits + n);
        NAME(exponential)((logit - best) / temperature, LEAST_EXPONENT, 0.f, &scale, &part);
        *(Vector *)(weights + n) = NAME(choose)(logit >= -FLT_MAX, scale + part, (Vector){0});
    }
}

/* Weights below `least` become 0; totals are the sums of 64 each. */
static void NAME(totals)(float *weights, float least, int64_t count, double *totals) {
    for (int64_t n = 0; n < count; n += GROUP) {
        Vector total = {0};
        for (Vector *some = (Vector *)(weights + n); some < (Vector *)(weights + n + GROUP); some++)
            total += *some = NAME(choose)(*some >= least, *some, (Vector){0});
        totals[n / GROUP] = 0;
        for (int p = 0; p < LANES; p++) totals[n / GROUP] += total[p];
    }
}

/* ---- reading, for nothing but the time that it takes ---- */

/* Return the sum of numbers that lie in `runs` runs of `count`, one behind the other, and are read side by side. */
INLINE float NAME(sum_of)(const float *from, int64_t runs, int64_t count) {
    Vector sum[4] = {{0}};
    for (int64_t n = 0; n + 4 * LANES <= count; n += 4 * LANES) {
        for (int64_t run = 0; run < runs; run++) {
            UNROLL
            for (int p = 0; p < 4; p++) sum[p] += *(const Vector *)(from + run * count + n + LANES * p);
        }
    }
    float total = 0;
    for (int p = 0; p < 4 * LANES; p++) total += sum[p / LANES][p % LANES];
    return total;
}

static float NAME(reading)(const float *from, int64_t runs, int64_t count) {
    return runs == 1 ? NAME(sum_of)(from, 1, count) : NAME(sum_of)(from, 4, count / 4);
}

#undef Vector
#undef Ints
#undef Shorts
#undef Bytes
#undef NAME
#undef TOGETHER
#undef LANES
#endif
