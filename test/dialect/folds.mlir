// RUN: nf-opt %s --verify-roundtrip | FileCheck %s

// CHECK: nf.state folded @w.folded.0.grad of @w : tensor<12x16xf32>
nf.parameter @w : tensor<4x16xf32> {init = "zeros"}
nf.state folded @"w.folded.0.grad" of @w : tensor<12x16xf32>
nf.program @p(%w: tensor<12x16xf32> {nf.name = "w"}, %g: tensor<16xf32> {nf.name = "g"},
              %h: tensor<4xf32> {nf.name = "h"}, %c: tensor<12xf32> {nf.name = "c"},
              %flag: tensor<i32> {nf.name = "accumulate"}) {
  // CHECK: fold_scale %w, %g {axis = 1 : i64} : (tensor<12x16xf32>, tensor<16xf32>) -> tensor<12x16xf32>
  %0 = nf.fold_scale %w, %g {axis = 1 : i64} : (tensor<12x16xf32>, tensor<16xf32>) -> tensor<12x16xf32>
  // CHECK: fold_scale %w, %h {axis = 0 : i64}
  %1 = nf.fold_scale %w, %h {axis = 0 : i64} : (tensor<12x16xf32>, tensor<4xf32>) -> tensor<12x16xf32>
  // CHECK: fold_scale %c, %h {axis = 0 : i64}
  %2 = nf.fold_scale %c, %h {axis = 0 : i64} : (tensor<12xf32>, tensor<4xf32>) -> tensor<12xf32>
  // CHECK: fold_shift %w, %g : (tensor<12x16xf32>, tensor<16xf32>) -> tensor<12xf32>
  %3 = nf.fold_shift %w, %g : (tensor<12x16xf32>, tensor<16xf32>) -> tensor<12xf32>
  // CHECK: fold_shift %w, %g bias %c : (tensor<12x16xf32>, tensor<16xf32>, tensor<12xf32>) -> tensor<12xf32>
  %4 = nf.fold_shift %w, %g bias %c : (tensor<12x16xf32>, tensor<16xf32>, tensor<12xf32>) -> tensor<12xf32>
  // CHECK: accumulate @w.folded.0.grad
  nf.accumulate @"w.folded.0.grad", %0 if %flag : tensor<12x16xf32>, tensor<i32>
  nf.return
}
