// RUN: nf-opt %s --nf-fold-layer-norm-affine=all=1 --split-input-file | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: nf-opt %s --nf-fold-layer-norm-affine --split-input-file | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: nf-opt %s --nf-fold-layer-norm-affine=remarks=1 --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Linears alone read the LayerNorm, one of them a rounded form: it has no weight and bias left, and each linear has a
// bias. Few tokens do not pay for it.
// REMARK: remark: not folded: it saves {{[0-9]+}} kB of activations a step and costs {{[0-9]+}} kB of weights
// The other programs follow what forward_backward decides.
// CHECK-LABEL: @eval
// AUTO: layer_norm
// ALL: normalize
// ALL: fold_scale
// CHECK-LABEL: @forward_backward
// AUTO: layer_norm %x, %g, %b
// ALL: %[[N:.*]], %{{.*}} = normalize %x {eps = 1.000000e-05 : f64}
// ALL-NOT: layer_norm
// ALL: %[[NARROW:.*]] = cast %[[N]]
// ALL: %[[WG:.*]] = fold_scale %w, %g {axis = 1 : i64}
// ALL: %[[CB:.*]] = fold_shift %w, %b bias %c
// ALL: linear %[[N]], %[[WG]] bias %[[CB]]
// ALL: %[[VG:.*]] = fold_scale %v, %g {axis = 1 : i64}
// ALL: %[[VB:.*]] = fold_shift %v, %b :
// ALL: linear %[[NARROW]], %[[VG]] bias %[[VB]]
nf.parameter @g : tensor<8xf32> {init = "ones"}
nf.parameter @b : tensor<8xf32> {init = "zeros"}
nf.parameter @w : tensor<6x8xf32> {init = "zeros"}
nf.parameter @v : tensor<6x8xf32> {init = "zeros"}
nf.parameter @c : tensor<6xf32> {init = "zeros"}
nf.program @eval(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x6xf32> {nf.name = "y"}) {
  %g = nf.get @g : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %n, %mean, %rstd = nf.layer_norm %x, %g, %b {eps = 1.0e-5 : f64}
      : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  %w = nf.get @w : tensor<6x8xf32>
  %y = nf.linear %n, %w : (tensor<4x8xf32>, tensor<6x8xf32>) -> tensor<4x6xf32>
  nf.return %y : tensor<4x6xf32>
}
nf.program @forward_backward(%x: tensor<4x8xf32> {nf.name = "x"})
    -> (tensor<4x6xf32> {nf.name = "y"}, tensor<4x6xbf16> {nf.name = "z"}) {
  %g = nf.get @g : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %n, %mean, %rstd = nf.layer_norm %x, %g, %b {eps = 1.0e-5 : f64}
      : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  %narrow = nf.cast %n : (tensor<4x8xf32>) -> tensor<4x8xbf16>
  %w = nf.get @w : tensor<6x8xf32>
  %v = nf.get @v : tensor<6x8xf32>
  %c = nf.get @c : tensor<6xf32>
  %y = nf.linear %n, %w bias %c : (tensor<4x8xf32>, tensor<6x8xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  %z = nf.linear %narrow, %v : (tensor<4x8xbf16>, tensor<6x8xf32>) -> tensor<4x6xbf16>
  nf.return %y, %z : tensor<4x6xf32>, tensor<4x6xbf16>
}

// -----

// A weight of several parts is folded part by part, so that no whole is ever built of them. Many tokens pay for it.
// REMARK: remark: folded: it saves {{[0-9]+}} kB of activations a step and costs 0 kB of weights
// CHECK-LABEL: @forward_backward
// CHECK-DAG: %[[W1:.*]] = fold_scale %w, %g {axis = 1 : i64}
// CHECK-DAG: %[[W2:.*]] = fold_scale %v, %g {axis = 1 : i64}
// CHECK-DAG: %[[W:.*]] = concat %[[W1]], %[[W2]] axis 0
// CHECK-DAG: %[[C1:.*]] = fold_shift %w, %b bias %c
// CHECK-DAG: %[[C2:.*]] = fold_shift %v, %b bias %d
// CHECK-DAG: %[[C:.*]] = concat %[[C1]], %[[C2]] axis 0
// CHECK: linear %{{.*}}, %[[W]] bias %[[C]]
nf.parameter @g : tensor<8xf32> {init = "ones"}
nf.parameter @b : tensor<8xf32> {init = "zeros"}
nf.parameter @w : tensor<6x8xf32> {init = "zeros"}
nf.parameter @v : tensor<4x8xf32> {init = "zeros"}
nf.parameter @c : tensor<6xf32> {init = "zeros"}
nf.parameter @d : tensor<4xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<8192x8xf32> {nf.name = "x"}) -> (tensor<8192x10xf32> {nf.name = "y"}) {
  %g = nf.get @g : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %n, %mean, %rstd = nf.layer_norm %x, %g, %b {eps = 1.0e-5 : f64}
      : (tensor<8192x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8192x8xf32>, tensor<8192x1xf32>, tensor<8192x1xf32>)
  %w = nf.get @w : tensor<6x8xf32>
  %v = nf.get @v : tensor<4x8xf32>
  %c = nf.get @c : tensor<6xf32>
  %d = nf.get @d : tensor<4xf32>
  %whole = nf.concat %w, %v axis 0 : (tensor<6x8xf32>, tensor<4x8xf32>) -> tensor<10x8xf32>
  %bias = nf.concat %c, %d axis 0 : (tensor<6xf32>, tensor<4xf32>) -> tensor<10xf32>
  %y = nf.linear %n, %whole bias %bias : (tensor<8192x8xf32>, tensor<10x8xf32>, tensor<10xf32>) -> tensor<8192x10xf32>
  nf.return %y : tensor<8192x10xf32>
}

// -----

// Negative: a residual reads it too (Post-LN); statistics that are read; a weight that is no parameter; an input that
// is the weight of a linear.
// REMARK: remark: not folded: it is also read by nf.add
// CHECK-LABEL: @forward_backward
// CHECK-COUNT-4: layer_norm
// CHECK-NOT: fold_
nf.parameter @g : tensor<8xf32> {init = "ones"}
nf.parameter @b : tensor<8xf32> {init = "zeros"}
nf.parameter @w : tensor<8x8xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<4x8xf32> {nf.name = "x"}, %s: tensor<8xf32> {nf.name = "s"},
                             %m: tensor<8x8xf32> {nf.name = "m"})
    -> (tensor<4x8xf32> {nf.name = "y"}, tensor<4x8xf32> {nf.name = "z"}, tensor<4x1xf32> {nf.name = "mean"},
        tensor<4x8xf32> {nf.name = "u"}, tensor<4x8xf32> {nf.name = "v"}) {
  %g = nf.get @g : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %w = nf.get @w : tensor<8x8xf32>
  %n:3 = nf.layer_norm %x, %g, %b {eps = 1.0e-5 : f64}
      : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  %p = nf.linear %n#0, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %y = nf.add %n#0, %p : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %o:3 = nf.layer_norm %x, %g, %b {eps = 1.0e-6 : f64}
      : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  %z = nf.linear %o#0, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %q:3 = nf.layer_norm %x, %s, %b {eps = 1.0e-5 : f64}
      : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  %u = nf.linear %q#0, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %r:3 = nf.layer_norm %m, %g, %b {eps = 1.0e-5 : f64}
      : (tensor<8x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8x8xf32>, tensor<8x1xf32>, tensor<8x1xf32>)
  %v = nf.linear %x, %r#0 : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  nf.return %y, %z, %o#1, %u, %v : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}
