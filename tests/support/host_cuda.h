// Runs a CUDA kernel on the host: thread by thread, or, where BARRIERS says that threads wait for
// each other, each thread of a block as a fiber, switched at __syncthreads.
//
// run_block_by_block returns 0; or 1 if some threads of a block reached a __syncthreads that others
// did not, on which a GPU hangs; or 2 if a block takes a ticket before all of its threads have come
// to a __threadfence. With `backwards` the threads run in the opposite order, so that a
// missing __syncthreads, on which a GPU gives chance results, shows as a difference.
//
// What CUDA knows without an #include is written out here: the standard library's headers take ten
// times as long to compile as a kernel does.
#include <ucontext.h>

#define OF_FLOAT_AND_DOUBLE(name) \
    static float name(float x) { return __builtin_##name##f(x); } \
    static double name(double x) { return __builtin_##name(x); }
OF_FLOAT_AND_DOUBLE(exp)
OF_FLOAT_AND_DOUBLE(expm1)
OF_FLOAT_AND_DOUBLE(fabs)
OF_FLOAT_AND_DOUBLE(log)
OF_FLOAT_AND_DOUBLE(log1p)
OF_FLOAT_AND_DOUBLE(sqrt)
OF_FLOAT_AND_DOUBLE(tanh)

static unsigned int __float_as_uint(float x) {
    unsigned int bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}
static float __uint_as_float(unsigned int bits) {
    float x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

#define __global__ static
#define __device__ static
#define __shared__ static
#define min(a, b) ((a) < (b) ? (a) : (b))

struct Dimension { unsigned int x; };
static Dimension gridDim, blockDim, blockIdx, threadIdx;

static ucontext_t scheduler, fibers[1024];
static bool finished[1024];
static void (*kernel)();

static void __syncthreads() { swapcontext(&fibers[threadIdx.x], &scheduler); }
// A thread's writes may be seen by other blocks only once it has come to a fence: all threads of a
// block must have, before one of them takes the ticket by which the last block knows that it is.
static unsigned int fenced;
static bool unfenced;
static void __threadfence() { ++fenced; }
static unsigned int atomicInc(unsigned int* counter, unsigned int limit) {
    if (fenced < blockDim.x) unfenced = true;
    const unsigned int before = *counter;
    *counter = before >= limit ? 0 : before + 1;
    return before;
}

static void run_thread() {
    kernel();
    finished[threadIdx.x] = true;
    swapcontext(&fibers[threadIdx.x], &scheduler);
}

static int run_block_by_block(unsigned int grid, unsigned int block, bool backwards) {
    gridDim.x = grid, blockDim.x = block;
    if (!BARRIERS) {
        for (blockIdx.x = 0; blockIdx.x < grid; ++blockIdx.x)
            for (threadIdx.x = 0; threadIdx.x < block; ++threadIdx.x) kernel();
        return 0;
    }
    const int stack = 1 << 16;
    char* stacks = (char*)__builtin_malloc((size_t)stack * block);
    int diverged = 0;
    unfenced = false;
    for (blockIdx.x = 0; blockIdx.x < grid && !diverged; ++blockIdx.x) {
        fenced = 0;
        for (unsigned int t = 0; t < block; ++t) {
            finished[t] = false;
            getcontext(&fibers[t]);
            fibers[t].uc_stack.ss_sp = stacks + (size_t)t * stack;
            fibers[t].uc_stack.ss_size = stack;
            makecontext(&fibers[t], run_thread, 0);
        }
        for (unsigned int ended = 0; ended == 0;) {
            for (unsigned int i = 0; i < block; ++i) {
                threadIdx.x = backwards ? block - 1 - i : i;
                swapcontext(&scheduler, &fibers[threadIdx.x]);
                ended += finished[threadIdx.x];
            }
            if (ended != 0 && ended != block) diverged = 1, ended = block;
        }
    }
    __builtin_free(stacks);
    return diverged ? 1 : unfenced ? 2 : 0;
}
