/* Drawing a token from logits; a part of kernel.c. `longhand.generation.sampler` says the same in NumPy, and why. */

#define EXCLUDED (-INFINITY) /* the logit of a token that may not come: no finite logit is as small */

typedef struct {
    float *weights;  /* [vocabulary, padded]; 0 for a token that may not come */
    double *totals;  /* [padded / 64] */
    float *keys;     /* [vocabulary], what tokens are sorted by that is no logit */
    int32_t *heap;   /* [vocabulary] */
    int32_t *counts; /* [vocabulary], zeros between two draws */
} Scratch;

/* Whether token a comes before b: that with the larger key, of equals the first. */
static int before(const float *keys, int32_t a, int32_t b) {
    return keys[a] > keys[b] || (keys[a] == keys[b] && a < b);
}

static void sink(const float *keys, int32_t *heap, int64_t count, int64_t place) {
    for (int64_t child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && before(keys, heap[child + 1], heap[child])) child++;
        if (!before(keys, heap[child], heap[place])) return;
        int32_t other = heap[place];
        heap[place] = heap[child];
        heap[child] = other;
    }
}

/* Move the likeliest token of a heap behind its end, and return it. */
static int32_t taken(const float *keys, int32_t *heap, int64_t count) {
    int32_t first = heap[0];
    heap[0] = heap[count - 1];
    heap[count - 1] = first;
    sink(keys, heap, count - 1, 0);
    return first;
}

/* Make a heap of the first `count` tokens in it. */
static void heap_up(const float *keys, int32_t *heap, int64_t count) {
    for (int64_t n = count / 2; n-- > 0;) sink(keys, heap, count, n);
}

/* Leave the `top_k` likeliest tokens, and of these the fewest that together have a share of `top_p`. */
static void keep_top(const Sampling *sampling, const float *logits, int64_t vocabulary, Scratch *scratch) {
    float *weights = scratch->weights;
    int32_t *heap = scratch->heap;
    int64_t most = sampling->top_k > 0 && sampling->top_k < vocabulary ? sampling->top_k : vocabulary, kept = 0;
    if (most == vocabulary && sampling->top_p >= 1) return;
    for (int64_t n = 0; n < vocabulary; n++) heap[n] = (int32_t)n;
    heap_up(logits, heap, vocabulary);
    double total = 0, sum = 0;
    if (most == vocabulary) {
        for (int64_t n = 0; n < vocabulary; n++) total += weights[n];
    } else {
        for (; kept < most; kept++) total += weights[taken(logits, heap, vocabulary - kept)];
    }
    int64_t within = 0; /* tokens taken lie at the end, the likeliest last */
    do {
        if (within == kept) taken(logits, heap, vocabulary - kept++);
        sum += weights[heap[vocabulary - ++within]];
    } while (within < most && sum < sampling->top_p * total);
    for (int64_t n = 0; n < vocabulary - within; n++) weights[heap[n]] = 0;
}

/* Leave those tokens whose information is nearest to the mean, the fewest that together have a share of `typical`.
 * Of their weights, the sum of which is `total`, the likeliest token's was 1. */
static void keep_typical(const Sampling *sampling, const float *logits, float best, double temperature, double total,
                         int64_t vocabulary, Scratch *scratch) {
    float *weights = scratch->weights, *keys = scratch->keys;
    int32_t *heap = scratch->heap;
    int64_t count = 0;
    double mean = 0, sum = 0;
    for (int64_t n = 0; n < vocabulary; n++) {
        if (weights[n] == 0) continue;
        heap[count++] = (int32_t)n;
        keys[n] = (float)(log(total) - fmax(((double)logits[n] - best) / temperature, LEAST_EXPONENT));
        mean += weights[n] / total * keys[n];
    }
    for (int64_t n = 0; n < count; n++) keys[heap[n]] = -fabsf(keys[heap[n]] - (float)mean);
    heap_up(keys, heap, count);
    do {
        sum += weights[taken(keys, heap, count--)];
    } while (count > 0 && sum < sampling->typical * total);
    for (int64_t n = 0; n < count; n++) weights[heap[n]] = 0;
}

/* Return the first token at which the sum of weights exceeds `aim`; if rounding lets none, the last that has one. */
static int32_t reached(const float *weights, const double *totals, int64_t count, double aim) {
    double sum = 0;
    int64_t n = 0;
    while (n < count) {
        if (sum + totals[n / GROUP] <= aim) {
            sum += totals[n / GROUP];
            n += GROUP;
            continue;
        }
        for (int64_t end = n + GROUP; n < end; n++)
            if (weights[n] > 0 && (sum += weights[n]) > aim) return (int32_t)n;
    }
    while (n > 1 && weights[n - 1] == 0) n--;
    return (int32_t)n - 1;
}

/* Return the token that was read or drawn `back` tokens before the one that is drawn in a step, or -1. */
static int32_t read_before(const Task *task, int64_t stream, int64_t step, int64_t back) {
    if (back <= step) return task->drawn[(step - back) * task->streams + stream];
    int64_t place = task->remembered - (back - step);
    return place < 0 ? -1 : task->recent[stream * task->remembered + place];
}

/* Lower the logits of tokens that occurred a short while ago. */
static void penalise(const Task *task, float *logits, int64_t stream, int64_t step, int32_t *counts) {
    const Sampling *sampling = task->sampling + stream;
    for (int64_t back = 1; back <= sampling->memory; back++) {
        int32_t token = read_before(task, stream, step, back);
        if (token >= 0) counts[token]++;
    }
    for (int64_t back = 1; back <= sampling->memory; back++) {
        int32_t token = read_before(task, stream, step, back);
        if (token < 0 || counts[token] == 0) continue;
        double logit = logits[token];
        logit = logit > 0 ? logit / sampling->repetition : logit * sampling->repetition;
        logit -= sampling->frequency * counts[token] + sampling->presence;
        logits[token] = (float)fmax(fmin(logit, FLT_MAX), -FLT_MAX);
        counts[token] = 0;
    }
}

/* Add a stream's biases to its logits. Tokens whose bias is minus infinity are excluded. */
static void add_bias(const Task *task, float *logits, int64_t stream) {
    const Sampling *sampling = task->sampling + stream;
    for (int64_t n = sampling->first; n < sampling->first + sampling->biases; n++) {
        float *logit = logits + task->biased[n];
        const double sum = (double)*logit + task->bias[n];
        *logit = isinf(task->bias[n]) || isinf(*logit) ? EXCLUDED : (float)fmax(fmin(sum, FLT_MAX), -FLT_MAX);
    }
}

/* Return where each token leads a text, or NULL where any may come. */
static const int32_t *row_of(const Task *task, int64_t stream) {
    return task->guides == NULL || task->guides[stream] == NULL ? NULL : task->guides[stream][task->at[stream]];
}

/* Take note of a token; returns whether it is known what may follow. */
static int led(const Task *task, int64_t stream, int32_t token) {
    const int32_t *row = row_of(task, stream);
    if (row == NULL) return 1;
    const int32_t at = task->at[stream] = row[token];
    return at >= 0 && at < task->known[stream] && task->guides[stream][at] != NULL;
}

/* Return the first token whose logit is the largest. */
static int32_t likeliest(const float *logits, int64_t vocabulary, float largest) {
    for (int64_t n = 0; n < vocabulary; n++)
        if (logits[n] >= largest) return (int32_t)n;
    return -NO_CHOICE;
}

static double sum_of_totals(const double *totals, int64_t groups) {
    double sum = 0;
    for (int64_t g = 0; g < groups; g++) sum += totals[g];
    return sum;
}

/* Return a token, or a negated status: NOT_FINITE where a logit is not finite, NO_CHOICE where every token is excluded.
 * The token is never one that is excluded. The logits are lost. */
static int32_t draw(const Task *task, const Functions *with, float *logits, int64_t stream, int64_t step,
                    Scratch *scratch) {
    const int64_t vocabulary = task->network->vocabulary, count = task->network->head.groups * GROUP;
    const int64_t place = step * task->streams + stream;
    const Sampling *sampling = task->sampling + stream;
    const double temperature = task->temperatures == NULL ? sampling->temperature : task->temperatures[place];
    float *weights = scratch->weights;
    if (!with->finite(logits, count)) return -NOT_FINITE;
    if (sampling->memory > 0) penalise(task, logits, stream, step, scratch->counts);
    add_bias(task, logits, stream);
    const int32_t *row = row_of(task, stream);
    for (int64_t n = 0; row != NULL && n < vocabulary; n++)
        if (row[n] < 0) logits[n] = EXCLUDED;
    for (int64_t n = vocabulary; n < count; n++) logits[n] = EXCLUDED;
    float best = with->largest(logits, count);
    if (best == EXCLUDED) return -NO_CHOICE;
    if (temperature == 0) return likeliest(logits, vocabulary, best);
    with->shares(logits, best, (float)temperature, count, weights);
    keep_top(sampling, logits, vocabulary, scratch);
    with->totals(weights, (float)sampling->min_p, count, scratch->totals); /* the likeliest has 1 */
    double total = sum_of_totals(scratch->totals, count / GROUP);
    if (sampling->typical < 1 && total > 0) {
        keep_typical(sampling, logits, best, temperature, total, vocabulary, scratch);
        with->totals(weights, 0, count, scratch->totals);
        total = sum_of_totals(scratch->totals, count / GROUP);
    }
    if (!(total > 0)) return -NO_CHOICE; /* only if a setting is no number */
    return reached(weights, scratch->totals, count, task->chance[place] * total);
}
