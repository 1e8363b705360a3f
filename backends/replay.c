/* Goes through a table of calls of NumPy's own loops. backends/compiled.py writes the table. */

#include <stdint.h>

typedef void Loop(char **arrays, const intptr_t *shape, const intptr_t *steps, void *data);

struct row {
    Loop *loop;        /* a ufunc's for some dtypes: NumPy's PyUFuncGenericFunction */
    void *data;        /* what the ufunc passes to it */
    intptr_t repeats;  /* how often it is called */
    intptr_t shape[4]; /* how many elements; of products, how many, and their three sides */
    intptr_t steps[9]; /* for each array, the bytes from an element to the next */
    intptr_t jumps[3]; /* and those from a repeat to the next */
    char *arrays[3];
};

void replay(const struct row *row, intptr_t count)
{
    for (const struct row *end = row + count; row < end; row++)
        for (intptr_t i = 0; i < row->repeats; i++) {
            char *arrays[3];
            for (int k = 0; k < 3; k++) arrays[k] = row->arrays[k] + i * row->jumps[k];
            row->loop(arrays, row->shape, row->steps, row->data);
        }
}
