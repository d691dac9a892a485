// RUN: nf-opt --pass-pipeline='builtin.module(nf.program(nf-simplify,nf-raise-attention,nf-simplify))' %s | FileCheck %s
// RUN: nf-opt --pass-pipeline='builtin.module(nf.program(nf-simplify,nf-raise-attention{remarks}))' %s 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: nf-compile %s --compile-from=import --remarks=raise --emit=raise -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: nf-check %s --against='pass:nf.program(nf-simplify,nf-raise-attention,nf-simplify)' --tolerance=1e-5

// Batch 2, 6 tokens, 3 heads of 4 columns.

// The scale after the product, softmax in primitives.
// CHECK-LABEL: program @no_mask
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @no_mask(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %m = nf.reduce_max %a axes [3] : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x1xf32>
  %c = nf.sub %a, %m : (tensor<2x3x6x6xf32>, tensor<2x3x6x1xf32>) -> tensor<2x3x6x6xf32>
  %e = nf.exp %c : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %d = nf.reduce_sum %e axes [3] : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x1xf32>
  %p = nf.div %e, %d : (tensor<2x3x6x6xf32>, tensor<2x3x6x1xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// The scale on q, before heads are split, as a division; softmax as an op.
// CHECK-LABEL: program @scale_before
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @scale_before(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %f = nf.constant dense<2.0> : tensor<1xf32>
  %qs = nf.div %q, %f : (tensor<2x6x12xf32>, tensor<1xf32>) -> tensor<2x6x12xf32>
  %q4 = nf.reshape %qs : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %s : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// The root of the scale on both sides, K transposed by an op, a causal mask of −∞ added.
// CHECK-LABEL: program @root_on_both_sides
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @root_on_both_sides(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %f = nf.constant dense<0.70710677> : tensor<1xf32>
  %qs = nf.mul %qh, %f : (tensor<2x3x6x4xf32>, tensor<1xf32>) -> tensor<2x3x6x4xf32>
  %kt = nf.transpose %kh [0, 1, 3, 2] : (tensor<2x3x6x4xf32>) -> tensor<2x3x4x6xf32>
  %ks = nf.mul %kt, %f : (tensor<2x3x4x6xf32>, tensor<1xf32>) -> tensor<2x3x4x6xf32>
  %s = nf.matmul %qs, %ks : (tensor<2x3x6x4xf32>, tensor<2x3x4x6xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %a = nf.add %s, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %a : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// K goes from [batch, tokens, heads, width] to [batch, heads, width, tokens] in one step; the mask has the lowest float.
// CHECK-LABEL: program @transposed_once
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @transposed_once(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kt = nf.transpose %k4 [0, 2, 3, 1] : (tensor<2x6x3x4xf32>) -> tensor<2x3x4x6xf32>
  %s = nf.matmul %qh, %kt : (tensor<2x3x6x4xf32>, tensor<2x3x4x6xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[[[0.0, -3.40282347E+38, -3.40282347E+38, -3.40282347E+38, -3.40282347E+38, -3.40282347E+38], [0.0, 0.0, -3.40282347E+38, -3.40282347E+38, -3.40282347E+38, -3.40282347E+38], [0.0, 0.0, 0.0, -3.40282347E+38, -3.40282347E+38, -3.40282347E+38], [0.0, 0.0, 0.0, 0.0, -3.40282347E+38, -3.40282347E+38], [0.0, 0.0, 0.0, 0.0, 0.0, -3.40282347E+38], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]]]> : tensor<1x1x6x6xf32>
  %b = nf.add %mask, %a : (tensor<1x1x6x6xf32>, tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Causal by a constant condition, and a number that stands for −∞.
// CHECK-LABEL: program @causal_condition
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @causal_condition(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[[[true, false, false, false, false, false], [true, true, false, false, false, false], [true, true, true, false, false, false], [true, true, true, true, false, false], [true, true, true, true, true, false], [true, true, true, true, true, true]]]]> : tensor<1x1x6x6xi1>
  %low = nf.constant dense<-1.0e4> : tensor<1xf32>
  %b = nf.where %mask, %a, %low : (tensor<1x1x6x6xi1>, tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Causal by a comparison of indices, true where a key is hidden.
// CHECK-LABEL: program @causal_computed
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @causal_computed(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %low = nf.constant dense<-1.0e30> : tensor<1xf32>
  %j = nf.iota : tensor<6xi32>
  %i = nf.reshape %j : (tensor<6xi32>) -> tensor<6x1xi32>
  %hides = nf.compare gt %j, %i : (tensor<6xi32>, tensor<6x1xi32>) -> tensor<6x6xi1>
  %b = nf.where %hides, %low, %a : (tensor<6x6xi1>, tensor<1xf32>, tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Zeros added, and a condition that is true everywhere.
// CHECK-LABEL: program @masks_that_hide_nothing
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @masks_that_hide_nothing(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %zeros = nf.constant dense<[[0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %b = nf.add %a, %zeros : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %true = nf.constant dense<true> : tensor<2x1x1x6xi1>
  %low = nf.constant dense<-1.0e30> : tensor<1xf32>
  %cc = nf.where %true, %b, %low : (tensor<2x1x1x6xi1>, tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %cc : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// (1 − mask) · −1e9 of a mask of keys, with a guard against scores below the lowest float.
// CHECK-LABEL: program @padding_added
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v key_padding %pad {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
nf.program @padding_added(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"},
    %pad: tensor<2x6xf32> {nf.name = "pad", nf.range = [0.5, 1.0]})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %one = nf.constant dense<1.0> : tensor<1xf32>
  %low = nf.constant dense<-1.0e9> : tensor<1xf32>
  %lowest = nf.constant dense<-3.40282347E+38> : tensor<1xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %p4 = nf.reshape %pad : (tensor<2x6xf32>) -> tensor<2x1x1x6xf32>
  %keep = nf.compare ne %p4, %zero : (tensor<2x1x1x6xf32>, tensor<1xf32>) -> tensor<2x1x1x6xi1>
  %shown = nf.cast %keep : (tensor<2x1x1x6xi1>) -> tensor<2x1x1x6xf32>
  %r = nf.sub %one, %shown : (tensor<1xf32>, tensor<2x1x1x6xf32>) -> tensor<2x1x1x6xf32>
  %n = nf.mul %r, %low : (tensor<2x1x1x6xf32>, tensor<1xf32>) -> tensor<2x1x1x6xf32>
  %mask = nf.constant dense<[[0.0, -1.0e9, -1.0e9, -1.0e9, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9, -1.0e9, -1.0e9, -1.0e9], [0.0, 0.0, 0.0, -1.0e9, -1.0e9, -1.0e9], [0.0, 0.0, 0.0, 0.0, -1.0e9, -1.0e9], [0.0, 0.0, 0.0, 0.0, 0.0, -1.0e9], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %both = nf.add %n, %mask : (tensor<2x1x1x6xf32>, tensor<6x6xf32>) -> tensor<2x1x6x6xf32>
  %b = nf.add %a, %both : (tensor<2x3x6x6xf32>, tensor<2x1x6x6xf32>) -> tensor<2x3x6x6xf32>
  %g = nf.max %b, %lowest : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %g : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Rows that see no key are set to 0 after softmax; what they get is open in nf.attention.
// CHECK-LABEL: program @guarded
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
nf.program @guarded(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %b = nf.add %a, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %m = nf.reduce_max %b axes [3] : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x1xf32>
  %c = nf.sub %b, %m : (tensor<2x3x6x6xf32>, tensor<2x3x6x1xf32>) -> tensor<2x3x6x6xf32>
  %e = nf.exp %c : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %d = nf.reduce_sum %e axes [3] : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x1xf32>
  %p0 = nf.div %e, %d : (tensor<2x3x6x6xf32>, tensor<2x3x6x1xf32>) -> tensor<2x3x6x6xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %nan = nf.compare ne %p0, %p0 : (tensor<2x3x6x6xf32>, tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xi1>
  %p = nf.where %nan, %zero, %p0 : (tensor<2x3x6x6xi1>, tensor<1xf32>, tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Heads joined with the batch, the mask added to [batch, heads, queries, keys] in between.
// CHECK-LABEL: program @heads_in_batch
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @heads_in_batch(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %q3 = nf.reshape %qh : (tensor<2x3x6x4xf32>) -> tensor<6x6x4xf32>
  %k3 = nf.reshape %kh : (tensor<2x3x6x4xf32>) -> tensor<6x6x4xf32>
  %v3 = nf.reshape %vh : (tensor<2x3x6x4xf32>) -> tensor<6x6x4xf32>
  %s3 = nf.matmul %q3, %k3 {transpose_b} : (tensor<6x6x4xf32>, tensor<6x6x4xf32>) -> tensor<6x6x6xf32>
  %s = nf.reshape %s3 : (tensor<6x6x6xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %b = nf.add %a, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %b3 = nf.reshape %b : (tensor<2x3x6x6xf32>) -> tensor<6x6x6xf32>
  %p3 = nf.softmax %b3 : (tensor<6x6x6xf32>) -> tensor<6x6x6xf32>
  %o3 = nf.matmul %p3, %v3 : (tensor<6x6x6xf32>, tensor<6x6x4xf32>) -> tensor<6x6x4xf32>
  %o = nf.reshape %o3 : (tensor<6x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Heads joined with the batch for the scores only (GPT-NeoX).
// CHECK-LABEL: program @heads_in_batch_of_scores
// CHECK: %[[A:.*]]:2 = attention %q, %k, %v {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @heads_in_batch_of_scores(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %q3 = nf.reshape %qh : (tensor<2x3x6x4xf32>) -> tensor<6x6x4xf32>
  %k3 = nf.reshape %kh : (tensor<2x3x6x4xf32>) -> tensor<6x6x4xf32>
  %s3 = nf.matmul %q3, %k3 {transpose_b} : (tensor<6x6x4xf32>, tensor<6x6x4xf32>) -> tensor<6x6x6xf32>
  %s = nf.reshape %s3 : (tensor<6x6x6xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %b = nf.add %a, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// q, k and v are slices of one tensor, taken after heads were split: slices of its columns.
// CHECK-LABEL: program @packed
// CHECK-DAG: %[[Q:.*]] = slice %qkv axis 2 from 0 size 12
// CHECK-DAG: %[[K:.*]] = slice %qkv axis 2 from 12 size 12
// CHECK-DAG: %[[V:.*]] = slice %qkv axis 2 from 24 size 12
// CHECK: %[[A:.*]]:2 = attention %[[Q]], %[[K]], %[[V]] {causal, heads = 3 : i64, scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[A]]#0
nf.program @packed(%qkv: tensor<2x6x36xf32> {nf.name = "qkv"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %five = nf.reshape %qkv : (tensor<2x6x36xf32>) -> tensor<2x6x3x3x4xf32>
  %moved = nf.transpose %five [2, 0, 3, 1, 4] : (tensor<2x6x3x3x4xf32>) -> tensor<3x2x3x6x4xf32>
  %q5 = nf.slice %moved axis 0 from 0 size 1 : (tensor<3x2x3x6x4xf32>) -> tensor<1x2x3x6x4xf32>
  %qh = nf.reshape %q5 : (tensor<1x2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %k5 = nf.slice %moved axis 0 from 1 size 1 : (tensor<3x2x3x6x4xf32>) -> tensor<1x2x3x6x4xf32>
  %kh = nf.reshape %k5 : (tensor<1x2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %v5 = nf.slice %moved axis 0 from 2 size 1 : (tensor<3x2x3x6x4xf32>) -> tensor<1x2x3x6x4xf32>
  %vh = nf.reshape %v5 : (tensor<1x2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %b = nf.add %a, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Near misses.

// A window of 3 keys.
// REMARK: remark: attention stays in primitives: what is added to its scores or hides them is neither causal, nor padding, nor segments
// CHECK-LABEL: program @window
// CHECK-NOT: attention
// CHECK: return
nf.program @window(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0xFF800000, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0.0, 0.0, 0.0, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %b = nf.add %a, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// One key too many for one query.
// CHECK-LABEL: program @one_off
// CHECK-NOT: attention
// CHECK: return
nf.program @one_off(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0.0], [0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %b = nf.add %a, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// A query does not see its own key, the first sees one.
// CHECK-LABEL: program @strictly_causal
// CHECK-NOT: attention
// CHECK: return
nf.program @strictly_causal(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0, 0xFF800000]]> : tensor<6x6xf32>
  %b = nf.add %a, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Keys of id 1 are hidden: others than 0 are not.
// CHECK-LABEL: program @pad_id
// CHECK-NOT: attention
// CHECK: return
nf.program @pad_id(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"},
    %pad: tensor<2x6xi32> {nf.name = "pad", nf.below = 3 : i64})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %low = nf.constant dense<-1.0e9> : tensor<1xf32>
  %one = nf.constant dense<1> : tensor<1xi32>
  %p4 = nf.reshape %pad : (tensor<2x6xi32>) -> tensor<2x1x1x6xi32>
  %keep = nf.compare ne %p4, %one : (tensor<2x1x1x6xi32>, tensor<1xi32>) -> tensor<2x1x1x6xi1>
  %b = nf.where %keep, %s, %low : (tensor<2x1x1x6xi1>, tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Keys of weights above 1/2 are shown: those between it and 0 are not.
// CHECK-LABEL: program @above_half
// CHECK-NOT: attention
// CHECK: return
nf.program @above_half(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"},
    %pad: tensor<2x6xf32> {nf.name = "pad", nf.range = [0.6, 1.0]})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %low = nf.constant dense<-1.0e9> : tensor<1xf32>
  %one = nf.constant dense<0.5> : tensor<1xf32>
  %p4 = nf.reshape %pad : (tensor<2x6xf32>) -> tensor<2x1x1x6xf32>
  %keep = nf.compare gt %p4, %one : (tensor<2x1x1x6xf32>, tensor<1xf32>) -> tensor<2x1x1x6xi1>
  %b = nf.where %keep, %s, %low : (tensor<2x1x1x6xi1>, tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// A bias by distance (ALiBi) is no mask.
// CHECK-LABEL: program @biased
// CHECK-NOT: attention
// CHECK: return
nf.program @biased(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, -0.25, -0.25, -0.25, -0.25, -0.25], [0.0, 0.0, -0.25, -0.25, -0.25, -0.25], [0.0, 0.0, 0.0, -0.25, -0.25, -0.25], [0.0, 0.0, 0.0, 0.0, -0.25, -0.25], [0.0, 0.0, 0.0, 0.0, 0.0, -0.25], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %b = nf.add %a, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// −100 hides nothing for certain.
// CHECK-LABEL: program @mild
// CHECK-NOT: attention
// CHECK: return
nf.program @mild(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %f = nf.constant dense<0.5> : tensor<1xf32>
  %a = nf.mul %s, %f : (tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %mask = nf.constant dense<[[0.0, -100.0, -100.0, -100.0, -100.0, -100.0], [0.0, 0.0, -100.0, -100.0, -100.0, -100.0], [0.0, 0.0, 0.0, -100.0, -100.0, -100.0], [0.0, 0.0, 0.0, 0.0, -100.0, -100.0], [0.0, 0.0, 0.0, 0.0, 0.0, -100.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<6x6xf32>
  %b = nf.add %a, %mask : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// A bias that is a weight.
// CHECK-LABEL: program @learned_bias
// CHECK-NOT: attention
// CHECK: return
nf.program @learned_bias(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %w = nf.get @bias : tensor<6x6xf32>
  %b = nf.add %s, %w : (tensor<2x3x6x6xf32>, tensor<6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %b : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// The probabilities are a result too.
// CHECK-LABEL: program @probabilities_read
// CHECK-NOT: attention
// CHECK: return
nf.program @probabilities_read(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}, tensor<2x3x6x6xf32> {nf.name = "p"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %s : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y, %p : tensor<2x6x12xf32>, tensor<2x3x6x6xf32>
}

// So are the scores.
// CHECK-LABEL: program @scores_read
// CHECK-NOT: attention
// CHECK: return
nf.program @scores_read(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}, tensor<2x3x6x6xf32> {nf.name = "s"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.softmax %s : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y, %s : tensor<2x6x12xf32>, tensor<2x3x6x6xf32>
}

// Scores without softmax.
// CHECK-LABEL: program @not_softmax
// CHECK-NOT: attention
// CHECK: return
nf.program @not_softmax(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.exp %s : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// Softmax over the queries.
// CHECK-LABEL: program @over_queries
// CHECK-NOT: attention
// CHECK: return
nf.program @over_queries(%q: tensor<2x6x12xf32> {nf.name = "q"}, %k: tensor<2x6x12xf32> {nf.name = "k"}, %v: tensor<2x6x12xf32> {nf.name = "v"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %q4 = nf.reshape %q : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %qh = nf.transpose %q4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %k4 = nf.reshape %k : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %kh = nf.transpose %k4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %v4 = nf.reshape %v : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %vh = nf.transpose %v4 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s = nf.matmul %qh, %kh {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %st = nf.transpose %s [0, 1, 3, 2] : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %pt = nf.softmax %st : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %p = nf.transpose %pt [0, 1, 3, 2] : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o = nf.matmul %p, %vh : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t = nf.transpose %o [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %t : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y : tensor<2x6x12xf32>
}

// No-op.
// CHECK-LABEL: program @composite
// CHECK-NEXT: %[[A:.*]]:2 = attention %q, %q, %q
// CHECK-NEXT: return %[[A]]#0
nf.program @composite(%q: tensor<2x6x12xf32> {nf.name = "q"}) -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %y, %lse = nf.attention %q, %q, %q {heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x6x12xf32>, tensor<2x6x12xf32>, tensor<2x6x12xf32>) -> (tensor<2x6x12xf32>, tensor<2x3x6xf32>)
  nf.return %y : tensor<2x6x12xf32>
}

nf.parameter @bias : tensor<6x6xf32> {init = "zeros"}

// Equal masks whose numbers a key are equal, but not the same value: each attention reads its own.
// CHECK-LABEL: program @equal_paddings
// CHECK: %[[I0:.*]] = cast %pad
// CHECK: %[[F0:.*]] = cast %[[I0]]
// CHECK: %[[A:.*]]:2 = attention %x, %x, %x key_padding %[[F0]]
// CHECK: %[[I1:.*]] = cast %pad
// CHECK: %[[F1:.*]] = cast %[[I1]]
// CHECK: attention %[[A]]#0, %[[A]]#0, %[[A]]#0 key_padding %[[F1]]
nf.program @equal_paddings(%x: tensor<2x6x12xf32> {nf.name = "x"}, %pad: tensor<2x6xf32> {nf.name = "pad"})
    -> (tensor<2x6x12xf32> {nf.name = "y"}) {
  %zero = nf.constant dense<0> : tensor<1xi32>
  %low = nf.constant dense<-1.0e30> : tensor<1xf32>
  %q0 = nf.reshape %x : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %h0 = nf.transpose %q0 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s0 = nf.matmul %h0, %h0 {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %i0 = nf.cast %pad : (tensor<2x6xf32>) -> tensor<2x6xi32>
  %c0 = nf.compare ne %i0, %zero : (tensor<2x6xi32>, tensor<1xi32>) -> tensor<2x6xi1>
  %m0 = nf.reshape %c0 : (tensor<2x6xi1>) -> tensor<2x1x1x6xi1>
  %a0 = nf.where %m0, %s0, %low : (tensor<2x1x1x6xi1>, tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %p0 = nf.softmax %a0 : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o0 = nf.matmul %p0, %h0 : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t0 = nf.transpose %o0 [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y0 = nf.reshape %t0 : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  %q1 = nf.reshape %y0 : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %h1 = nf.transpose %q1 [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %s1 = nf.matmul %h1, %h1 {transpose_b} : (tensor<2x3x6x4xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x6xf32>
  %i1 = nf.cast %pad : (tensor<2x6xf32>) -> tensor<2x6xi32>
  %c1 = nf.compare ne %i1, %zero : (tensor<2x6xi32>, tensor<1xi32>) -> tensor<2x6xi1>
  %m1 = nf.reshape %c1 : (tensor<2x6xi1>) -> tensor<2x1x1x6xi1>
  %a1 = nf.where %m1, %s1, %low : (tensor<2x1x1x6xi1>, tensor<2x3x6x6xf32>, tensor<1xf32>) -> tensor<2x3x6x6xf32>
  %p1 = nf.softmax %a1 : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  %o1 = nf.matmul %p1, %h1 : (tensor<2x3x6x6xf32>, tensor<2x3x6x4xf32>) -> tensor<2x3x6x4xf32>
  %t1 = nf.transpose %o1 [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y1 = nf.reshape %t1 : (tensor<2x6x3x4xf32>) -> tensor<2x6x12xf32>
  nf.return %y1 : tensor<2x6x12xf32>
}
