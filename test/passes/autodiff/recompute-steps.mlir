// RUN: nf-opt --nf-differentiate %s -o %t.mlir
// RUN: nf-opt --nf-recompute %t.mlir | FileCheck %s --check-prefix=KEPT
// RUN: nf-opt --nf-recompute=steps=1 %t.mlir | FileCheck %s --check-prefix=ROWS
// RUN: nf-opt --nf-recompute=steps=2 %t.mlir | FileCheck %s --check-prefix=ATTENTION
// RUN: nf-opt --nf-recompute=steps=3 %t.mlir | FileCheck %s --check-prefix=MATMUL
// RUN: nf-opt --nf-recompute=steps=1 %t.mlir \
// RUN:   | nf-opt "--pass-pipeline=builtin.module(nf-stage-fuse{verify=0})" | FileCheck %s --check-prefix=FUSED

// What backward reads of forward beside the arguments: a normalized row, three times a linear of it, attention's output.
// Without steps all are kept. `ends` says that no two steps are alike.
// KEPT: nf.recomputed = {bytes_saved = 0 : i64, ends = array<i64: 1, 2, 3>, flops = {{.*}}, flops_added = 0 : i64, steps = 0 : i64}
// KEPT-NOT: nf.again

// The cheapest a byte: the row, of x and of the mean and deviation that forward saved. No sum is made again.
// ROWS: nf.recomputed = {{.*}}steps = 1 : i64}
// ROWS: %{{.*}}, %[[MEAN:.*]], %[[RSTD:.*]] = layer_norm %x
// ROWS: attention_backward
// ROWS-NOT: reduce_mean %x
// ROWS: %[[CENTRED:.*]] = sub %x, %[[MEAN]] {{.*}}{nf.again}
// ROWS: %[[NORMALIZED:.*]] = mul %[[CENTRED]], %[[RSTD]] {{.*}}{nf.again}
// ROWS-NOT: attention %
// ROWS: return

// Then attention.
// ATTENTION: steps = 2 : i64}
// ATTENTION: %[[QKV:.*]] = linear
// ATTENTION: attention %
// ATTENTION: attention %[[QKV]], %[[QKV]], %[[QKV]] {{.*}}nf.again
// ATTENTION: attention_backward
// ATTENTION-NOT: attention %
// ATTENTION: return

// Then the linear, of the row that is made again: each value once.
// MATMUL: steps = 3 : i64}
// MATMUL: linear
// MATMUL: sub %x, %{{.*}} {nf.again}
// MATMUL: %[[AGAIN:.*]] = matmul %{{.*}}, %{{.*}} {nf.again, transpose_b}
// MATMUL: attention_backward %[[AGAIN]]
// MATMUL-NOT: {nf.again, transpose_b}
// MATMUL: return

// The row does not join the region of forward that reads x too: it would be kept.
// FUSED: fused
// FUSED-NEXT: ^bb
// FUSED: attention_backward
// FUSED: fused {{.*}}(%x
// FUSED: return
nf.parameter @w : tensor<64x64xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @o : tensor<64x64xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @g : tensor<64xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @b : tensor<64xf32> {init = "{\"kind\":\"zeros\"}"}
nf.program @forward_backward(%x: tensor<2x32x64xf32> {nf.name = "x"}) -> (tensor<1x1x1xf32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<64x64xf32>
  %o = nf.get @o : tensor<64x64xf32>
  %g = nf.get @g : tensor<64xf32>
  %b = nf.get @b : tensor<64xf32>
  %n, %mean, %rstd = nf.layer_norm %x, %g, %b {eps = 1.0e-5 : f64} : (tensor<2x32x64xf32>, tensor<64xf32>,
      tensor<64xf32>) -> (tensor<2x32x64xf32>, tensor<2x32x1xf32>, tensor<2x32x1xf32>)
  %q = nf.linear %n, %w : (tensor<2x32x64xf32>, tensor<64x64xf32>) -> tensor<2x32x64xf32>
  %c, %lse = nf.attention %q, %q, %q {heads = 4 : i64, causal, scale = 0.25 : f64}
      : (tensor<2x32x64xf32>, tensor<2x32x64xf32>, tensor<2x32x64xf32>) -> (tensor<2x32x64xf32>, tensor<2x4x32xf32>)
  %y = nf.linear %c, %o : (tensor<2x32x64xf32>, tensor<64x64xf32>) -> tensor<2x32x64xf32>
  %loss = nf.reduce_sum %y axes [0, 1, 2] : (tensor<2x32x64xf32>) -> tensor<1x1x1xf32>
  nf.return %loss : tensor<1x1x1xf32>
}
