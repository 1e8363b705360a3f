// Deformed images by one kernel. mlp/data/augment.py has the mathematics, and calls what is here by the
// same names; a block makes ROWS rows of pixels of a group of images, which are read alike.
//
// Defined in front of this file: T, float or double; THREADS of a block; HEIGHT and WIDTH of an image;
// FIELDS, 2 where there are elastic fields and else 0; THICKENS, 1 where strokes get thicker or thinner.

#define STRIPS ((HEIGHT + ROWS - 1) / ROWS)
#define PIXELS ((unsigned int)HEIGHT * WIDTH)
#define DRAWS (7 + FIELDS * PIXELS)  // of a group: for the thickness, six for the map, for the fields

// From U(-1, 1), by the hash of a counter: `lowbias32`, as in mlp/nn/counter_rng.py.
__device__ T draw(unsigned int count) {
    count = (count ^ count >> 16) * 0x7feb352du;
    count = (count ^ count >> 15) * 0x846ca68bu;
    return T(count ^ count >> 16) * T(1.0 / 2147483648.0) - T(1);
}

// The affine map of a group: row of y, column of y, row of x, column of x, row and column of the middle.
__device__ void draw_map(unsigned int place, const T* most, T* map) {
    T amount[6];
    for (int i = 0; i < 6; ++i) amount[i] = draw(place + i) * most[i];
    const T sine = sin(amount[0]), cosine = cos(amount[0]), slope = tan(amount[1]);
    const T taller = amount[2] + 1, wider = amount[3] + 1;
    map[0] = (cosine - sine * slope) / taller;
    map[1] = (sine + cosine * slope) / taller;
    map[2] = -sine / wider;
    map[3] = cosine / wider;
    map[4] = amount[4] + T(HEIGHT - 1) / 2;
    map[5] = amount[5] + T(WIDTH - 1) / 2;
}

// `field` of a column of ROWS rows from `top`, its noise from `place` on smoothed downwards.
__device__ void smooth_down(unsigned int place, int top, const T* down, T* smoothed) {
    T sums[ROWS] = {};
    for (int k = 0; k < HEIGHT; ++k) {
        const T noise = draw(place + k * WIDTH);
#pragma unroll
        for (int r = 0; r < ROWS; ++r) sums[r] += down[min(top + r, HEIGHT - 1) * HEIGHT + k] * noise;
    }
#pragma unroll
    for (int r = 0; r < ROWS; ++r) smoothed[r * WIDTH] = sums[r];
}

// The whole pixel before a position, from -1 on, and the rest, from 0 to 1. Beyond the pixels all is blank.
__device__ int locate(T position, int size, T* fraction) {
    const T inside = position < -1 ? T(-1) : position > size ? T(size) : position;
    const int low = min((int)floor(inside), size - 1);
    *fraction = inside - low;
    return low;
}

// The pixel at a corner, blended with the greatest of itself and its neighbours, or the least: with
// s = ±1, the sign of the share, x + share (max(s x) - s x).
__device__ T thickened(const T (*x)[4], int r, int c, T sign, T share) {
    const T own = sign * x[r][c];
    const T above = fmax(sign * x[r - 1][c], own), below = fmax(sign * x[r + 1][c], own);
    const T beside = fmax(sign * x[r][c - 1], sign * x[r][c + 1]);
    return x[r][c] + share * (fmax(fmax(above, below), beside) - own);
}

// x, out: (images, PIXELS), which begin with the image after `skipped` others of their first group.
// unit: what x is multiplied by. key, ahead: where the draws of that group begin. most: (6).
// down: (HEIGHT, HEIGHT). right: (WIDTH, WIDTH).
template <typename Pixel>
__device__ void deform(int images, int group, int skipped, unsigned int ahead, T unit, T thickness,
                       const unsigned int* key, const T* most, const T* down, const T* right,
                       const Pixel* x, T* out) {
    __shared__ T map[6], smoothed[FIELDS * ROWS * WIDTH + 1];
    const int nth = blockIdx.x / STRIPS, top = blockIdx.x % STRIPS * ROWS;
    const unsigned int place = *key + ahead + nth * DRAWS;
    if (threadIdx.x == THREADS - 1) draw_map(place + 1, most, map);  // which has no column, mostly
    for (int task = threadIdx.x; task < FIELDS * WIDTH; task += THREADS) {
        const int field = task / WIDTH, column = task % WIDTH;
        smooth_down(place + 7 + field * PIXELS + column, top, down,
                    smoothed + field * ROWS * WIDTH + column);
    }
    __syncthreads();
    const T share = THICKENS ? draw(place) * thickness : T(0);
    const T sign = share > 0 ? T(1) : share < 0 ? T(-1) : T(0);
    for (int p = threadIdx.x; p < ROWS * WIDTH; p += THREADS) {
        const int row = top + p / WIDTH, column = p % WIDTH;
        if (row >= HEIGHT) break;
        const T y = row - T(HEIGHT - 1) / 2, z = column - T(WIDTH - 1) / 2;
        T at_row = y * map[0] + z * map[2] + map[4], at_column = y * map[1] + z * map[3] + map[5];
        if (FIELDS > 0) {
            const T *below = smoothed + (row - top) * WIDTH, *beside = below + ROWS * WIDTH;
            T moved_down = 0, moved_right = 0;
            for (int k = 0; k < WIDTH; ++k) {
                moved_down += below[k] * right[k * WIDTH + column];
                moved_right += beside[k] * right[k * WIDTH + column];
            }
            at_row += moved_down, at_column += moved_right;
        }
        T lower, later;
        const int above = locate(at_row, HEIGHT, &lower), before = locate(at_column, WIDTH, &later);
        // The four corners are the middle of 4 x 4 pixels, of which a stroke's thickness needs the sides.
        const T both = lower * later, weights[2][2] = {{1 - lower - (later - both), later - both},
                                                       {lower - both, both}};
        int at[4][4];
        T units[4][4], shares[2][2];  // 0 outside of the image
#pragma unroll
        for (int r = 0; r < 4; ++r)
#pragma unroll
            for (int c = 0; c < 4; ++c) {
                const int i = above - 1 + r, j = before - 1 + c;
                const bool inside = 0 <= i && i < HEIGHT && 0 <= j && j < WIDTH;
                at[r][c] = inside ? i * WIDTH + j : 0, units[r][c] = inside ? unit : T(0);
                if (r % 3 && c % 3) shares[r - 1][c - 1] = inside ? weights[r - 1][c - 1] : T(0);
            }
        const int from = max(nth * group - skipped, 0);
        const int to = min(nth * group - skipped + group, images);
        const Pixel* own = x + (long long)from * PIXELS;
        T* result = out + (long long)from * PIXELS + row * WIDTH + column;
#pragma unroll 4
        for (int image = from; image < to; ++image, own += PIXELS, result += PIXELS) {
            T around[4][4], sum = 0;
#pragma unroll
            for (int r = 0; r < 4; ++r)
#pragma unroll
                for (int c = 0; c < 4; ++c)
                    if (THICKENS ? r % 3 || c % 3 : r % 3 && c % 3)
                        around[r][c] = T(own[at[r][c]]) * units[r][c];
#pragma unroll
            for (int r = 1; r < 3; ++r)
#pragma unroll
                for (int c = 1; c < 3; ++c)
                    sum += shares[r - 1][c - 1] * (THICKENS ? thickened(around, r, c, sign, share)
                                                            : around[r][c]);
            *result = sum;
        }
    }
}

extern "C" __global__ void deform_bytes(int images, int group, int skipped, long long ahead, T unit,
                                        T thickness, const unsigned int* key, const T* most,
                                        const T* down, const T* right, const unsigned char* x,
                                        T* out) {
    deform(images, group, skipped, ahead, unit, thickness, key, most, down, right, x, out);
}
extern "C" __global__ void deform_floats(int images, int group, int skipped, long long ahead, T unit,
                                         T thickness, const unsigned int* key, const T* most,
                                         const T* down, const T* right, const T* x, T* out) {
    deform(images, group, skipped, ahead, unit, thickness, key, most, down, right, x, out);
}
