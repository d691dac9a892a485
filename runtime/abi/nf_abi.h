/* The contract between a compiled model and the runtime that it is linked with.
 *
 * The compiler writes one object file that defines `nf_program_table` (an nf_model) and the code it points to; the
 * runtime reads the table and runs the entries. passes/lower and runtime/ share this header and nothing else. Any
 * change of a layout or of a rule below increases NF_ABI_VERSION; the layout asserts at the end and the lowering in
 * passes/lower change with it.
 */
#ifndef NF_ABI_H
#define NF_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NF_ABI_VERSION 5u
#define NF_ALIGNMENT 64 /* bytes; of every buffer in a segment and of the segments */
#define NF_MAX_RANK 4

typedef enum nf_dtype { NF_F32 = 0, NF_BF16 = 1, NF_I32 = 2, NF_I64 = 3, NF_I1 = 4 } nf_dtype;

/* What a buffer of the persistent segment holds. Parameters are the fp32 masters that checkpoints store. */
typedef enum nf_state_kind {
  NF_STATE_PARAMETER = 0, /* trained */
  NF_STATE_CONSTANT = 1,  /* fixed values by an init rule, such as sinusoidal positions; never in a checkpoint */
  NF_STATE_MOMENT1 = 2,   /* AdamW's m of states[parameter] */
  NF_STATE_MOMENT2 = 3,   /* AdamW's v of states[parameter] */
  NF_STATE_GRADIENT = 4,  /* gradient sum of states[parameter] over the micro-batches of a step */
  NF_STATE_DERIVED = 5,   /* rebuilt by prepare_weights from parameters; never in a checkpoint */
  NF_STATE_PARTIAL = 6,   /* gradient sum of 2^k reduction slots; a parameter's states in order of k */
  NF_STATE_FOLDED = 7     /* gradient sum, or a partial sum, of a weight derived from several parameters, of its shape;
                             update computes the parameters' gradients from it */
} nf_state_kind;

/* One named buffer of the persistent segment. */
typedef struct nf_state {
  const char *name; /* "layers.3.attn.q.weight"; a moment or gradient sum carries its parameter's */
  const char *init; /* init rule as JSON, see below; "" for all but parameters and constants (zeros) */
  int64_t offset;   /* bytes from the base of the persistent segment */
  int64_t bytes;
  int64_t shape[NF_MAX_RANK];
  int32_t rank;
  int32_t dtype;     /* nf_dtype */
  int32_t kind;      /* nf_state_kind */
  int32_t parameter; /* index of the parameter in states; its own index for a parameter */
} nf_state;

/* Init rules, a JSON object: {"kind":"zeros"} {"kind":"ones"} {"kind":"constant","value":x}
 * {"kind":"normal","std":s} {"kind":"uniform","bound":a} (in [-a, a)) {"kind":"sinusoidal"} (shape [positions, d],
 * fairseq's: column i < d/2 of row p is sin(p * f_i), column i + d/2 is cos(p * f_i), f_i = 10000^(-i / (d/2 - 1))).
 * {"kind":"file",...}: the tensor of the state's name in `<executable>.weights.safetensors`, F32, beside the
 * executable. Element i of parameter `name` draws Philox word i mod 4 of counter {i / 4, 0, 0, 0} with key seed XOR
 * hash64(name), so that equal names get equal values in every model of the same shape. normal pairs words (0,1) and
 * (2,3) by Box-Muller. The hash is XXH3-64. */

typedef enum nf_direction { NF_IN = 0, NF_OUT = 1 } nf_direction;

/* One argument of a program: a buffer in that program's transient arena that the host fills before (NF_IN) or reads
 * after (NF_OUT) the entry runs. Names and meanings are listed below. */
typedef struct nf_argument {
  const char *name;
  int64_t offset; /* bytes from the base of the transient arena */
  int64_t bytes;
  int64_t shape[NF_MAX_RANK];
  int32_t rank; /* 0: a scalar */
  int32_t dtype;
  int32_t direction;
  int32_t reserved;
} nf_argument;

struct nf_context;

/* A kernel does the part `task` of its work: 0 <= task < tasks of its launch. Which thread runs a task never changes
 * a result. `scratch` is private to the running thread, at least nf_model.scratch_bytes long, aligned. */
typedef void (*nf_kernel)(void *const *args, int64_t task, void *scratch);

typedef void (*nf_entry)(struct nf_context *context);

/* The start of the runtime's context, as compiled code sees it. */
typedef struct nf_context {
  uint8_t *persistent; /* base of the persistent segment, shared by all programs */
  uint8_t *transient;  /* base of the transient arena of the program that runs */
} nf_context;

typedef struct nf_program {
  const char *name; /* "forward_backward", "update", "eval", "logits", "prepare_weights", "combine_0" ... */
  nf_entry entry;
  const nf_argument *arguments;
  int64_t argument_count;
  int64_t transient_bytes; /* size of this program's arena */
} nf_program;

/* What runs a model's kernels. */
typedef enum nf_target {
  NF_TARGET_CPU = 0,
  NF_TARGET_CUDA = 1,         /* an NVIDIA GPU, whose memory the segments are in */
  NF_TARGET_CUDA_EMULATED = 2 /* the host, in the GPU's place */
} nf_target;

struct nf_gpu_table; /* nf_gpu.h */

typedef struct nf_model {
  uint32_t abi_version; /* NF_ABI_VERSION of the compiler */
  uint32_t cpu_feature_count;
  uint64_t compile_hash;           /* of definition, compiler version, target */
  const char *const *cpu_features; /* LLVM names that the code needs ("avx2", "fma"), checked at start */
  const char *metadata;            /* JSON, see docs/executable.md: definition, defaults, sizes, memory plan */
  const nf_state *states;
  int64_t state_count;
  const nf_program *programs;
  int64_t program_count;
  int64_t persistent_bytes;
  int64_t scratch_bytes; /* per thread */
  int32_t target;        /* nf_target */
  int32_t reserved;
  const struct nf_gpu_table *gpu; /* null for the CPU */
} nf_model;

/* Programs and their arguments. B = micro-batch (sequences), T = sequence, V = vocabulary, P = number of parameters
 * (states of kind NF_STATE_PARAMETER, in order). A program's table lists only the arguments that it needs.
 *
 * forward_backward: one micro-batch; adds its gradients to the NF_STATE_GRADIENT and NF_STATE_FOLDED states.
 *   tokens i32[B,T]; positions i32[B,T]; targets i32[B,T] (0 <= id < V also where the weight is 0);
 *   loss_weight f32[B,T] (1 counts, 0 is padding or not predicted); inv_count f32[] (1 / valid tokens of the whole
 *   optimizer step); accumulate i32[] (0: overwrite the gradient states, 1: add to them); key_padding f32[B,T]
 *   (1 = a real token; encoders); segments i32[B,T] (attention sees only tokens of equal number); seed i64[];
 *   step i32[]; sample_offset i32[] (index in the global batch of this micro-batch's first sequence)
 *   out: loss f32[] = sum(loss_weight * nll) * inv_count
 * combine_0 ... combine_L, where the model has S = 2^L reduction slots and L > 0: a step's micro-batches are cut into S
 *   runs of equal length, accumulate is 0 at the start of each, and slot i (from 0) is followed by combine_k, k being
 *   the number of trailing one bits of i. No arguments. combine_k adds partial sums 0 ... k-1 to the gradient states
 *   and puts the result into partial sum k, combine_L into the gradient states. So slots are added as a binary tree,
 *   whoever computes which of them.
 * update: the optimizer step on all parameters; changes nothing when the gradient norm is not finite.
 *   lr, beta1, beta2, eps, clip (0 = off), bias_correction1 (1 - beta1^step), bias_correction2: f32[];
 *   weight_decay f32[P]
 *   out: grad_norm f32[] (before clipping); grad_sqnorm f32[P]
 * eval: forward only: tokens, positions, targets, loss_weight, key_padding, segments
 *   out: loss_sum f32[] = sum(weight * nll)
 * logits: one sequence: tokens i32[1,T], positions i32[1,T], index i32[] (position to read); out: logits f32[V]
 *
 * Dropout and random masks: Philox4x32-10, key = seed, counter = {column / 4, row, site, step}, word = column mod 4,
 * keep when word / 2 >= p * 2^31 (integers), where row = (sample_offset + b) * T + t for activations [B,T,columns], and
 * row = ((sample_offset + b) * heads + h) * T + query for attention probabilities (column = key). */

/* Services of the runtime that compiled code calls. */

/* Runs kernel(args, task, scratch) for every task, on all threads; returns when all are done. `name` for profiles. */
void nf_launch(struct nf_context *context, nf_kernel kernel, void *const *args, int64_t tasks, const char *name);

/* The launches of a program in their order, as data. Each is these numbers in a row: its kernel (index in kernels), its
 * tasks, the first byte of its name in names, its count of buffers, and for each buffer its offset in bytes from the
 * base of its segment * NF_SEGMENTS + its segment. */
typedef enum nf_segment { NF_PERSISTENT = 0, NF_TRANSIENT = 1, NF_CONSTANTS = 2, NF_SEGMENTS = 3 } nf_segment;

typedef struct nf_launches {
  const int64_t *numbers;
  int64_t count; /* of launches */
  const nf_kernel *kernels;
  const char *names; /* each ends in NUL */
  const int32_t *constants;
} nf_launches;

/* Makes the launches, one after the other. `args` has room for the buffers of the longest. */
void nf_run(struct nf_context *context, const nf_launches *launches, void **args);

/* C[m,n] = alpha * op(A) op(B) + beta * C, row-major, single-threaded; op transposes where the flag is 1. lda, ldb,
 * ldc: elements between rows of the matrices as stored. beta = 0 never reads C. */
void nf_gemm_f32(int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/* The one symbol that a compiled object exports. */
extern const nf_model nf_program_table;

#ifdef __cplusplus
} /* extern "C" */

static_assert(sizeof(nf_state) == 80 && sizeof(nf_argument) == 72, "layout is part of the ABI");
static_assert(sizeof(nf_context) == 16 && sizeof(nf_program) == 40, "layout is part of the ABI");
static_assert(sizeof(nf_model) == 96 && sizeof(nf_launches) == 40, "layout is part of the ABI");
#endif

#endif /* NF_ABI_H */
