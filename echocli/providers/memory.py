"""Tell an error that says "no room" from all others.

CTranslate2 has no class for it: what it throws reaches Python as ``RuntimeError`` with the words of
whichever library asked for the memory, or as ``MemoryError`` for C++'s ``std::bad_alloc``.
"""

from __future__ import annotations

SIGNS = (
    "out of memory",  # cudaGetErrorString(cudaErrorMemoryAllocation), also in Thrust's words
    "_ALLOC_FAILED",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED
    "get_temporary_buffer failed",  # Thrust
    "failed to allocate",  # mkl_malloc, and CTranslate2's own allocator without MKL
    "could not create a memory object",  # oneDNN
    "bad_alloc",
)
"""Words of CTranslate2 4.8 and of what it is built on; those of a CPU were seen with the address
space limited (``RLIMIT_AS``), those of CUDA are the strings in the library."""


def is_full(error: BaseException) -> bool:
    """Tell whether an error means that there is no room, on the device or in memory."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in SIGNS)


KEYS_BYTES = 200 * 2**20
"""Memory a slot may take on a CPU for what the decoder keeps of the windows of a batch."""


def windows_for(weights: int) -> int:
    """Return how many windows a batch may have, for weights of so many bytes in float16.

    The decoder keeps keys and values of all positions in all its layers as float32: 18 MB a window
    for tiny, 37 for base, 110 for small, about a quarter of the weights each.
    """
    return max(1, KEYS_BYTES * 4 // max(1, weights))
