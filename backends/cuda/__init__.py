"""CuPy on a CUDA device: imported only when a device is asked for, and CuPy only in here.

    device.py     the backend: arrays to and from the device, and what the other files offer
    queue.py      the stream that all work for a device goes to
    checks.py     why a device cannot be used, and what would mend it
    namespace.py  CuPy's functions, a few of them replaced
    blas.py       matrix products that a CUDA graph can hold
    pixels.py     products of images of 8 bits, on tensor cores
    chain.py      a chain of elementwise calls as C
    fusion.py     one kernel for such a chain, and for what stands right before or behind it
    kernels.py    the kernels that are written by hand, in kernels.cu and sums.cu
    graph.py      a step that is captured once and then replayed
    nccl.py       links to the GPUs of other processes

No GPU is needed to test any of it but its speed: see tests/support/cuda_stand_in.py.
"""

from backends.cuda.device import CudaBackend
from backends.cuda.namespace import CudaNamespace

__all__ = ["CudaBackend", "CudaNamespace"]
