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
#include <setjmp.h>
#include <ucontext.h>

#define OF_FLOAT_AND_DOUBLE(name) \
    static float name(float x) { return __builtin_##name##f(x); } \
    static double name(double x) { return __builtin_##name(x); }
OF_FLOAT_AND_DOUBLE(cos)
OF_FLOAT_AND_DOUBLE(exp)
OF_FLOAT_AND_DOUBLE(expm1)
OF_FLOAT_AND_DOUBLE(fabs)
OF_FLOAT_AND_DOUBLE(floor)
OF_FLOAT_AND_DOUBLE(log)
OF_FLOAT_AND_DOUBLE(log1p)
OF_FLOAT_AND_DOUBLE(sin)
OF_FLOAT_AND_DOUBLE(sqrt)
OF_FLOAT_AND_DOUBLE(tan)
OF_FLOAT_AND_DOUBLE(tanh)
static float fmax(float x, float y) { return __builtin_fmaxf(x, y); }
static double fmax(double x, double y) { return __builtin_fmax(x, y); }

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
#define max(a, b) ((a) > (b) ? (a) : (b))

struct Dimension { unsigned int x; };
static Dimension gridDim, blockDim, blockIdx, threadIdx;

static void (*kernel)();

// A thread's stack is made when it is first needed, and kept for later blocks and launches. From then
// on its registers alone are put aside at a switch, which setjmp does without asking the system.
static jmp_buf round_ends, fibers[1024];
static char* stacks[1024];
static bool begun[1024];
static unsigned int finished, last;  // threads of this round; the one that comes last in it
static int step;                     // from a thread to the next one

static void run_thread();

// Let the current thread go on from where it waits, or begin.
static void enter() {
    static const int stack = 1 << 16;
    static ucontext_t fresh;
    const unsigned int t = threadIdx.x;
    if (begun[t]) _longjmp(fibers[t], 1);
    begun[t] = true;
    if (!stacks[t]) stacks[t] = (char*)__builtin_malloc(stack);
    getcontext(&fresh);
    fresh.uc_stack.ss_sp = stacks[t];
    fresh.uc_stack.ss_size = stack;
    makecontext(&fresh, run_thread, 0);
    setcontext(&fresh);
}

static void __syncthreads() {
    if (_setjmp(fibers[threadIdx.x]) != 0) return;
    if (threadIdx.x == last) _longjmp(round_ends, 1);
    threadIdx.x += step;
    enter();
}

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
    for (;;) {
        kernel();
        ++finished;
        __syncthreads();  // until the next block
    }
}

static int run_block_by_block(unsigned int grid, unsigned int block, bool backwards) {
    gridDim.x = grid, blockDim.x = block;
    if (!BARRIERS) {
        for (blockIdx.x = 0; blockIdx.x < grid; ++blockIdx.x)
            for (threadIdx.x = 0; threadIdx.x < block; ++threadIdx.x) kernel();
        return 0;
    }
    bool diverged = false;
    unfenced = false;
    last = backwards ? 0 : block - 1;
    step = backwards ? -1 : 1;
    for (blockIdx.x = 0; blockIdx.x < grid && !diverged; ++blockIdx.x) {
        fenced = 0;
        for (finished = 0; finished == 0;) {
            threadIdx.x = backwards ? block - 1 : 0;
            if (_setjmp(round_ends) == 0) enter();
        }
        diverged = finished != block;
    }
    for (unsigned int t = 0; diverged && t < block; ++t) begun[t] = false;
    return diverged ? 1 : unfenced ? 2 : 0;
}
