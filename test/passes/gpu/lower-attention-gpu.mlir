// Attention of bf16 in buffer form becomes kernels on tensor cores, other attention kernels of multiply-and-add.
// RUN: nf-opt --nf-lower-attention-gpu %s | FileCheck %s
// RUN: nf-opt --nf-lower-attention-gpu %s | FileCheck %s --check-prefix=KERNEL
// RUN: nf-opt --nf-lower-attention-gpu %s | nf-opt --nf-lower-attention-gpu | FileCheck %s

// KERNEL-LABEL: llvm.func @attention_1x70x70_h2w64_causal_bf16(
// KERNEL-SAME: nvvm.kernel
// KERNEL-SAME: nvvm.maxntid = array<i32: 128>
// Q's fragments, then a loop over tiles: K and V of the next one are copied, 4 pieces of 16 bytes a thread each.
// KERNEL-COUNT-4: nvvm.cp.async.shared.global
// KERNEL: nvvm.cp.async.commit.group
// KERNEL: nvvm.cp.async.wait.group 0
// KERNEL: nvvm.barrier0
// KERNEL-COUNT-4: nvvm.ldmatrix
// KERNEL: scf.for
// KERNEL-COUNT-8: nvvm.cp.async.shared.global
// KERNEL: nvvm.cp.async.commit.group
// KERNEL-NEXT: nvvm.cp.async.wait.group 1
// Scores of 16 queries and 64 keys, a row's maximum over four lanes, and P V: 32 products each.
// KERNEL-COUNT-32: nvvm.mma.sync
// KERNEL-COUNT-4: nvvm.shfl.sync
// KERNEL-COUNT-32: nvvm.mma.sync
// KERNEL-NOT: nvvm.mma.sync
// KERNEL: llvm.func @attention_1x70x70_h2w64_causal_bf16_1(
// KERNEL: llvm.func @attention_1x70x70_h2w64_causal_bf16_delta(
// KERNEL-NOT: nvvm.mma.sync
// S, dP, dv and dk of 16 keys and 32 queries.
// KERNEL: llvm.func @attention_1x70x70_h2w64_causal_bf16_dkdv(
// KERNEL-COUNT-64: nvvm.mma.sync
// KERNEL-NOT: nvvm.mma.sync
// S, dP and dq of 16 queries and 64 keys.
// KERNEL: llvm.func @attention_1x70x70_h2w64_causal_bf16_dq(
// KERNEL-COUNT-96: nvvm.mma.sync
// KERNEL-NOT: nvvm.mma.sync
// KERNEL: llvm.func @attention_1x70x70_h2w4_bf16(
// KERNEL: llvm.load %{{.*}} : !llvm.ptr<1> -> vector<4xbf16>
// KERNEL: llvm.func @attention_1x70x70_h2w8_bf16(
// KERNEL: llvm.load %{{.*}} : !llvm.ptr<1> -> bf16
// KERNEL: llvm.func @attention_1x70x70_h1w130(
// Queries and keys, slice by slice; then 2 rows and 4 columns of scores a thread, 4 columns of a piece at a time.
// KERNEL: nvvm.barrier0
// KERNEL: scf.for
// KERNEL-COUNT-32: math.fma
// KERNEL-NOT: math.fma
// KERNEL: nvvm.barrier0
// KERNEL-NOT: nvvm.mma.sync
// KERNEL: nf.program

// CHECK-LABEL: nf.program @p
nf.program @p() attributes {nf.arguments = [], transient_bytes = 80000 : i64} {
  %q = nf.buffer transient 0 : memref<1x70x128xbf16>
  %k = nf.buffer transient 17920 : memref<1x70x128xbf16>
  %out = nf.buffer transient 35840 : memref<1x70x128xbf16>
  %lse = nf.buffer transient 53760 : memref<1x2x70xf32>
  // CHECK: launch @attention_1x70x70_h2w64_causal_bf16(%{{.*}}) tasks 4
  nf.attention %q, %k, %k outs(%out, %lse) {heads = 2 : i64, causal, scale = 0.125 : f64}
      : (memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>,
         memref<1x2x70xf32>) -> ()
  // One kernel for equal ops, another one for another scale.
  // CHECK: launch @attention_1x70x70_h2w64_causal_bf16(%{{.*}}) tasks 4
  nf.attention %k, %q, %k outs(%out, %lse) {heads = 2 : i64, causal, scale = 0.125 : f64}
      : (memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>,
         memref<1x2x70xf32>) -> ()
  // CHECK: launch @attention_1x70x70_h2w64_causal_bf16_1(%{{.*}}) tasks 4
  nf.attention %k, %q, %k outs(%out, %lse) {heads = 2 : i64, causal, scale = 0.25 : f64}
      : (memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>,
         memref<1x2x70xf32>) -> ()
  %dq = nf.buffer transient 54400 : memref<1x70x128xbf16>
  // CHECK: launch @attention_1x70x70_h2w64_causal_bf16_delta(%{{.*}}) tasks 5
  // CHECK: launch @attention_1x70x70_h2w64_causal_bf16_dkdv(%{{.*}}) tasks 4
  // CHECK: launch @attention_1x70x70_h2w64_causal_bf16_dq(%{{.*}}) tasks 4
  nf.attention_backward %q, %k, %k, %out, %lse, %out outs(%dq, %dq, %dq) {heads = 2 : i64, causal, scale = 0.125 : f64}
      : (memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>,
         memref<1x2x70xf32>, memref<1x70x128xbf16>, memref<1x70x128xbf16>, memref<1x70x128xbf16>,
         memref<1x70x128xbf16>) -> ()
  // Heads of 4 columns are no 16 bytes, and these buffers do not begin on a multiple of 16 bytes: one element at a time.
  // CHECK: launch @attention_1x70x70_h2w4_bf16(%{{.*}}) tasks 4
  %narrow = nf.buffer transient 0 : memref<1x70x8xbf16>
  nf.attention %narrow, %narrow, %narrow outs(%narrow, %lse) {heads = 2 : i64, scale = 0.25 : f64}
      : (memref<1x70x8xbf16>, memref<1x70x8xbf16>, memref<1x70x8xbf16>, memref<1x70x8xbf16>, memref<1x2x70xf32>) -> ()
  // CHECK: launch @attention_1x70x70_h2w8_bf16(%{{.*}}) tasks 4
  %off = nf.buffer transient 4 : memref<1x70x16xbf16>
  nf.attention %off, %off, %off outs(%off, %lse) {heads = 2 : i64, scale = 0.25 : f64}
      : (memref<1x70x16xbf16>, memref<1x70x16xbf16>, memref<1x70x16xbf16>, memref<1x70x16xbf16>,
         memref<1x2x70xf32>) -> ()
  // f32: 64 queries a block forward, 32 queries or keys backward, without a kernel for D; two slices of a wide head.
  // CHECK: launch @attention_1x70x70_h1w130(%{{.*}}) tasks 6
  // CHECK: launch @attention_1x70x70_h1w130_dkdv(%{{.*}}) tasks 9
  // CHECK: launch @attention_1x70x70_h1w130_dq(%{{.*}}) tasks 9
  %f = nf.buffer transient 0 : memref<1x70x130xf32>
  %lse1 = nf.buffer transient 79360 : memref<1x1x70xf32>
  nf.attention %f, %f, %f outs(%f, %lse1) {heads = 1 : i64, scale = 0.25 : f64}
      : (memref<1x70x130xf32>, memref<1x70x130xf32>, memref<1x70x130xf32>, memref<1x70x130xf32>, memref<1x1x70xf32>) -> ()
  nf.attention_backward %f, %f, %f, %f, %lse1, %f outs(%f, %f, %f) {heads = 1 : i64, scale = 0.25 : f64}
      : (memref<1x70x130xf32>, memref<1x70x130xf32>, memref<1x70x130xf32>, memref<1x70x130xf32>, memref<1x1x70xf32>,
         memref<1x70x130xf32>, memref<1x70x130xf32>, memref<1x70x130xf32>, memref<1x70x130xf32>) -> ()
  nf.return
}
// CHECK: func.func private @attention_1x70x70_h2w8_bf16(
// CHECK-SAME: nf.gpu_alignment = 4
