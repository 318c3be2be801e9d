/* Carries out recorded tasks, so that the kernel can be run where Python is not: on other processors, and under
 * sanitizers that Python does not bear. `tests/test_replay.py` writes the records and says what must come out.
 *
 *     replay RECORD THREADS INSTRUCTIONS
 *
 * A record is a sequence of arrays, each its length in bytes (int64) and its bytes. Prints the largest difference of
 * the logits from the recorded ones, how many drawn tokens differ, and what the kernel returned; exit code 2 for a bad
 * record.
 */
#include "../../src/longhand/runtime/native/kernel.c"

#include <math.h>
#include <stdio.h>

static FILE *record;

/* Read an array, to memory of just its size, so that a sanitizer sees a byte too many. */
static void *array(int64_t *size) {
    int64_t bytes;
    if (fread(&bytes, sizeof bytes, 1, record) != 1) exit(2);
    if (size != NULL) *size = bytes;
    if (bytes == 0) return NULL;
    char *memory = aligned(bytes);
    if (memory == NULL || fread(memory, 1, (size_t)bytes, record) != (size_t)bytes) exit(2);
    return memory;
}

static Matrix matrix(void) {
    Matrix result = {0};
    int64_t *shape = array(NULL);
    result.groups = shape[0], result.inputs = shape[1];
    free(shape);
    result.values = array(NULL);
    result.scales = array(NULL);
    return result;
}

static void release(Matrix matrix) { free((void *)matrix.values), free((void *)matrix.scales); }

int main(int count, char **words) {
    if (count != 4 || (record = fopen(words[1], "rb")) == NULL) return 2;
    int64_t *sizes = array(NULL); /* vocabulary, hidden, layers, inputs, streams, steps, capacity, width */
    Network network = {.vocabulary = sizes[0], .hidden = sizes[1], .layers = sizes[2], .inputs = sizes[3]};
    States states = {.capacity = sizes[6], .width = sizes[7]};
    Task task = {.network = &network, .states = &states, .streams = sizes[4], .steps = sizes[5]};
    network.table = array(NULL);
    network.embedding = array(NULL);
    Layer *layers = calloc((size_t)network.layers, sizeof *layers);
    for (int64_t l = 0; l < network.layers; l++) {
        layers[l].input = matrix();
        layers[l].recurrent = matrix();
        layers[l].bias = array(NULL);
    }
    network.layer = layers;
    network.head = matrix();
    network.head_bias = array(NULL);
    states.hidden = array(NULL), states.shown = array(NULL), states.cell = array(NULL), states.place = array(NULL);
    task.slots = array(NULL), task.given = array(NULL), task.chance = array(NULL), task.sampling = array(NULL);
    int64_t remembered, listed;
    task.biased = array(&listed), task.bias = array(NULL), task.recent = array(&remembered);
    task.listed = listed / (int64_t)sizeof *task.biased;
    task.remembered = remembered / (int64_t)sizeof *task.recent / task.streams;
    int64_t numbers = task.steps * task.streams;
    float *logits = array(NULL), *got = malloc((size_t)(numbers * network.vocabulary) * sizeof *got);
    int32_t *drawn = array(NULL), *chosen = malloc((size_t)numbers * sizeof *chosen);
    task.logits = got;
    if (drawn != NULL) task.drawn = chosen;
    task.threads = atoll(words[2]), task.instructions = atoll(words[3]);

    int64_t returned = longhand_run(&task), others = 0;
    double worst = 0;
    for (int64_t n = 0; n < numbers * network.vocabulary; n++) {
        double difference = fabs((double)got[n] - logits[n]);
        if (!(difference <= worst)) worst = difference;
    }
    for (int64_t n = 0; drawn != NULL && n < numbers; n++) others += chosen[n] != drawn[n];
    printf("instructions %lld, returned %lld, %.3g, %lld\n", (long long)longhand_instructions(), (long long)returned,
           worst, (long long)others);

    for (int64_t l = 0; l < network.layers; l++) {
        release(layers[l].input), release(layers[l].recurrent);
        free((void *)layers[l].bias);
    }
    release(network.head);
    const void *all[] = {sizes,         network.table, network.embedding, layers,      network.head_bias, states.hidden,
                         states.shown,  states.cell,   states.place,      task.slots,  task.given,        task.chance,
                         task.sampling, task.biased,   task.bias,         task.recent, logits,            got,
                         drawn,         chosen};
    for (size_t n = 0; n < sizeof all / sizeof *all; n++) free((void *)all[n]);
    fclose(record);
    return 0;
}
