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

/* bar.warp.sync: every lane of the mask comes here; orders their memory, as shuffles and votes do not. */
void nf_emulated_warp_barrier(int32_t mask);

/* What checked kernels tell the emulated GPU before they do it (nf-emulate-gpu=check-kernels). */
typedef enum nf_emulated_use {
  NF_USE_LOAD = 0,
  NF_USE_STORE = 1,
  NF_USE_COPY = 2,   /* where a cp.async goes */
  NF_USE_MATRIX = 3, /* a row of an ldmatrix */
  NF_USE_WAIT = 4    /* no memory: a barrier, shuffle or vote */
} nf_emulated_use;

/* A place in a kernel's code. */
typedef struct nf_emulated_site {
  const char *source; /* of the op that it was made for: file, line, column, name; "" where that is not known */
  int32_t index;      /* among the kernel's */
  int32_t use;
  int32_t is_shared;
  int32_t argument;     /* the kernel's pointer that an address in global memory follows from; -1: any of them */
  int32_t alignment;    /* bytes that addresses are multiples of */
  int32_t matrices;     /* of an ldmatrix; negative where it transposes */
  int64_t first, bytes; /* the array that an address in shared memory follows from: its place there; 0 bytes: any */
} nf_emulated_site;

/* The thread comes to a place that uses no memory. */
void nf_emulated_at(const nf_emulated_site *site);
/* It uses `bytes` bytes there. */
void nf_emulated_access(const nf_emulated_site *site, const void *address, int32_t bytes);

#ifdef __cplusplus
} /* extern "C" */

static_assert(sizeof(nf_emulated_site) == 48, "layout is part of the ABI");
#endif

#endif /* NF_EMULATION_H */
