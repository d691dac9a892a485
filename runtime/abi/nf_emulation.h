/* What the host version of a GPU kernel calls (passes/gpu/EmulateGpu). Threads are numbered along x alone. */
#ifndef NF_EMULATION_H
#define NF_EMULATION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What one thread runs; args are the kernel's pointers. */
typedef void (*nf_emulated_kernel)(void *const *args);

/* Runs block `block` of a kernel of `threads` threads a block (1 to 1024) with `shared_bytes` of static shared memory,
 * on the calling thread. A kernel that breaks a rule of the GPU ends the process with a message and exit code 1. */
void nf_emulate_block(nf_emulated_kernel kernel, void *const *args, const char *name, int64_t threads,
                      int64_t shared_bytes, int64_t block);

/* The following are called by a running kernel only. */
int32_t nf_emulated_thread(void);
int32_t nf_emulated_block(void);
/* The block's shared memory, 16-byte aligned. */
void *nf_emulated_shared(void);
/* bar.sync 0: every thread of the block comes here. */
void nf_emulated_barrier(void);

/* shfl.sync.b32 of the PTX ISA. `clamp` holds its operand c: bits 0 to 4 the clamp, 8 to 12 the segment mask. */
typedef enum nf_shuffle { NF_SHUFFLE_BFLY = 0, NF_SHUFFLE_UP = 1, NF_SHUFFLE_DOWN = 2, NF_SHUFFLE_IDX = 3 } nf_shuffle;
int32_t nf_emulated_shuffle(int32_t mask, int32_t value, int32_t offset, int32_t clamp, int32_t kind);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* NF_EMULATION_H */
