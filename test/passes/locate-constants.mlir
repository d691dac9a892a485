// RUN: nf-opt --nf-locate-constants --mlir-print-debuginfo --mlir-print-local-scope %s | FileCheck %s

// CHECK: nf.program @constants
// CHECK: constant dense<1.000000e+00> : tensor<1xf32> loc("first")
// CHECK: constant dense<2.000000e+00> : tensor<1xf32> loc("own")
nf.program @constants(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  %one = nf.constant dense<1.0> : tensor<1xf32> loc(unknown)
  %two = nf.constant dense<2.0> : tensor<1xf32> loc("own")
  %a = nf.add %x, %one : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32> loc("first")
  %b = nf.mul %a, %two : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32> loc("second")
  %c = nf.mul %b, %one : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32> loc("third")
  nf.return %c : tensor<4xf32>
}

// No-op: other ops without a place keep it that way; nothing is made up for a constant that nobody uses.
// CHECK: nf.program @no_op
// CHECK: constant dense<3.000000e+00> : tensor<1xf32> loc(unknown)
// CHECK: neg {{.*}} loc(unknown)
nf.program @no_op(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  %unused = nf.constant dense<3.0> : tensor<1xf32> loc(unknown)
  %y = nf.neg %x : (tensor<4xf32>) -> tensor<4xf32> loc(unknown)
  nf.return %y : tensor<4xf32> loc("end")
}
