// Sums in two stages, for the kernels that are written by hand and for those that are made from chains;
// T, float or double, is defined in front of this file.
//
// Each block leaves its part in `partial`, and the block that comes last adds the parts up. The order of
// additions depends on the shapes alone, so results repeat exactly, from run to run and from one GPU to
// another. `ticket` counts the blocks; it is 0 before and after.
// Launch with THREADS threads a block.

#ifndef THREADS  // where several sources are put together, this is there already
#define THREADS 256

// True in all threads of the last of some blocks to get here, once each one's part is visible to it.
__device__ bool last_block(unsigned int* ticket, unsigned int blocks) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicInc(ticket, blocks - 1) == blocks - 1;
    __syncthreads();
    __threadfence();
    return last;
}

// The sums of columns, from what each thread added up of one: neighbouring threads have neighbouring
// columns, and each of some lanes of `width` threads has other rows. Valid in the threads below `width`.
__device__ T sum_of_lanes(T sum, int width) {
    __shared__ T lane_sums[THREADS];
    const int lanes = THREADS / width, column = threadIdx.x % width;
    __syncthreads();
    lane_sums[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x < width)
        for (int l = 1; l < lanes; ++l) sum += lane_sums[l * width + column];
    return sum;
}

// The sum of the columns of `a`, shape (rows, width), over the rows first, first + step, ...; a
// thread holds one column of every `lanes`-th of these rows. Valid in the threads below `width`.
__device__ T sum_of_rows(const T* a, long long rows, long long first, long long step, int width,
                         long long stride) {
    const int lanes = THREADS / width, lane = threadIdx.x / width, column = threadIdx.x % width;
    T sum = 0;
    if (lane < lanes)
        for (long long r = first * lanes + lane; r < rows; r += step * lanes)
            sum += a[r * stride + column];
    return sum_of_lanes(sum, width);
}

// sums[c] = the sum of what all blocks left of column c in `partial`, (gridDim.x, columns), by the one
// that comes last. Up to THREADS columns at a time, so that neighbouring threads read neighbours.
__device__ void sum_of_blocks(int columns, T* sums, const T* partial, unsigned int* ticket) {
    if (!last_block(ticket, gridDim.x)) return;
    for (int c = 0; c < columns; c += THREADS) {
        const int width = min(THREADS, columns - c);
        const T sum = sum_of_rows(partial + c, gridDim.x, 0, 1, width, columns);
        if (threadIdx.x < width) sums[c + threadIdx.x] = sum;
    }
}

#endif
