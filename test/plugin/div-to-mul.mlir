// CMakeLists.txt says how this is run.

// CHECK-LABEL: nf.program @power_of_two
// CHECK: %[[FACTOR:.*]] = constant dense<1.250000e-01>
// CHECK: mul %{{.*}}, %[[FACTOR]] : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
// CHECK-NOT: div
nf.program @power_of_two(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %c = nf.constant dense<8.0> : tensor<1xf32>
  %y = nf.div %x, %c : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// CHECK-LABEL: nf.program @each_element
// CHECK: constant dense<[5.000000e-01, -4.000000e+00]>
// CHECK: mul
nf.program @each_element(%x: tensor<4x2xf32> {nf.name = "x"}) -> (tensor<4x2xf32> {nf.name = "y"}) {
  %c = nf.constant dense<[2.0, -0.25]> : tensor<2xf32>
  %y = nf.div %x, %c : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  nf.return %y : tensor<4x2xf32>
}

// A third has no exact reciprocal, and zero has none.
// CHECK-LABEL: nf.program @not_exact
// CHECK-COUNT-2: div
// CHECK-NOT: mul
nf.program @not_exact(%x: tensor<4x2xf32> {nf.name = "x"}) -> (tensor<4x2xf32> {nf.name = "y"}) {
  %c = nf.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %y = nf.div %x, %c : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %z = nf.div %y, %zero : (tensor<4x2xf32>, tensor<1xf32>) -> tensor<4x2xf32>
  nf.return %z : tensor<4x2xf32>
}

// CHECK-LABEL: nf.program @no_constant
// CHECK: div
nf.program @no_constant(%x: tensor<4x8xf32> {nf.name = "x"}, %c: tensor<8xf32> {nf.name = "c"})
    -> (tensor<4x8xf32> {nf.name = "y"}) {
  %y = nf.div %x, %c : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}
