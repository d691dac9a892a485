// RUN: nf-opt --nf-simplify %s | FileCheck %s
// RUN: nf-check %s --against='pass:nf.program(nf-simplify)' --tolerance=1e-6

// CHECK-LABEL: program @neutral
// CHECK: %[[Y:.*]] = exp %x
// CHECK-NEXT: return %[[Y]]
nf.program @neutral(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %one = nf.constant dense<1.0> : tensor<4x8xf32>
  %zero = nf.constant dense<0.0> : tensor<f32>
  %a = nf.mul %one, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %b = nf.div %a, %one : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %c = nf.add %zero, %b : (tensor<f32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %d = nf.sub %c, %zero : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %e = nf.broadcast %d : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %f = nf.slice %e axis 0 from 0 size 4 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nf.exp %f : (tensor<4x8xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// Near misses: 0 − x and 1 / x are not x; a product with 1 that repeats x is more than x.
// CHECK-LABEL: program @not_neutral
// CHECK: sub
// CHECK: div
// CHECK: mul
nf.program @not_neutral(%x: tensor<1x8xf32> {nf.name = "x", nf.range = [1.0, 2.0]}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  %one = nf.constant dense<1.0> : tensor<1xf32>
  %ones = nf.constant dense<1.0> : tensor<4x1xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %a = nf.sub %zero, %x : (tensor<1xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  %b = nf.div %one, %a : (tensor<1xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  %y = nf.mul %b, %ones : (tensor<1x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  nf.return %y : tensor<4x8xf32>
}

// 2 · x · 4 / 8 is x; −x · 3 is one product. The middle of a chain that is read elsewhere stays.
// CHECK-LABEL: program @factors
// CHECK: %[[C:.*]] = constant dense<-3.000000e+00> : tensor<1xf32>
// CHECK: %[[Z:.*]] = mul %x, %[[C]]
// CHECK: %[[A:.*]] = mul %x, %
// CHECK: %[[B:.*]] = mul %[[A]], %
// CHECK: return %x, %[[Z]], %[[A]], %[[B]]
nf.program @factors(%x: tensor<4xf32> {nf.name = "x"})
    -> (tensor<4xf32> {nf.name = "y"}, tensor<4xf32> {nf.name = "z"}, tensor<4xf32> {nf.name = "a"},
        tensor<4xf32> {nf.name = "b"}) {
  %two = nf.constant dense<2.0> : tensor<1xf32>
  %three = nf.constant dense<3.0> : tensor<1xf32>
  %four = nf.constant dense<4.0> : tensor<1xf32>
  %eight = nf.constant dense<8.0> : tensor<4xf32>
  %p = nf.mul %two, %x : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %q = nf.mul %p, %four : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %y = nf.div %q, %eight : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %n = nf.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %z = nf.mul %n, %three : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %a = nf.mul %x, %two : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %b = nf.mul %a, %three : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  nf.return %y, %z, %a, %b : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// A chain whose elements end where they began; with factors in between, which move behind it.
// CHECK-LABEL: program @there_and_back
// CHECK: %[[F:.*]] = constant dense<2.000000e+00>
// CHECK: %[[R:.*]] = reshape %x : (tensor<2x6x12xf32>) -> tensor<12x12xf32>
// CHECK-NEXT: %[[Y:.*]] = mul %[[R]], %{{.*}}
// CHECK-NEXT: return %[[Y]]
nf.program @there_and_back(%x: tensor<2x6x12xf32> {nf.name = "x"}) -> (tensor<12x12xf32> {nf.name = "y"}) {
  %f = nf.constant dense<2.0> : tensor<1xf32>
  %a = nf.reshape %x : (tensor<2x6x12xf32>) -> tensor<2x6x3x4xf32>
  %b = nf.transpose %a [0, 2, 1, 3] : (tensor<2x6x3x4xf32>) -> tensor<2x3x6x4xf32>
  %c = nf.reshape %b : (tensor<2x3x6x4xf32>) -> tensor<6x6x4xf32>
  %d = nf.mul %c, %f : (tensor<6x6x4xf32>, tensor<1xf32>) -> tensor<6x6x4xf32>
  %e = nf.reshape %d : (tensor<6x6x4xf32>) -> tensor<2x3x6x4xf32>
  %g = nf.transpose %e [0, 2, 1, 3] : (tensor<2x3x6x4xf32>) -> tensor<2x6x3x4xf32>
  %y = nf.reshape %g : (tensor<2x6x3x4xf32>) -> tensor<12x12xf32>
  nf.return %y : tensor<12x12xf32>
}

// Two transposes are one.
// CHECK-LABEL: program @one_transpose
// CHECK-NEXT: %[[Y:.*]] = transpose %x [2, 0, 1]
// CHECK-NEXT: return %[[Y]]
nf.program @one_transpose(%x: tensor<2x3x4xf32> {nf.name = "x"}) -> (tensor<4x2x3xf32> {nf.name = "y"}) {
  %a = nf.transpose %x [0, 2, 1] : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %y = nf.transpose %a [1, 0, 2] : (tensor<2x4x3xf32>) -> tensor<4x2x3xf32>
  nf.return %y : tensor<4x2x3xf32>
}

// Near miss: back in the same shape, but not in the same order.
// CHECK-LABEL: program @another_order
// CHECK: transpose
// CHECK: return
nf.program @another_order(%x: tensor<2x6x6xf32> {nf.name = "x"}) -> (tensor<2x6x6xf32> {nf.name = "y"}) {
  %a = nf.reshape %x : (tensor<2x6x6xf32>) -> tensor<12x6xf32>
  %b = nf.transpose %a [1, 0] : (tensor<12x6xf32>) -> tensor<6x12xf32>
  %y = nf.reshape %b : (tensor<6x12xf32>) -> tensor<2x6x6xf32>
  nf.return %y : tensor<2x6x6xf32>
}

// CHECK-LABEL: program @slices
// CHECK: slice %x axis 1 from 12 size 12 : (tensor<6x36xf32>)
// CHECK: transpose
nf.program @slices(%x: tensor<6x36xf32> {nf.name = "x"}) -> (tensor<1x3x6x4xf32> {nf.name = "y"}) {
  %a = nf.reshape %x : (tensor<6x36xf32>) -> tensor<6x3x3x4xf32>
  %b = nf.transpose %a [1, 2, 0, 3] : (tensor<6x3x3x4xf32>) -> tensor<3x3x6x4xf32>
  %y = nf.slice %b axis 0 from 1 size 1 : (tensor<3x3x6x4xf32>) -> tensor<1x3x6x4xf32>
  nf.return %y : tensor<1x3x6x4xf32>
}

// CHECK-LABEL: program @products
// CHECK: matmul %x, %z {transpose_a, transpose_b}
// CHECK: mul
nf.program @products(%x: tensor<5x4xf32> {nf.name = "x"}, %z: tensor<3x5xf32> {nf.name = "z"})
    -> (tensor<4x3xf32> {nf.name = "y"}, tensor<1x4x3xf32> {nf.name = "o"}) {
  %xt = nf.transpose %x [1, 0] : (tensor<5x4xf32>) -> tensor<4x5xf32>
  %zt = nf.transpose %z [1, 0] : (tensor<3x5xf32>) -> tensor<5x3xf32>
  %y = nf.matmul %xt, %zt : (tensor<4x5xf32>, tensor<5x3xf32>) -> tensor<4x3xf32>
  %c = nf.slice %y axis 1 from 0 size 1 : (tensor<4x3xf32>) -> tensor<4x1xf32>
  %r = nf.slice %y axis 0 from 0 size 1 : (tensor<4x3xf32>) -> tensor<1x3xf32>
  %c3 = nf.reshape %c : (tensor<4x1xf32>) -> tensor<1x4x1xf32>
  %r3 = nf.reshape %r : (tensor<1x3xf32>) -> tensor<1x1x3xf32>
  %o = nf.matmul %c3, %r3 : (tensor<1x4x1xf32>, tensor<1x1x3xf32>) -> tensor<1x4x3xf32>
  nf.return %y, %o : tensor<4x3xf32>, tensor<1x4x3xf32>
}

// A time-first model: its transposes meet behind the layers and cancel. Values that are not transposed alike stay.
// CHECK-LABEL: program @time_first
// CHECK-NOT: transpose
// CHECK: %[[L:.*]] = linear %x, %w bias %b
// CHECK: %[[N:[^,]*]], %{{.*}} = layer_norm %[[L]]
// CHECK: %[[G:.*]] = gelu %[[N]]
// CHECK: %[[S:.*]] = add %[[G]], %[[L]]
// CHECK: %[[T:.*]] = transpose %z [1, 0, 2]
// CHECK: %[[O:.*]] = add %x, %[[T]]
// CHECK: return %[[S]], %[[O]]
nf.program @time_first(%x: tensor<2x3x4xf32> {nf.name = "x"}, %z: tensor<3x2x4xf32> {nf.name = "z"},
                       %w: tensor<4x4xf32> {nf.name = "w"}, %b: tensor<4xf32> {nf.name = "b"})
    -> (tensor<2x3x4xf32> {nf.name = "y"}, tensor<2x3x4xf32> {nf.name = "o"}) {
  %t = nf.transpose %x [1, 0, 2] : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
  %f = nf.reshape %t : (tensor<3x2x4xf32>) -> tensor<6x4xf32>
  %l = nf.linear %f, %w bias %b : (tensor<6x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<6x4xf32>
  %r = nf.reshape %l : (tensor<6x4xf32>) -> tensor<3x2x4xf32>
  %n, %mean, %rstd = nf.layer_norm %r, %b, %b {eps = 1.0e-5 : f64}
    : (tensor<3x2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<3x2x4xf32>, tensor<3x2x1xf32>, tensor<3x2x1xf32>)
  %g = nf.gelu %n : (tensor<3x2x4xf32>) -> tensor<3x2x4xf32>
  %s = nf.add %g, %r : (tensor<3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<3x2x4xf32>
  %y = nf.transpose %s [1, 0, 2] : (tensor<3x2x4xf32>) -> tensor<2x3x4xf32>
  %u = nf.transpose %z [1, 0, 2] : (tensor<3x2x4xf32>) -> tensor<2x3x4xf32>
  %o = nf.add %x, %u : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  nf.return %y, %o : tensor<2x3x4xf32>, tensor<2x3x4xf32>
}

// No-op.
// CHECK-LABEL: program @nothing
// CHECK-NEXT: %[[R:.*]] = reshape %x
// CHECK-NEXT: %[[T:.*]] = transpose %[[R]] [0, 2, 1]
// CHECK-NEXT: return %[[T]]
nf.program @nothing(%x: tensor<6x12xf32> {nf.name = "x"}) -> (tensor<6x4x3xf32> {nf.name = "y"}) {
  %a = nf.reshape %x : (tensor<6x12xf32>) -> tensor<6x3x4xf32>
  %y = nf.transpose %a [0, 2, 1] : (tensor<6x3x4xf32>) -> tensor<6x4x3xf32>
  nf.return %y : tensor<6x4x3xf32>
}
