/* What a program for an NVIDIA GPU does, as data: kernels and matrix products in their order. The same passes write it
 * for a GPU and for the emulated one. */
#ifndef NF_GPU_H
#define NF_GPU_H

#include "runtime/abi/nf_abi.h"
#include "runtime/abi/nf_emulation.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A matrix of a product as cuBLASLt sees it: column-major, as it is stored. Extents, `ld` (from one column to the next)
 * and `stride` (from one product of a batch to the next) are in elements; `alignment`: bytes that the start of each
 * matrix of a batch is a multiple of, up to 256, which an algorithm may rely on. */
typedef struct nf_gpu_matrix {
  int64_t rows, cols, ld, stride;
  int32_t dtype;
  int32_t alignment;
} nf_gpu_matrix;

/* The numbers of cublasLtEpilogue_t. GELU is the tanh form. A bias has an element for each row of D, in D's type; the
 * sums of BGRAD_A have one for each row of D, those of BGRAD_B one for each of its columns. */
typedef enum nf_gpu_epilogue {
  NF_EPILOGUE_NONE = 1,
  NF_EPILOGUE_RELU = 2,
  NF_EPILOGUE_BIAS = 4,
  NF_EPILOGUE_RELU_BIAS = 6,
  NF_EPILOGUE_GELU = 32,
  NF_EPILOGUE_GELU_BIAS = 36,
  NF_EPILOGUE_BGRAD_A = 256,
  NF_EPILOGUE_BGRAD_B = 512
} nf_gpu_epilogue;

typedef enum nf_gpu_beta { NF_BETA_ZERO = 0, NF_BETA_ONE = 1, NF_BETA_FLAG = 2 } nf_gpu_beta;

/* D = epilogue(op(A) op(B) + beta D), computed in fp32 (CUBLAS_COMPUTE_32F), for each product of a batch; op transposes
 * where the flag is 1. Its buffers are A, B, D, then with NF_BETA_FLAG an i32 (beta is 0 where it is 0, else 1), then
 * the vector of an epilogue that has one. */
typedef struct nf_gpu_gemm {
  nf_gpu_matrix a, b, d;
  int64_t batch;
  int64_t workspace_bytes; /* that an algorithm may use at most */
  int32_t transpose_a, transpose_b;
  int32_t beta;
  int32_t epilogue;
} nf_gpu_gemm;

/* When a launch is left out: kernels that do what an epilogue would have done run only where the product before them in
 * the list did without it. */
typedef enum nf_gpu_when { NF_ALWAYS = 0, NF_WITHOUT_EPILOGUE = 1 } nf_gpu_when;

/* What launches name: a kernel, or a product. */
typedef struct nf_gpu_work {
  const char *name;
  int32_t when;
  int32_t threads;        /* of a block, along x */
  int32_t registers;      /* of a thread, as ptxas says; 0 where it is not known */
  int32_t grid_y, grid_z; /* the blocks along x are the launch's tasks */
  int32_t alignment;     /* bytes that the kernel's pointers are multiples of: 16, or less where it is for such views */
  int64_t shared_bytes;  /* static */
  int64_t dynamic_bytes; /* dynamic shared memory */
  int64_t dynamic_limit; /* to set as CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES; 0: not set */
  nf_emulated_kernel thread; /* of a kernel on the emulated GPU */
  const nf_gpu_gemm *gemm;   /* null for a kernel */
} nf_gpu_work;

/* What checked kernels are held to beside their launches. */
typedef struct nf_gpu_checks {
  const int64_t *sizes;  /* bytes of each launch's buffers, launch by launch */
  const int64_t *inputs; /* of the program's arguments in the transient arena: offset and bytes, one after the other */
  int64_t input_count;
} nf_gpu_checks;

typedef struct nf_gpu_launches {
  nf_launches launches; /* `kernels` is null: a launch's first number is its index in works */
  const nf_gpu_work *works;
  int64_t constant_bytes;      /* of launches.constants */
  const nf_gpu_checks *checks; /* null where kernels are not checked */
} nf_gpu_launches;

typedef enum nf_gpu_image_kind { NF_IMAGE_PTX = 0, NF_IMAGE_CUBIN = 1 } nf_gpu_image_kind;

/* Code of all kernels. PTX is compiled by the driver, for any GPU from its capability on; a cubin runs as it is, on
 * GPUs of its capability's major version from its minor version on. */
typedef struct nf_gpu_image {
  int32_t kind;
  int32_t capability; /* 10 * major + minor: 80, 90 */
  int32_t is_exact;   /* runs on this capability alone, as sm_90a does */
  int32_t reserved;
  const void *bytes; /* PTX ends in NUL */
  int64_t size;      /* with that NUL */
} nf_gpu_image;

/* Opens the GPU that a model is to run on: a nf::rt::Device (runtime/core/Device.h). */
typedef void *(*nf_gpu_open_device)(const struct nf_model *model);

/* What all programs of a model for a GPU share. */
typedef struct nf_gpu_table {
  const nf_gpu_work *works;
  int64_t work_count;
  const nf_gpu_image *images; /* none on the emulated GPU */
  int64_t image_count;
  nf_gpu_open_device open; /* null on the emulated GPU */
} nf_gpu_table;

/* NF_TARGET_CUDA's: part of the runtime that only programs for a GPU are linked with. */
void *nf_cuda_open(const struct nf_model *model);

/* Does what the list says, one after the other. `args` has room for the buffers of the longest launch. */
void nf_gpu_run(struct nf_context *context, const nf_gpu_launches *launches, void **args);

#ifdef __cplusplus
} /* extern "C" */

static_assert(sizeof(nf_gpu_matrix) == 40 && sizeof(nf_gpu_gemm) == 152, "layout is part of the ABI");
static_assert(sizeof(nf_gpu_work) == 72 && sizeof(nf_gpu_launches) == 64, "layout is part of the ABI");
static_assert(sizeof(nf_gpu_image) == 32 && sizeof(nf_gpu_table) == 40, "layout is part of the ABI");
#endif

#endif /* NF_GPU_H */
