// RUN: split-file %s %t
// RUN: nf-opt --nf-check-gpu-work %t/kernels.mlir | FileCheck %s --check-prefix=KERNELS
// RUN: not nf-opt --nf-check-gpu-work %t/attention.mlir 2>&1 | FileCheck %s --check-prefix=ATTENTION
// RUN: not nf-opt --nf-stage-lower=target=cuda %t/lowered.mlir 2>&1 | FileCheck %s --check-prefix=LOWERED

// Launches, buffers and numbers are what a GPU's program has.
// KERNELS-NOT: nf.refused
// KERNELS: launch @k
//--- kernels.mlir
nf.program @p() {
  %x = nf.buffer transient 0 : memref<8xf32>
  %n = nf.number 7 : memref<1xi32>
  nf.launch @k(%x, %n) tasks 4 : memref<8xf32>, memref<1xi32>
  nf.return
}
func.func private @k(%x: memref<8xf32>, %n: memref<1xi32>, %task: index, %scratch: memref<?xi8>)
    attributes {nf.gpu_threads = 64 : i64} {
  return
}

// Every other op is an error, once for its place in the model.
// ATTENTION: error: loc("layers.0.attn"): expected an operation that there is a GPU kernel for, but got nf.attention of f32
// ATTENTION: error: loc("layers.1.attn"): expected an operation that there is a GPU kernel for, but got nf.attention of f32
// ATTENTION-NOT: error:
//--- attention.mlir
#layer = loc("layers.0.attn")
#other = loc("layers.1.attn")
nf.program @p() {
  %q = nf.buffer transient 0 : memref<1x8x16xf32>
  %out = nf.buffer transient 512 : memref<1x8x16xf32>
  %lse = nf.buffer transient 1024 : memref<1x2x8xf32>
  nf.attention %q, %q, %q outs(%out, %lse) {heads = 2 : i64, causal, scale = 0.125 : f64}
      : (memref<1x8x16xf32>, memref<1x8x16xf32>, memref<1x8x16xf32>, memref<1x8x16xf32>, memref<1x2x8xf32>) -> () loc(#layer)
  nf.attention %q, %q, %q outs(%out, %lse) {heads = 2 : i64, causal, scale = 0.125 : f64}
      : (memref<1x8x16xf32>, memref<1x8x16xf32>, memref<1x8x16xf32>, memref<1x8x16xf32>, memref<1x2x8xf32>) -> () loc(#layer)
  nf.attention %q, %q, %q outs(%out, %lse) {heads = 2 : i64, causal, scale = 0.125 : f64}
      : (memref<1x8x16xf32>, memref<1x8x16xf32>, memref<1x8x16xf32>, memref<1x8x16xf32>, memref<1x2x8xf32>) -> () loc(#other)
  nf.return
}

// The stage ends with it for a GPU, where the CPU's lowerings would follow for the emulated one.
// LOWERED: error: expected an operation that there is a GPU kernel for, but got nf.matmul of f64
//--- lowered.mlir
nf.program @p() {
  %a = nf.buffer transient 0 : memref<4x8xf64>
  %b = nf.buffer transient 512 : memref<8x4xf64>
  %c = nf.buffer transient 1024 : memref<4x4xf64>
  nf.matmul %a, %b outs(%c) : (memref<4x8xf64>, memref<8x4xf64>, memref<4x4xf64>) -> ()
  nf.return
}
