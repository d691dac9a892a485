// RUN: nf-opt --nf-raise-layer-norm %s | FileCheck %s
// RUN: nf-check %s --against='pass:nf.program(nf-raise-layer-norm)' --tolerance=1e-5

nf.parameter @w : tensor<8xf32> {init = "ones"}
nf.parameter @b : tensor<8xf32> {init = "zeros"}
nf.parameter @w3 : tensor<1x1x8xf32> {init = "ones"}
nf.parameter @tokens : tensor<3x8xf32> {init = "ones"}

// As PyTorch's exporter writes it: Pow by 2, √, division, then scale and shift.
// CHECK-LABEL: program @power_and_root
// CHECK: %[[Y:[^,]*]], %{{.*}} = layer_norm %x, %[[W:.*]], %[[B:.*]] {eps = 1.000000e-05 : f64}
// CHECK-NEXT: return %[[Y]]
nf.program @power_and_root(%x: tensor<2x3x8xf32> {nf.name = "x"}) -> (tensor<2x3x8xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %two = nf.constant dense<2.0> : tensor<1xf32>
  %eps = nf.constant dense<1.0e-5> : tensor<f32>
  %mean = nf.reduce_mean %x axes [2] : (tensor<2x3x8xf32>) -> tensor<2x3x1xf32>
  %c = nf.sub %x, %mean : (tensor<2x3x8xf32>, tensor<2x3x1xf32>) -> tensor<2x3x8xf32>
  %s = nf.mul %c, %c : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %v = nf.reduce_mean %s axes [2] : (tensor<2x3x8xf32>) -> tensor<2x3x1xf32>
  %e = nf.add %v, %eps : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %d = nf.sqrt %e : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %n = nf.div %c, %d : (tensor<2x3x8xf32>, tensor<2x3x1xf32>) -> tensor<2x3x8xf32>
  %m = nf.mul %n, %w : (tensor<2x3x8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  %y = nf.add %m, %b : (tensor<2x3x8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  nf.return %y : tensor<2x3x8xf32>
}

// As TensorFlow writes it: x · (rstd · w) + (b − mean · rstd · w), with sums instead of means and E[x²] − E[x]².
// CHECK-LABEL: program @shift_and_scale
// CHECK: layer_norm %x, %{{.*}}, %{{.*}} {eps = 1.000000e-03 : f64}
// CHECK-NEXT: return
nf.program @shift_and_scale(%x: tensor<6x8xf32> {nf.name = "x"}) -> (tensor<6x8xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %count = nf.constant dense<0.125> : tensor<1xf32>
  %eps = nf.constant dense<1.0e-3> : tensor<1xf32>
  %sum = nf.reduce_sum %x axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %mean = nf.mul %count, %sum : (tensor<1xf32>, tensor<6x1xf32>) -> tensor<6x1xf32>
  %xx = nf.mul %x, %x : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %square = nf.reduce_mean %xx axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %mm = nf.mul %mean, %mean : (tensor<6x1xf32>, tensor<6x1xf32>) -> tensor<6x1xf32>
  %v = nf.sub %square, %mm : (tensor<6x1xf32>, tensor<6x1xf32>) -> tensor<6x1xf32>
  %e = nf.add %eps, %v : (tensor<1xf32>, tensor<6x1xf32>) -> tensor<6x1xf32>
  %r = nf.rsqrt %e : (tensor<6x1xf32>) -> tensor<6x1xf32>
  %rw = nf.mul %r, %w : (tensor<6x1xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  %xrw = nf.mul %x, %rw : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %mrw = nf.mul %mean, %rw : (tensor<6x1xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %shift = nf.sub %b, %mrw : (tensor<8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %y = nf.add %xrw, %shift : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  nf.return %y : tensor<6x8xf32>
}

// Reductions that drop their axis, a power of −1/2, a weight of [1, 1, columns] and no bias.
// CHECK-LABEL: program @weight_only
// CHECK-DAG: %[[ZEROS:.*]] = constant dense<0.000000e+00> : tensor<8xf32>
// CHECK-DAG: %[[W:.*]] = reshape %{{.*}} : (tensor<1x1x8xf32>) -> tensor<8xf32>
// CHECK: layer_norm %x, %[[W]], %[[ZEROS]]
nf.program @weight_only(%x: tensor<2x3x8xf32> {nf.name = "x"}) -> (tensor<2x3x8xf32> {nf.name = "y"}) {
  %w = nf.get @w3 : tensor<1x1x8xf32>
  %power = nf.constant dense<-0.5> : tensor<1xf32>
  %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
  %k = nf.reduce_mean %x axes [2] : (tensor<2x3x8xf32>) -> tensor<2x3x1xf32>
  %flat = nf.reshape %k : (tensor<2x3x1xf32>) -> tensor<2x3xf32>
  %mean = nf.reshape %flat : (tensor<2x3xf32>) -> tensor<2x3x1xf32>
  %wide = nf.broadcast %mean : (tensor<2x3x1xf32>) -> tensor<2x3x8xf32>
  %c = nf.sub %x, %wide : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %s = nf.mul %c, %c : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %v = nf.reduce_mean %s axes [2] : (tensor<2x3x8xf32>) -> tensor<2x3x1xf32>
  %e = nf.add %v, %eps : (tensor<2x3x1xf32>, tensor<1xf32>) -> tensor<2x3x1xf32>
  %r = nf.pow %e, %power : (tensor<2x3x1xf32>, tensor<1xf32>) -> tensor<2x3x1xf32>
  %n = nf.mul %r, %c : (tensor<2x3x1xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %y = nf.mul %w, %n : (tensor<1x1x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  nf.return %y : tensor<2x3x8xf32>
}

// CHECK-LABEL: program @no_affine
// CHECK: normalize %x {eps = 1.000000e-05 : f64}
nf.program @no_affine(%x: tensor<6x8xf32> {nf.name = "x"}) -> (tensor<6x8xf32> {nf.name = "y"}) {
  %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
  %mean = nf.reduce_mean %x axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %c = nf.sub %x, %mean : (tensor<6x8xf32>, tensor<6x1xf32>) -> tensor<6x8xf32>
  %s = nf.mul %c, %c : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %v = nf.reduce_mean %s axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %e = nf.add %v, %eps : (tensor<6x1xf32>, tensor<1xf32>) -> tensor<6x1xf32>
  %r = nf.rsqrt %e : (tensor<6x1xf32>) -> tensor<6x1xf32>
  %y = nf.mul %c, %r : (tensor<6x8xf32>, tensor<6x1xf32>) -> tensor<6x8xf32>
  nf.return %y : tensor<6x8xf32>
}

// Near misses.

// The sample variance: 1/7 instead of 1/8.
// CHECK-LABEL: program @sample_variance
// CHECK-NOT: layer_norm
// CHECK-NOT: normalize
// CHECK: return
nf.program @sample_variance(%x: tensor<6x8xf32> {nf.name = "x"}) -> (tensor<6x8xf32> {nf.name = "y"}) {
  %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
  %count = nf.constant dense<7.0> : tensor<1xf32>
  %mean = nf.reduce_mean %x axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %c = nf.sub %x, %mean : (tensor<6x8xf32>, tensor<6x1xf32>) -> tensor<6x8xf32>
  %s = nf.mul %c, %c : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %sum = nf.reduce_sum %s axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %v = nf.div %sum, %count : (tensor<6x1xf32>, tensor<1xf32>) -> tensor<6x1xf32>
  %e = nf.add %v, %eps : (tensor<6x1xf32>, tensor<1xf32>) -> tensor<6x1xf32>
  %r = nf.rsqrt %e : (tensor<6x1xf32>) -> tensor<6x1xf32>
  %y = nf.mul %c, %r : (tensor<6x8xf32>, tensor<6x1xf32>) -> tensor<6x8xf32>
  nf.return %y : tensor<6x8xf32>
}

// The epsilon outside of the root.
// CHECK-LABEL: program @eps_outside
// CHECK-NOT: layer_norm
// CHECK-NOT: normalize
// CHECK: return
nf.program @eps_outside(%x: tensor<6x8xf32> {nf.name = "x"}) -> (tensor<6x8xf32> {nf.name = "y"}) {
  %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
  %mean = nf.reduce_mean %x axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %c = nf.sub %x, %mean : (tensor<6x8xf32>, tensor<6x1xf32>) -> tensor<6x8xf32>
  %s = nf.mul %c, %c : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %v = nf.reduce_mean %s axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %d = nf.sqrt %v : (tensor<6x1xf32>) -> tensor<6x1xf32>
  %e = nf.add %d, %eps : (tensor<6x1xf32>, tensor<1xf32>) -> tensor<6x1xf32>
  %y = nf.div %c, %e : (tensor<6x8xf32>, tensor<6x1xf32>) -> tensor<6x8xf32>
  nf.return %y : tensor<6x8xf32>
}

// RMSNorm: no mean is subtracted.
// CHECK-LABEL: program @no_mean
// CHECK-NOT: layer_norm
// CHECK-NOT: normalize
// CHECK: return
nf.program @no_mean(%x: tensor<6x8xf32> {nf.name = "x"}) -> (tensor<6x8xf32> {nf.name = "y"}) {
  %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
  %s = nf.mul %x, %x : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %v = nf.reduce_mean %s axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %e = nf.add %v, %eps : (tensor<6x1xf32>, tensor<1xf32>) -> tensor<6x1xf32>
  %r = nf.rsqrt %e : (tensor<6x1xf32>) -> tensor<6x1xf32>
  %y = nf.mul %x, %r : (tensor<6x8xf32>, tensor<6x1xf32>) -> tensor<6x8xf32>
  nf.return %y : tensor<6x8xf32>
}

// Over the first axis.
// CHECK-LABEL: program @wrong_axis
// CHECK-NOT: layer_norm
// CHECK-NOT: normalize
// CHECK: return
nf.program @wrong_axis(%x: tensor<8x8xf32> {nf.name = "x"}) -> (tensor<8x8xf32> {nf.name = "y"}) {
  %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
  %mean = nf.reduce_mean %x axes [0] : (tensor<8x8xf32>) -> tensor<1x8xf32>
  %c = nf.sub %x, %mean : (tensor<8x8xf32>, tensor<1x8xf32>) -> tensor<8x8xf32>
  %s = nf.mul %c, %c : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %v = nf.reduce_mean %s axes [0] : (tensor<8x8xf32>) -> tensor<1x8xf32>
  %e = nf.add %v, %eps : (tensor<1x8xf32>, tensor<1xf32>) -> tensor<1x8xf32>
  %r = nf.rsqrt %e : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %y = nf.mul %c, %r : (tensor<8x8xf32>, tensor<1x8xf32>) -> tensor<8x8xf32>
  nf.return %y : tensor<8x8xf32>
}

// A mean of rows that is spread over columns: shapes fit, since there are as many.
// CHECK-LABEL: program @mean_of_other_rows
// CHECK-NOT: layer_norm
// CHECK-NOT: normalize
// CHECK: return
nf.program @mean_of_other_rows(%x: tensor<8x8xf32> {nf.name = "x"}) -> (tensor<8x8xf32> {nf.name = "y"}) {
  %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
  %k = nf.reduce_mean %x axes [1] : (tensor<8x8xf32>) -> tensor<8x1xf32>
  %mean = nf.reshape %k : (tensor<8x1xf32>) -> tensor<8xf32>
  %c = nf.sub %x, %mean : (tensor<8x8xf32>, tensor<8xf32>) -> tensor<8x8xf32>
  %s = nf.mul %c, %c : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %v = nf.reduce_mean %s axes [1] : (tensor<8x8xf32>) -> tensor<8x1xf32>
  %e = nf.add %v, %eps : (tensor<8x1xf32>, tensor<1xf32>) -> tensor<8x1xf32>
  %r = nf.rsqrt %e : (tensor<8x1xf32>) -> tensor<8x1xf32>
  %y = nf.mul %c, %r : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  nf.return %y : tensor<8x8xf32>
}

// A weight over two axes: what it multiplies is raised, it is not.
// CHECK-LABEL: program @weight_of_two_axes
// CHECK-NOT: layer_norm
// CHECK: %[[N:[^,]*]], %{{.*}} = normalize %x
// CHECK: mul %[[N]], %
nf.program @weight_of_two_axes(%x: tensor<2x3x8xf32> {nf.name = "x"}) -> (tensor<2x3x8xf32> {nf.name = "y"}) {
  %w = nf.get @tokens : tensor<3x8xf32>
  %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
  %mean = nf.reduce_mean %x axes [2] : (tensor<2x3x8xf32>) -> tensor<2x3x1xf32>
  %c = nf.sub %x, %mean : (tensor<2x3x8xf32>, tensor<2x3x1xf32>) -> tensor<2x3x8xf32>
  %s = nf.mul %c, %c : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %v = nf.reduce_mean %s axes [2] : (tensor<2x3x8xf32>) -> tensor<2x3x1xf32>
  %e = nf.add %v, %eps : (tensor<2x3x1xf32>, tensor<1xf32>) -> tensor<2x3x1xf32>
  %r = nf.rsqrt %e : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %n = nf.mul %c, %r : (tensor<2x3x8xf32>, tensor<2x3x1xf32>) -> tensor<2x3x8xf32>
  %y = nf.mul %n, %w : (tensor<2x3x8xf32>, tensor<3x8xf32>) -> tensor<2x3x8xf32>
  nf.return %y : tensor<2x3x8xf32>
}

// The centred value is a result too.
// CHECK-LABEL: program @read_elsewhere
// CHECK-NOT: layer_norm
// CHECK-NOT: normalize
// CHECK: return
nf.program @read_elsewhere(%x: tensor<6x8xf32> {nf.name = "x"})
    -> (tensor<6x8xf32> {nf.name = "y"}, tensor<6x8xf32> {nf.name = "c"}) {
  %eps = nf.constant dense<1.0e-5> : tensor<1xf32>
  %mean = nf.reduce_mean %x axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %c = nf.sub %x, %mean : (tensor<6x8xf32>, tensor<6x1xf32>) -> tensor<6x8xf32>
  %s = nf.mul %c, %c : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %v = nf.reduce_mean %s axes [1] : (tensor<6x8xf32>) -> tensor<6x1xf32>
  %e = nf.add %v, %eps : (tensor<6x1xf32>, tensor<1xf32>) -> tensor<6x1xf32>
  %r = nf.rsqrt %e : (tensor<6x1xf32>) -> tensor<6x1xf32>
  %y = nf.mul %c, %r : (tensor<6x8xf32>, tensor<6x1xf32>) -> tensor<6x8xf32>
  nf.return %y, %c : tensor<6x8xf32>, tensor<6x8xf32>
}

// No-op: the composite op stays, and a residual sum is none of it.
// CHECK-LABEL: program @composite
// CHECK: %[[Y:[^,]*]], %{{.*}} = layer_norm
// CHECK-NEXT: add %[[Y]], %x
nf.program @composite(%x: tensor<6x8xf32> {nf.name = "x"}) -> (tensor<6x8xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %y, %m, %r = nf.layer_norm %x, %w, %b {eps = 1.0e-5 : f64}
    : (tensor<6x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<6x8xf32>, tensor<6x1xf32>, tensor<6x1xf32>)
  %z = nf.add %y, %x : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  nf.return %z : tensor<6x8xf32>
}

// A norm without a weight of its own takes in the one that follows, which may be computed of a parameter, and a shift.
// CHECK-LABEL: program @weight_follows
// CHECK: %[[W:.*]] = add %{{.*}}, %{{.*}} : (tensor<8xf32>, tensor<1xf32>)
// CHECK: %[[Y:[^,]*]], %{{.*}} = layer_norm %x, %[[W]], %[[B:[^ ]*]] {
// CHECK-NEXT: return %[[Y]]
nf.program @weight_follows(%x: tensor<6x8xf32> {nf.name = "x"}) -> (tensor<6x8xf32> {nf.name = "y"}) {
  %ones = nf.constant dense<1.0> : tensor<8xf32>
  %zeros = nf.constant dense<0.0> : tensor<8xf32>
  %one = nf.constant dense<1.0> : tensor<1xf32>
  %w = nf.get @w : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %gamma = nf.add %w, %one : (tensor<8xf32>, tensor<1xf32>) -> tensor<8xf32>
  %n, %m, %r = nf.layer_norm %x, %ones, %zeros {eps = 1.0e-5 : f64}
    : (tensor<6x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<6x8xf32>, tensor<6x1xf32>, tensor<6x1xf32>)
  %s = nf.mul %gamma, %n : (tensor<8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %y = nf.add %s, %b : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  nf.return %y : tensor<6x8xf32>
}

// Near misses: a norm with a weight, one that something else reads, and factors that are no vector of weights.
// CHECK-LABEL: program @has_weight
// CHECK: layer_norm %x, %{{.*}}
// CHECK-NEXT: mul
nf.program @has_weight(%x: tensor<6x8xf32> {nf.name = "x"}) -> (tensor<6x8xf32> {nf.name = "y"}) {
  %zeros = nf.constant dense<0.0> : tensor<8xf32>
  %w = nf.get @w : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %n, %m, %r = nf.layer_norm %x, %w, %zeros {eps = 1.0e-5 : f64}
    : (tensor<6x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<6x8xf32>, tensor<6x1xf32>, tensor<6x1xf32>)
  %y = nf.mul %n, %b : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  nf.return %y : tensor<6x8xf32>
}

// CHECK-LABEL: program @shifted_before
// CHECK: layer_norm %x, %{{.*}}
// CHECK-NEXT: mul
nf.program @shifted_before(%x: tensor<6x8xf32> {nf.name = "x"}) -> (tensor<6x8xf32> {nf.name = "y"}) {
  %ones = nf.constant dense<1.0> : tensor<8xf32>
  %w = nf.get @w : tensor<8xf32>
  %b = nf.get @b : tensor<8xf32>
  %n, %m, %r = nf.layer_norm %x, %ones, %b {eps = 1.0e-5 : f64}
    : (tensor<6x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<6x8xf32>, tensor<6x1xf32>, tensor<6x1xf32>)
  %y = nf.mul %n, %w : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  nf.return %y : tensor<6x8xf32>
}

// CHECK-LABEL: program @norm_read_twice
// CHECK: layer_norm %x, %{{.*}}
// CHECK-NEXT: mul
nf.program @norm_read_twice(%x: tensor<6x8xf32> {nf.name = "x"})
    -> (tensor<6x8xf32> {nf.name = "y"}, tensor<6x8xf32> {nf.name = "n"}) {
  %ones = nf.constant dense<1.0> : tensor<8xf32>
  %zeros = nf.constant dense<0.0> : tensor<8xf32>
  %w = nf.get @w : tensor<8xf32>
  %n, %m, %r = nf.layer_norm %x, %ones, %zeros {eps = 1.0e-5 : f64}
    : (tensor<6x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<6x8xf32>, tensor<6x1xf32>, tensor<6x1xf32>)
  %y = nf.mul %n, %w : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  nf.return %y, %n : tensor<6x8xf32>, tensor<6x8xf32>
}

// CHECK-LABEL: program @factor_is_data
// CHECK: layer_norm %x, %{{.*}}
// CHECK-NEXT: mul
nf.program @factor_is_data(%x: tensor<6x8xf32> {nf.name = "x"}, %f: tensor<8xf32> {nf.name = "f"})
    -> (tensor<6x8xf32> {nf.name = "y"}) {
  %ones = nf.constant dense<1.0> : tensor<8xf32>
  %zeros = nf.constant dense<0.0> : tensor<8xf32>
  %n, %m, %r = nf.layer_norm %x, %ones, %zeros {eps = 1.0e-5 : f64}
    : (tensor<6x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<6x8xf32>, tensor<6x1xf32>, tensor<6x1xf32>)
  %y = nf.mul %n, %f : (tensor<6x8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  nf.return %y : tensor<6x8xf32>
}
