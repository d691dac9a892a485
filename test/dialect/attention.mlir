// RUN: nf-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: nf.program @attention
nf.program @attention(%q: tensor<2x5x12xf32> {nf.name = "q"}, %k: tensor<2x7x12xf32> {nf.name = "k"},
    %padding: tensor<2x7xf32> {nf.name = "padding"}, %segments: tensor<2x7xi32> {nf.name = "segments"},
    %seed: tensor<i64> {nf.name = "seed"}, %i: tensor<i32> {nf.name = "i"}) {
  // CHECK: attention %{{.*}}, %{{.*}}, %{{.*}} {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
  %0:2 = nf.attention %q, %k, %k {heads = 3 : i64, causal, scale = 0.5 : f64} : (tensor<2x5x12xf32>,
      tensor<2x7x12xf32>, tensor<2x7x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  // CHECK: attention %{{.*}}, %{{.*}}, %{{.*}} key_padding %{{.*}} segments %{{.*}} key_length %{{.*}} query_offset %{{.*}} seed %{{.*}} step %{{.*}} sample_offset %{{.*}} {dropout = 1.000000e-01 : f64, heads = 3 : i64, scale = 5.000000e-01 : f64, site = 4 : i32}
  %1:2 = nf.attention %q, %k,
      %k key_padding %padding segments %segments key_length %i query_offset %i seed %seed step %i sample_offset %i
      {heads = 3 : i64, scale = 0.5 : f64, dropout = 0.1 : f64, site = 4 : i32} : (tensor<2x5x12xf32>,
      tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x7xf32>, tensor<2x7xi32>, tensor<i32>, tensor<i32>,
      tensor<i64>, tensor<i32>, tensor<i32>) -> (tensor<2x5x12xf32>, tensor<2x3x5xf32>)
  // CHECK: attention_backward %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}#0, %{{.*}}#1, %{{.*}} {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
  %2:3 = nf.attention_backward %q, %k, %k, %0#0, %0#1, %q {heads = 3 : i64, causal, scale = 0.5 : f64}
      : (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>, tensor<2x5x12xf32>, tensor<2x3x5xf32>,
      tensor<2x5x12xf32>) -> (tensor<2x5x12xf32>, tensor<2x7x12xf32>, tensor<2x7x12xf32>)
  nf.return
}
