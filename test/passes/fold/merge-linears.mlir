// RUN: nf-opt %s --nf-merge-linears=all=1 --split-input-file | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: nf-opt %s --nf-merge-linears --split-input-file | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: nf-opt %s --nf-merge-linears=remarks=1 --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Linears over one input are one. What weights are made of moves before it; attention reads columns of the result.
// REMARK: remark: merged: 3 linears over one input
// CHECK-LABEL: @qkv
// CHECK-DAG: %[[W:.*]] = concat %wq, %wk, %wv axis 0 : {{.*}} -> tensor<48x16xf32>
// CHECK-DAG: %[[B:.*]] = concat %bq, %bk, %bv axis 0 : {{.*}} -> tensor<48xf32>
// CHECK: %[[Y:.*]] = linear %x, %[[W]] bias %[[B]] : {{.*}} -> tensor<2x4x48xf32>
// CHECK-NOT: linear
// CHECK-DAG: %[[Q:.*]] = slice %[[Y]] axis 2 from 0 size 16
// CHECK-DAG: %[[K:.*]] = slice %[[Y]] axis 2 from 16 size 16
// CHECK-DAG: %[[V:.*]] = slice %[[Y]] axis 2 from 32 size 16
// CHECK: attention %[[Q]], %[[K]], %[[V]]
nf.parameter @wq : tensor<16x16xf32> {init = "zeros"}
nf.parameter @wk : tensor<16x16xf32> {init = "zeros"}
nf.parameter @wv : tensor<16x16xf32> {init = "zeros"}
nf.parameter @bq : tensor<16xf32> {init = "zeros"}
nf.parameter @bk : tensor<16xf32> {init = "zeros"}
nf.parameter @bv : tensor<16xf32> {init = "zeros"}
nf.program @qkv(%x: tensor<2x4x16xf32> {nf.name = "x"}) -> (tensor<2x4x16xf32> {nf.name = "y"}) {
  %wq = nf.get @wq : tensor<16x16xf32>
  %bq = nf.get @bq : tensor<16xf32>
  %q = nf.linear %x, %wq bias %bq : (tensor<2x4x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %wk = nf.get @wk : tensor<16x16xf32>
  %bk = nf.get @bk : tensor<16xf32>
  %k = nf.linear %x, %wk bias %bk : (tensor<2x4x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %wv = nf.get @wv : tensor<16x16xf32>
  %bv = nf.get @bv : tensor<16xf32>
  %v = nf.linear %x, %wv bias %bv : (tensor<2x4x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %y, %lse = nf.attention %q, %k, %v {heads = 2 : i64, causal, scale = 0.5 : f64}
      : (tensor<2x4x16xf32>, tensor<2x4x16xf32>, tensor<2x4x16xf32>) -> (tensor<2x4x16xf32>, tensor<2x2x4xf32>)
  nf.return %y : tensor<2x4x16xf32>
}

// -----

// Weights of no whole lines of 64 bytes, or a reader that takes no columns: only where all are asked for.
// REMARK: remark: not merged: 2 linears over one input; a weight or bias is not a multiple of 64 bytes, so that the whole would be a copy
// REMARK: remark: not merged: 2 linears over one input; a result is read by an op that would need a copy of its columns
// CHECK-LABEL: @copies
// AUTO-NOT: concat
// ALL: concat %a, %b axis 0
// ALL: concat %c, %d axis 0
nf.parameter @a : tensor<3x5xf32> {init = "zeros"}
nf.parameter @b : tensor<2x5xf32> {init = "zeros"}
nf.parameter @c : tensor<16x16xf32> {init = "zeros"}
nf.parameter @d : tensor<16x16xf32> {init = "zeros"}
nf.program @copies(%x: tensor<4x5xf32> {nf.name = "x"}, %z: tensor<4x16xf32> {nf.name = "z"})
    -> (tensor<4x3xf32> {nf.name = "r"}, tensor<4x2xf32> {nf.name = "s"}, tensor<4x16xf32> {nf.name = "t"}) {
  %a = nf.get @a : tensor<3x5xf32>
  %b = nf.get @b : tensor<2x5xf32>
  %c = nf.get @c : tensor<16x16xf32>
  %d = nf.get @d : tensor<16x16xf32>
  %r = nf.linear %x, %a : (tensor<4x5xf32>, tensor<3x5xf32>) -> tensor<4x3xf32>
  %s = nf.linear %x, %b : (tensor<4x5xf32>, tensor<2x5xf32>) -> tensor<4x2xf32>
  %u = nf.linear %z, %c : (tensor<4x16xf32>, tensor<16x16xf32>) -> tensor<4x16xf32>
  %v = nf.linear %z, %d : (tensor<4x16xf32>, tensor<16x16xf32>) -> tensor<4x16xf32>
  %t = nf.mul %u, %v : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  nf.return %r, %s, %t : tensor<4x3xf32>, tensor<4x2xf32>, tensor<4x16xf32>
}

// -----

// Negative: one with a bias and one without; a weight that is an argument.
// CHECK-LABEL: @never
// CHECK-NOT: concat
// CHECK: return
nf.parameter @a : tensor<16x16xf32> {init = "zeros"}
nf.parameter @b : tensor<16x16xf32> {init = "zeros"}
nf.parameter @c : tensor<16xf32> {init = "zeros"}
nf.program @never(%x: tensor<4x16xf32> {nf.name = "x"}, %z: tensor<4x16xf32> {nf.name = "z"},
                  %w: tensor<16x16xf32> {nf.name = "w"})
    -> (tensor<4x16xf32> {nf.name = "r"}, tensor<4x16xf32> {nf.name = "s"}, tensor<4x16xf32> {nf.name = "t"},
        tensor<4x16xf32> {nf.name = "u"}) {
  %a = nf.get @a : tensor<16x16xf32>
  %b = nf.get @b : tensor<16x16xf32>
  %c = nf.get @c : tensor<16xf32>
  %r = nf.linear %x, %a bias %c : (tensor<4x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %s = nf.linear %x, %b : (tensor<4x16xf32>, tensor<16x16xf32>) -> tensor<4x16xf32>
  %t = nf.linear %z, %a : (tensor<4x16xf32>, tensor<16x16xf32>) -> tensor<4x16xf32>
  %u = nf.linear %z, %w : (tensor<4x16xf32>, tensor<16x16xf32>) -> tensor<4x16xf32>
  nf.return %r, %s, %t, %u : tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>
}

// -----

// No-op: one linear an input.
// CHECK-LABEL: @alone
// CHECK-NOT: concat
// CHECK: linear %x, %a
// CHECK: return
nf.parameter @a : tensor<16x16xf32> {init = "zeros"}
nf.program @alone(%x: tensor<4x16xf32> {nf.name = "x"}) -> (tensor<4x16xf32> {nf.name = "y"}) {
  %a = nf.get @a : tensor<16x16xf32>
  %y = nf.linear %x, %a : (tensor<4x16xf32>, tensor<16x16xf32>) -> tensor<4x16xf32>
  nf.return %y : tensor<4x16xf32>
}

// -----

// Each linear rounds its input for itself: casts of one value to one type are one input, a cast to another is not.
// REMARK: remark: merged: 2 linears over one input
// CHECK-LABEL: @rounded
// CHECK: concat %a, %b axis 0
// CHECK: linear %{{.*}} -> tensor<1x4x32xbf16>
// CHECK: linear %x, %c
// CHECK-NOT: linear
nf.parameter @a : tensor<16x16xf32> {init = "zeros"}
nf.parameter @b : tensor<16x16xf32> {init = "zeros"}
nf.parameter @c : tensor<16x16xf32> {init = "zeros"}
nf.program @rounded(%x: tensor<1x4x16xf32> {nf.name = "x"}) -> (tensor<1x4x16xbf16> {nf.name = "y"}, tensor<1x4x16xf32> {nf.name = "z"}) {
  %a = nf.get @a : tensor<16x16xf32>
  %b = nf.get @b : tensor<16x16xf32>
  %c = nf.get @c : tensor<16x16xf32>
  %p = nf.cast %x : (tensor<1x4x16xf32>) -> tensor<1x4x16xbf16>
  %r = nf.linear %p, %a : (tensor<1x4x16xbf16>, tensor<16x16xf32>) -> tensor<1x4x16xbf16>
  %q = nf.cast %x : (tensor<1x4x16xf32>) -> tensor<1x4x16xbf16>
  %s = nf.linear %q, %b : (tensor<1x4x16xbf16>, tensor<16x16xf32>) -> tensor<1x4x16xbf16>
  %y, %lse = nf.attention %r, %s, %s {heads = 2 : i64, causal, scale = 0.5 : f64}
      : (tensor<1x4x16xbf16>, tensor<1x4x16xbf16>, tensor<1x4x16xbf16>) -> (tensor<1x4x16xbf16>, tensor<1x2x4xf32>)
  %z = nf.linear %x, %c : (tensor<1x4x16xf32>, tensor<16x16xf32>) -> tensor<1x4x16xf32>
  nf.return %y, %z : tensor<1x4x16xbf16>, tensor<1x4x16xf32>
}
