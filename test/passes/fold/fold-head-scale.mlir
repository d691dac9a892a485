// RUN: nf-opt %s --nf-fold-head-scale=all=1 --split-input-file | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: nf-opt %s --nf-fold-head-scale --split-input-file | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: nf-opt %s --nf-fold-head-scale=remarks=1 --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Before the projection: factors of the weight's columns, a group of columns a head; the bias stays. Casts on the way
// stay until they cancel. Few tokens do not pay for it.
// REMARK: remark: not folded: it saves {{[0-9]+}} kB of activations a step and costs {{[0-9]+}} kB of weights
// CHECK-LABEL: @forward_backward
// AUTO: head_scale
// ALL-NOT: head_scale
// ALL: %[[WIDE:.*]] = cast %x
// ALL: %[[NARROW:.*]] = cast %[[WIDE]]
// ALL: %[[W:.*]] = fold_scale %w, %gamma {axis = 1 : i64} : (tensor<16x8xf32>, tensor<2xf32>) -> tensor<16x8xf32>
// ALL: linear %[[NARROW]], %[[W]] bias %c
nf.parameter @gamma : tensor<2xf32> {init = "ones"}
nf.parameter @w : tensor<16x8xf32> {init = "zeros"}
nf.parameter @c : tensor<16xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<4x8xbf16> {nf.name = "x"}) -> (tensor<4x16xbf16> {nf.name = "y"}) {
  %gamma = nf.get @gamma : tensor<2xf32>
  %wide = nf.cast %x : (tensor<4x8xbf16>) -> tensor<4x8xf32>
  %s = nf.head_scale %wide, %gamma : (tensor<4x8xf32>, tensor<2xf32>) -> tensor<4x8xf32>
  %narrow = nf.cast %s : (tensor<4x8xf32>) -> tensor<4x8xbf16>
  %w = nf.get @w : tensor<16x8xf32>
  %c = nf.get @c : tensor<16xf32>
  %y = nf.linear %narrow, %w bias %c : (tensor<4x8xbf16>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<4x16xbf16>
  nf.return %y : tensor<4x16xbf16>
}

// -----

// After the projection: factors of the weight's rows and of the bias. Many tokens pay for it.
// REMARK: remark: folded: it saves 393 kB of activations a step and costs 0 kB of weights
// CHECK-LABEL: @forward_backward
// CHECK-NOT: head_scale
// CHECK-DAG: %[[W:.*]] = fold_scale %w, %gamma {axis = 0 : i64} : (tensor<8x6xf32>, tensor<2xf32>) -> tensor<8x6xf32>
// CHECK-DAG: %[[C:.*]] = fold_scale %c, %gamma {axis = 0 : i64} : (tensor<8xf32>, tensor<2xf32>) -> tensor<8xf32>
// CHECK: %[[Y:.*]] = linear %x, %[[W]] bias %[[C]]
// CHECK: return %[[Y]]
nf.parameter @gamma : tensor<2xf32> {init = "ones"}
nf.parameter @w : tensor<8x6xf32> {init = "zeros"}
nf.parameter @c : tensor<8xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<8192x6xf32> {nf.name = "x"}) -> (tensor<8192x8xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<8x6xf32>
  %c = nf.get @c : tensor<8xf32>
  %y = nf.linear %x, %w bias %c : (tensor<8192x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<8192x8xf32>
  %gamma = nf.get @gamma : tensor<2xf32>
  %s = nf.head_scale %y, %gamma : (tensor<8192x8xf32>, tensor<2xf32>) -> tensor<8192x8xf32>
  nf.return %s : tensor<8192x8xf32>
}

// -----

// Negative: another op reads the scaled value, or what is scaled; factors that are no parameter.
// REMARK: remark: not folded: no linears alone read it, and it is not the only reader of a linear
// CHECK-LABEL: @forward_backward
// CHECK-COUNT-3: head_scale
// CHECK-NOT: fold_scale
nf.parameter @gamma : tensor<2xf32> {init = "ones"}
nf.parameter @w : tensor<8x8xf32> {init = "zeros"}
nf.program @forward_backward(%x: tensor<4x8xf32> {nf.name = "x"}, %f: tensor<2xf32> {nf.name = "f"})
    -> (tensor<4x8xf32> {nf.name = "y"}, tensor<4x8xf32> {nf.name = "z"}, tensor<4x8xf32> {nf.name = "u"}) {
  %gamma = nf.get @gamma : tensor<2xf32>
  %w = nf.get @w : tensor<8x8xf32>
  %s = nf.head_scale %x, %gamma : (tensor<4x8xf32>, tensor<2xf32>) -> tensor<4x8xf32>
  %p = nf.linear %s, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %y = nf.add %p, %s : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = nf.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %t = nf.head_scale %l, %gamma : (tensor<4x8xf32>, tensor<2xf32>) -> tensor<4x8xf32>
  %z = nf.add %t, %l : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %v = nf.head_scale %x, %f : (tensor<4x8xf32>, tensor<2xf32>) -> tensor<4x8xf32>
  %u = nf.linear %v, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  nf.return %y, %z, %u : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}
