// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @layers
nf.program @layers(%x: tensor<4x64x768xf32> {nf.name = "x"}, %w: tensor<768xf32> {nf.name = "w"},
    %m: tensor<32x768xf32> {nf.name = "m"}, %b: tensor<32xf32> {nf.name = "b"},
    %gamma: tensor<12xf32> {nf.name = "gamma"}, %ids: tensor<4x64xi32> {nf.name = "ids"},
    %seed: tensor<i64> {nf.name = "seed"}, %step: tensor<i32> {nf.name = "step"},
    %offset: tensor<i32> {nf.name = "sample_offset"}) {
  // CHECK: embedding %{{.*}}, %{{.*}}
  %0 = nf.embedding %m, %ids : (tensor<32x768xf32>, tensor<4x64xi32>) -> tensor<4x64x768xf32>
  // CHECK: linear %{{.*}}, %{{.*}} bias %{{.*}}
  %1 = nf.linear %x, %m bias %b : (tensor<4x64x768xf32>, tensor<32x768xf32>, tensor<32xf32>) -> tensor<4x64x32xf32>
  // CHECK: linear %{{.*}}, %{{.*}}
  %2 = nf.linear %x, %m : (tensor<4x64x768xf32>, tensor<32x768xf32>) -> tensor<4x64x32xf32>
  // CHECK: %{{.*}}, %{{.*}}, %{{.*}} = layer_norm %{{.*}}, %{{.*}}, %{{.*}} {eps = 1.000000e-05 : f64}
  %3:3 = nf.layer_norm %x, %w, %w {eps = 1.0e-5 : f64} : (tensor<4x64x768xf32>, tensor<768xf32>, tensor<768xf32>)
      -> (tensor<4x64x768xf32>, tensor<4x64x1xf32>, tensor<4x64x1xf32>)
  // CHECK: %{{.*}}, %{{.*}} = normalize %{{.*}} {eps = 1.000000e-05 : f64}
  %4:2 = nf.normalize %x {eps = 1.0e-5 : f64} : (tensor<4x64x768xf32>) -> (tensor<4x64x768xf32>, tensor<4x64x1xf32>)
  // CHECK: head_scale %{{.*}}, %{{.*}}
  %5 = nf.head_scale %x, %gamma : (tensor<4x64x768xf32>, tensor<12xf32>) -> tensor<4x64x768xf32>
  // CHECK: residual_scale %{{.*}}, %{{.*}}
  %6 = nf.residual_scale %x, %w : (tensor<4x64x768xf32>, tensor<768xf32>) -> tensor<4x64x768xf32>
  // CHECK: gelu %{{.*}}
  %7 = nf.gelu %x : (tensor<4x64x768xf32>) -> tensor<4x64x768xf32>
  // CHECK: gelu_tanh %{{.*}}
  %8 = nf.gelu_tanh %x : (tensor<4x64x768xf32>) -> tensor<4x64x768xf32>
  // CHECK: relu %{{.*}}
  %9 = nf.relu %x : (tensor<4x64x768xf32>) -> tensor<4x64x768xf32>
  // CHECK: relu2 %{{.*}}
  %10 = nf.relu2 %x : (tensor<4x64x768xf32>) -> tensor<4x64x768xf32>
  // CHECK: silu %{{.*}}
  %11 = nf.silu %x : (tensor<4x64x768xf32>) -> tensor<4x64x768xf32>
  // CHECK: dropout %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {p = 1.000000e-01 : f64, site = 3 : i32}
  %12 = nf.dropout %x, %seed, %step, %offset {p = 0.1 : f64, site = 3 : i32} : (tensor<4x64x768xf32>, tensor<i64>,
      tensor<i32>, tensor<i32>) -> tensor<4x64x768xf32>
  nf.return
}
