// The kernels written by hand; sums.cu is put in front of this file.
//
// Where rows are of several networks in turn, each network has blocks of its own, and a ticket.

// sums[c] = the sum of a[r, c] over r. a: (rows, columns). partial: (gridDim.x, columns).
extern "C" __global__ void column_sums(long long rows, int columns, const T* a, T* sums,
                                       T* partial, unsigned int* ticket) {
    for (int c = 0; c < columns; c += THREADS) {
        const int width = min(THREADS, columns - c);
        const T sum = sum_of_rows(a + c, rows, blockIdx.x, gridDim.x, width, columns);
        if (threadIdx.x < width) partial[(long long)blockIdx.x * columns + c + threadIdx.x] = sum;
    }
    sum_of_blocks(columns, sums, partial, ticket);
}

// The sum of `value` over the threads of a block, in all of them: by 16 threads, each of 16 values,
// and then of these 16.
__device__ T sum_of_block(T value) {
    __shared__ T values[THREADS], sums[THREADS / 16];
    values[threadIdx.x] = value;
    __syncthreads();
    if (threadIdx.x < THREADS / 16) {
        T sum = 0;
        for (int i = 0; i < 16; ++i) sum += values[threadIdx.x * 16 + i];
        sums[threadIdx.x] = sum;
    }
    __syncthreads();
    T sum = 0;
    for (int i = 0; i < THREADS / 16; ++i) sum += sums[i];
    return sum;
}

// The sum of what some blocks left in `partial`, in all threads of the one that comes last.
__device__ T sum_of_parts(const T* partial, unsigned int blocks) {
    T sum = 0;
    for (unsigned int b = threadIdx.x; b < blocks; b += THREADS) sum += partial[b];
    return sum_of_block(sum);
}

// The place of the largest of n numbers, the first of equals; a NaN counts as larger, as in NumPy.
__device__ int argmax(const T* z, int n) {
    int best = 0;
    for (int i = 1; i < n; ++i)
        if (!(z[i] <= z[best]) && z[best] == z[best]) best = i;
    return best;
}

// loss[s] = -(the sum of t * log p) * scale with p = softmax(z), and dz = (p - t) * scale, a thread a
// row. The rows are of several networks in turn, and those of each are summed for it, by every
// networks-th block. logits, t, dz: (examples * networks, classes). loss, ticket: (networks).
// partial: (networks, blocks of each).
extern "C" __global__ void softmax_cross_entropy(long long examples, int classes, int networks,
                                                 T scale, const T* logits, const T* t, T* dz,
                                                 T* loss, T* partial, unsigned int* ticket) {
    const unsigned int s = blockIdx.x % networks, block = blockIdx.x / networks;
    const unsigned int blocks = gridDim.x / networks;
    const long long stride = (long long)blocks * THREADS;
    T log_likelihood = 0;
    for (long long e = (long long)block * THREADS + threadIdx.x; e < examples; e += stride) {
        const long long first = (e * networks + s) * classes;
        const T *z = logits + first, *target = t + first;
        T* p = dz + first;
        const T largest = z[argmax(z, classes)];
        T sum = 0;
        for (int c = 0; c < classes; ++c) sum += p[c] = exp(z[c] - largest);
        const T log_sum = log(sum);
        for (int c = 0; c < classes; ++c) {
            log_likelihood += target[c] * (z[c] - largest - log_sum);
            p[c] = (p[c] / sum - target[c]) * scale;
        }
    }
    log_likelihood = sum_of_block(log_likelihood);
    partial += s * blocks;
    if (threadIdx.x == 0) partial[block] = log_likelihood;
    if (!last_block(ticket + s, blocks)) return;
    log_likelihood = sum_of_parts(partial, blocks);
    if (threadIdx.x == 0) loss[s] = -log_likelihood * scale;
}

// total[s] += the sum of each row's t at its largest output, the first of equals, a thread a row; the
// rows are of several networks in turn, as above.
// outputs, t: (examples * networks, classes). total, ticket: (networks).
extern "C" __global__ void count_correct(long long examples, int classes, int networks,
                                         const T* outputs, const T* t, T* total, T* partial,
                                         unsigned int* ticket) {
    const unsigned int s = blockIdx.x % networks, block = blockIdx.x / networks;
    const unsigned int blocks = gridDim.x / networks;
    const long long stride = (long long)blocks * THREADS;
    T correct = 0;
    for (long long e = (long long)block * THREADS + threadIdx.x; e < examples; e += stride) {
        const long long first = (e * networks + s) * classes;
        correct += t[first + argmax(outputs + first, classes)];
    }
    correct = sum_of_block(correct);
    partial += s * blocks;
    if (threadIdx.x == 0) partial[block] = correct;
    if (!last_block(ticket + s, blocks)) return;
    correct = sum_of_parts(partial, blocks);
    if (threadIdx.x == 0) total[s] += correct;
}

// sums[m, w] = the sum of weights[m, k] * rows[m, k, w] over the few k: many small products, a thread
// an element. weights: (count, terms). rows: (count, terms, width). sums: (count, width).
extern "C" __global__ void weighted_sums(long long elements, int terms, int width, const T* weights,
                                         const T* rows, T* sums) {
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < elements; i += stride) {
        const long long first = i / width * terms;
        T sum = 0;
        for (int k = 0; k < terms; ++k)
            sum += weights[first + k] * rows[(first + k) * width + i % width];
        sums[i] = sum;
    }
}

// rows[place] = row, and finished = values, but only as long as every number of a row was finite: lost is
// 0 until then, and NaN from then on. A thread a value; each block looks at the row for itself.
// values, finished: (n). row: (width). lost, place: (1). rows: (..., width).
extern "C" __global__ void end_epoch(long long n, int width, const T* values, T* finished,
                                     const T* row, T* lost, T* rows, long long* place) {
    T zeros = threadIdx.x == 0 ? lost[0] : 0;  // another block may have noted this row, to the same end
    for (int w = threadIdx.x; w < width; w += THREADS) zeros += 0 * row[w];
    zeros = sum_of_block(zeros);
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride)
        if (zeros == 0) finished[i] = values[i];
    if (blockIdx.x > 0) return;
    T* own = rows + place[0] * width;
    for (int w = threadIdx.x; w < width; w += THREADS) own[w] = row[w];
    __syncthreads();  // all know the place
    if (threadIdx.x == 0) {
        lost[0] = zeros;
        place[0] += 1;
    }
}

// The three numbers of bf16 whose sum is a number of float32: its upper 8 significant bits, those of
// what is left, and all that is left then. What is infinite or no number is that in the first one.
// a: (rows, columns). parts: (rows, apart), in each row the first parts, the second and the third.
extern "C" __global__ void split_in_three(long long elements, int columns, int apart, const float* a,
                                          unsigned short* parts) {
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < elements; i += stride) {
        unsigned short* part = parts + i / columns * apart + i % columns;
        float rest = a[i];
        for (int p = 0; p < 3; ++p) {
            unsigned int upper = __float_as_uint(rest) & 0xffff0000u;
            if (rest != rest) upper = 0x7fc00000u;  // of a NaN, the bits that say so may be lower
            part[p * columns] = upper >> 16;
            rest = rest - rest == 0 ? rest - __uint_as_float(upper) : 0;
        }
    }
}

// out = (the sum of all that `split_in_three` made three of, over the products) / 255, a thread an
// element, from the least parts up. sums: (products, rows, apart). out: (rows, columns).
extern "C" __global__ void add_parts(long long elements, int columns, int apart, int products,
                                     const float* sums, float* out) {
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < elements; i += stride) {
        const float* first = sums + i / columns * apart + i % columns;
        float sum = 0;
        for (int p = 2; p >= 0; --p) {
            float of_part = 0;
            for (int m = 0; m < products; ++m)
                of_part += first[m * (elements / columns) * apart + p * columns];
            sum += of_part;
        }
        out[i] = sum / 255.0f;
    }
}

// Bytes as bf16, which is the upper half of a float32.
extern "C" __global__ void bytes_to_bf16(long long n, const unsigned char* bytes,
                                         unsigned short* bits) {
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride)
        bits[i] = __float_as_uint((float)bytes[i]) >> 16;
}

// out[i] = a[rows[i]], in words of four bytes or of one, a thread a word; a row that there is none of
// is the first or the last one. a: (count, width). rows: (n). out: (n, width).
template <typename Word>
__device__ void take_words(long long words, int width, long long count, const long long* rows,
                           const Word* a, Word* out) {
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < words; i += stride) {
        const long long row = rows[i / width];
        const long long inside = row < 0 ? 0 : row < count ? row : count - 1;
        out[i] = a[inside * width + i % width];
    }
}
extern "C" __global__ void take_rows(long long words, int width, long long count,
                                     const long long* rows, const unsigned int* a,
                                     unsigned int* out) {
    take_words(words, width, count, rows, a, out);
}
extern "C" __global__ void take_rows_of_bytes(long long words, int width, long long count,
                                              const long long* rows, const unsigned char* a,
                                              unsigned char* out) {
    take_words(words, width, count, rows, a, out);
}
