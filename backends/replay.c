/* Goes through a table of calls of NumPy's own loops, and of waits for other workers.
   backends/compiled.py writes the table. */

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause() /* leaves the core to what else runs there */
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

typedef void Loop(char **arrays, const intptr_t *shape, const intptr_t *steps, void *data);

struct row {
    Loop *loop;        /* a ufunc's for some dtypes: NumPy's PyUFuncGenericFunction; none: a wait */
    void *data;        /* what the ufunc passes to it */
    intptr_t repeats;  /* how often it is called */
    intptr_t shape[4]; /* how many elements; of products, how many, and their three sides */
    intptr_t steps[9]; /* for each array, the bytes from an element to the next */
    intptr_t jumps[3]; /* and those from a repeat to the next */
    char *arrays[3];
};

/* Counts that this worker has come: arrays[0] is its counter, arrays[1] the first of all shape[0],
   steps[0] bytes apart. Behind each stands whether its worker sleeps. Tells whether the others have
   come before they were looked at shape[1] times, and none sleeps. */
static int meet(const struct row *row)
{
    int32_t *own = (int32_t *)row->arrays[0], turn = *own + 1;
    __atomic_store_n(own, turn, __ATOMIC_SEQ_CST);
    for (intptr_t k = 0; k < row->shape[0]; k++)
        if (__atomic_load_n((int32_t *)(row->arrays[1] + k * row->steps[0]) + 1, __ATOMIC_SEQ_CST))
            return 0;
    for (intptr_t k = 0; k < row->shape[0]; k++) {
        const int32_t *other = (int32_t *)(row->arrays[1] + k * row->steps[0]);
        for (intptr_t n = row->shape[1]; __atomic_load_n(other, __ATOMIC_ACQUIRE) < turn; PAUSE())
            if (n-- == 0) return 0;
    }
    return 1;
}

/* Returns none, or the row of a wait that is not over, to go on behind it. */
const struct row *replay(const struct row *row, const struct row *end)
{
    for (; row < end; row++) {
        if (!row->loop) {
            if (!meet(row)) return row;
            continue;
        }
        for (intptr_t i = 0; i < row->repeats; i++) {
            char *arrays[3];
            for (int k = 0; k < 3; k++) arrays[k] = row->arrays[k] + i * row->jumps[k];
            row->loop(arrays, row->shape, row->steps, row->data);
        }
    }
    return NULL;
}
