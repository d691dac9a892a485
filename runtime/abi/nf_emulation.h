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

/* mma.sync.m16n8k16.row.col.f32.bf16.bf16.f32 by the fragments of the PTX ISA: `words` are the lane's a (4, two bf16
 * each), b (2) and c (4 f32); the first four become d. */
void nf_emulated_mma_bf16(int32_t *words);

/* ldmatrix.m8n8.b16 of 1, 2 or 4 matrices, transposed or not: `row` is what the lane points to, `result` what it gets.
 */
void nf_emulated_ldmatrix(const void *row, int32_t matrices, int32_t transposed, int32_t *result);

/* cp.async of 4, 8 or 16 bytes, of which `source_bytes` are read and the others zero; its groups. */
void nf_emulated_copy_async(void *to, const void *from, int32_t bytes, int32_t source_bytes);
void nf_emulated_commit_copies(void);
void nf_emulated_wait_copies(int32_t groups);

/* ex2.approx.ftz.f32. */
float nf_emulated_exp2(float x);

/* vote.sync.ballot.b32: bit i is set where lane i is in the mask and its predicate is not 0. */
int32_t nf_emulated_ballot(int32_t mask, int32_t predicate);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* NF_EMULATION_H */
