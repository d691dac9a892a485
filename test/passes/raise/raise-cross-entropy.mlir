// RUN: nf-opt --nf-raise-cross-entropy %s | FileCheck %s
// RUN: nf-check %s --against='pass:nf.program(nf-raise-cross-entropy)' --tolerance=1e-5

nf.parameter @head : tensor<16x8xf32> {init = "zeros"}
nf.parameter @b : tensor<16xf32> {init = "zeros"}

// The mean over tokens.
// CHECK-LABEL: program @mean
// CHECK-DAG: %[[SCALE:.*]] = constant dense<1.000000e-01> : tensor<1xf32>
// CHECK-DAG: %[[ONES:.*]] = constant dense<1.000000e+00> : tensor<2x5xf32>
// CHECK: %[[Y:.*]] = linear_cross_entropy %x, %head, %targets, %[[ONES]], %[[SCALE]]
// CHECK-NEXT: return %[[Y]]
nf.program @mean(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 16 : i64})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %l = nf.linear %x, %w : (tensor<2x5x8xf32>, tensor<16x8xf32>) -> tensor<2x5x16xf32>
  %m = nf.reduce_max %l axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %c = nf.sub %l, %m : (tensor<2x5x16xf32>, tensor<2x5x1xf32>) -> tensor<2x5x16xf32>
  %e = nf.exp %c : (tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %ls = nf.log %s : (tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %lse = nf.add %m, %ls : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %t = nf.reshape %targets : (tensor<2x5xi32>) -> tensor<2x5x1xi32>
  %j = nf.iota : tensor<16xi32>
  %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<2x5x1xi32>) -> tensor<2x5x16xi1>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %at = nf.where %hot, %l, %zero : (tensor<2x5x16xi1>, tensor<2x5x16xf32>, tensor<1xf32>) -> tensor<2x5x16xf32>
  %picked = nf.reduce_sum %at axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %nll = nf.sub %lse, %picked : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %mean = nf.reduce_mean %nll axes [0, 1, 2] : (tensor<2x5x1xf32>) -> tensor<1x1x1xf32>
  %loss = nf.reshape %mean : (tensor<1x1x1xf32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// log_softmax at the target, negated; weights of tokens, divided by their sum; an output bias.
// CHECK-LABEL: program @weighted_log_softmax
// CHECK: div
// CHECK: linear_cross_entropy %x, %head, %targets, %lw, %{{.*}} bias %b
// CHECK: return
nf.program @weighted_log_softmax(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 16 : i64}, %lw: tensor<2x5xf32> {nf.name = "lw", nf.range = [0.1, 1.0]})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %b = nf.get @b : tensor<16xf32>
  %l = nf.linear %x, %w bias %b : (tensor<2x5x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<2x5x16xf32>
  %m = nf.reduce_max %l axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %c = nf.sub %l, %m : (tensor<2x5x16xf32>, tensor<2x5x1xf32>) -> tensor<2x5x16xf32>
  %e = nf.exp %c : (tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %ls = nf.log %s : (tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %lse = nf.add %m, %ls : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %lp = nf.sub %l, %lse : (tensor<2x5x16xf32>, tensor<2x5x1xf32>) -> tensor<2x5x16xf32>
  %t = nf.reshape %targets : (tensor<2x5xi32>) -> tensor<2x5x1xi32>
  %j = nf.iota : tensor<16xi32>
  %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<2x5x1xi32>) -> tensor<2x5x16xi1>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %at = nf.where %hot, %lp, %zero : (tensor<2x5x16xi1>, tensor<2x5x16xf32>, tensor<1xf32>) -> tensor<2x5x16xf32>
  %picked = nf.reduce_sum %at axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %n = nf.neg %picked : (tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %flat = nf.reshape %n : (tensor<2x5x1xf32>) -> tensor<2x5xf32>
  %ww = nf.mul %flat, %lw : (tensor<2x5xf32>, tensor<2x5xf32>) -> tensor<2x5xf32>
  %sum = nf.reduce_sum %ww axes [0, 1] : (tensor<2x5xf32>) -> tensor<1x1xf32>
  %count = nf.reduce_sum %lw axes [0, 1] : (tensor<2x5xf32>) -> tensor<1x1xf32>
  %d = nf.div %sum, %count : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %loss = nf.reshape %d : (tensor<1x1xf32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// Near misses.

// As exporters of SoftmaxCrossEntropyLoss have it: log_softmax of what is left of the logits and their maximum, of all
// tokens but the last, and 1 or 0 for labels that count or not. The rows are taken of the linear's input.
// CHECK-LABEL: program @of_rows
// CHECK: %[[R:.*]] = slice %x axis 1 from 0 size 4
// CHECK: %[[X:.*]] = reshape %[[R]] : (tensor<2x4x8xf32>) -> tensor<8x8xf32>
// CHECK: linear_cross_entropy %[[X]], %head, %{{.*}}, %{{.*}}, %{{.*}} :
// CHECK: return
nf.program @of_rows(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 16 : i64})
    -> (tensor<1xf32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %one = nf.constant dense<1.0> : tensor<1xf32>
  %ignored = nf.constant dense<3> : tensor<1xi32>
  %first = nf.constant dense<0> : tensor<1xi32>
  %all = nf.linear %x, %w : (tensor<2x5x8xf32>, tensor<16x8xf32>) -> tensor<2x5x16xf32>
  %rows = nf.slice %all axis 1 from 0 size 4 : (tensor<2x5x16xf32>) -> tensor<2x4x16xf32>
  %l = nf.reshape %rows : (tensor<2x4x16xf32>) -> tensor<8x16xf32>
  %next = nf.slice %targets axis 1 from 1 size 4 : (tensor<2x5xi32>) -> tensor<2x4xi32>
  %t = nf.reshape %next : (tensor<2x4xi32>) -> tensor<8xi32>
  %m = nf.reduce_max %l axes [1] : (tensor<8x16xf32>) -> tensor<8x1xf32>
  %c = nf.sub %l, %m : (tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
  %e = nf.exp %c : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %s = nf.reduce_sum %e axes [1] : (tensor<8x16xf32>) -> tensor<8x1xf32>
  %ls = nf.log %s : (tensor<8x1xf32>) -> tensor<8x1xf32>
  %lp = nf.sub %c, %ls : (tensor<8x16xf32>, tensor<8x1xf32>) -> tensor<8x16xf32>
  %off = nf.compare eq %t, %ignored : (tensor<8xi32>, tensor<1xi32>) -> tensor<8xi1>
  %safe = nf.where %off, %first, %t : (tensor<8xi1>, tensor<1xi32>, tensor<8xi32>) -> tensor<8xi32>
  %column = nf.reshape %safe : (tensor<8xi32>) -> tensor<8x1xi32>
  %j = nf.iota : tensor<16xi32>
  %hot = nf.compare eq %j, %column : (tensor<16xi32>, tensor<8x1xi32>) -> tensor<8x16xi1>
  %at = nf.where %hot, %lp, %zero : (tensor<8x16xi1>, tensor<8x16xf32>, tensor<1xf32>) -> tensor<8x16xf32>
  %picked = nf.reduce_sum %at axes [1] : (tensor<8x16xf32>) -> tensor<8x1xf32>
  %flat = nf.reshape %picked : (tensor<8x1xf32>) -> tensor<8xf32>
  %n = nf.neg %flat : (tensor<8xf32>) -> tensor<8xf32>
  %on = nf.where %off, %zero, %one : (tensor<8xi1>, tensor<1xf32>, tensor<1xf32>) -> tensor<8xf32>
  %counted = nf.mul %n, %on : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %count = nf.reduce_sum %on axes [0] : (tensor<8xf32>) -> tensor<1xf32>
  %none = nf.compare eq %count, %zero : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
  %divisor = nf.where %none, %one, %count : (tensor<1xi1>, tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  %sum = nf.reduce_sum %counted axes [0] : (tensor<8xf32>) -> tensor<1xf32>
  %loss = nf.div %sum, %divisor : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  nf.return %loss : tensor<1xf32>
}

// Near miss: some of the classes.
// CHECK-LABEL: program @of_classes
// CHECK-NOT: linear_cross_entropy
// CHECK: return
nf.program @of_classes(%x: tensor<10x8xf32> {nf.name = "x"}, %targets: tensor<10x1xi32> {nf.name = "targets", nf.below = 12 : i64})
    -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %all = nf.linear %x, %w : (tensor<10x8xf32>, tensor<16x8xf32>) -> tensor<10x16xf32>
  %l = nf.slice %all axis 1 from 0 size 12 : (tensor<10x16xf32>) -> tensor<10x12xf32>
  %e = nf.exp %l : (tensor<10x12xf32>) -> tensor<10x12xf32>
  %s = nf.reduce_sum %e axes [1] : (tensor<10x12xf32>) -> tensor<10x1xf32>
  %ls = nf.log %s : (tensor<10x1xf32>) -> tensor<10x1xf32>
  %j = nf.iota : tensor<12xi32>
  %hot = nf.compare eq %j, %targets : (tensor<12xi32>, tensor<10x1xi32>) -> tensor<10x12xi1>
  %at = nf.where %hot, %l, %zero : (tensor<10x12xi1>, tensor<10x12xf32>, tensor<1xf32>) -> tensor<10x12xf32>
  %picked = nf.reduce_sum %at axes [1] : (tensor<10x12xf32>) -> tensor<10x1xf32>
  %nll = nf.sub %ls, %picked : (tensor<10x1xf32>, tensor<10x1xf32>) -> tensor<10x1xf32>
  %loss = nf.reduce_sum %nll axes [0, 1] : (tensor<10x1xf32>) -> tensor<1x1xf32>
  nf.return %loss : tensor<1x1xf32>
}

// The logits are a result too.
// CHECK-LABEL: program @logits_read
// CHECK-NOT: linear_cross_entropy
// CHECK: return
nf.program @logits_read(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 16 : i64})
    -> (tensor<f32> {nf.name = "loss"}, tensor<2x5x16xf32> {nf.name = "logits"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %l = nf.linear %x, %w : (tensor<2x5x8xf32>, tensor<16x8xf32>) -> tensor<2x5x16xf32>
  %m = nf.reduce_max %l axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %c = nf.sub %l, %m : (tensor<2x5x16xf32>, tensor<2x5x1xf32>) -> tensor<2x5x16xf32>
  %e = nf.exp %c : (tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %ls = nf.log %s : (tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %lse = nf.add %m, %ls : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %t = nf.reshape %targets : (tensor<2x5xi32>) -> tensor<2x5x1xi32>
  %j = nf.iota : tensor<16xi32>
  %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<2x5x1xi32>) -> tensor<2x5x16xi1>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %at = nf.where %hot, %l, %zero : (tensor<2x5x16xi1>, tensor<2x5x16xf32>, tensor<1xf32>) -> tensor<2x5x16xf32>
  %picked = nf.reduce_sum %at axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %nll = nf.sub %lse, %picked : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %mean = nf.reduce_mean %nll axes [0, 1, 2] : (tensor<2x5x1xf32>) -> tensor<1x1x1xf32>
  %loss = nf.reshape %mean : (tensor<1x1x1xf32>) -> tensor<f32>
  nf.return %loss, %l : tensor<f32>, tensor<2x5x16xf32>
}

// The logarithm of the sum alone.
// CHECK-LABEL: program @z_loss
// CHECK-NOT: linear_cross_entropy
// CHECK: return
nf.program @z_loss(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 16 : i64})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %l = nf.linear %x, %w : (tensor<2x5x8xf32>, tensor<16x8xf32>) -> tensor<2x5x16xf32>
  %m = nf.reduce_max %l axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %c = nf.sub %l, %m : (tensor<2x5x16xf32>, tensor<2x5x1xf32>) -> tensor<2x5x16xf32>
  %e = nf.exp %c : (tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %ls = nf.log %s : (tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %lse = nf.add %m, %ls : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %nll = nf.mul %lse, %lse : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %mean = nf.reduce_mean %nll axes [0, 1, 2] : (tensor<2x5x1xf32>) -> tensor<1x1x1xf32>
  %loss = nf.reshape %mean : (tensor<1x1x1xf32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// Twice the picked logit.
// CHECK-LABEL: program @smoothed
// CHECK-NOT: linear_cross_entropy
// CHECK: return
nf.program @smoothed(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 16 : i64})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %l = nf.linear %x, %w : (tensor<2x5x8xf32>, tensor<16x8xf32>) -> tensor<2x5x16xf32>
  %m = nf.reduce_max %l axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %c = nf.sub %l, %m : (tensor<2x5x16xf32>, tensor<2x5x1xf32>) -> tensor<2x5x16xf32>
  %e = nf.exp %c : (tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %ls = nf.log %s : (tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %lse = nf.add %m, %ls : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %t = nf.reshape %targets : (tensor<2x5xi32>) -> tensor<2x5x1xi32>
  %j = nf.iota : tensor<16xi32>
  %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<2x5x1xi32>) -> tensor<2x5x16xi1>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %at = nf.where %hot, %l, %zero : (tensor<2x5x16xi1>, tensor<2x5x16xf32>, tensor<1xf32>) -> tensor<2x5x16xf32>
  %picked = nf.reduce_sum %at axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %p2 = nf.add %picked, %picked : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %nll = nf.sub %lse, %p2 : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %mean = nf.reduce_mean %nll axes [0, 1, 2] : (tensor<2x5x1xf32>) -> tensor<1x1x1xf32>
  %loss = nf.reshape %mean : (tensor<1x1x1xf32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// The class after the target.
// CHECK-LABEL: program @next_class
// CHECK-NOT: linear_cross_entropy
// CHECK: return
nf.program @next_class(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 16 : i64})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %l = nf.linear %x, %w : (tensor<2x5x8xf32>, tensor<16x8xf32>) -> tensor<2x5x16xf32>
  %m = nf.reduce_max %l axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %c = nf.sub %l, %m : (tensor<2x5x16xf32>, tensor<2x5x1xf32>) -> tensor<2x5x16xf32>
  %e = nf.exp %c : (tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %ls = nf.log %s : (tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %lse = nf.add %m, %ls : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %t = nf.reshape %targets : (tensor<2x5xi32>) -> tensor<2x5x1xi32>
  %j0 = nf.iota : tensor<16xi32>
  %one = nf.constant dense<1> : tensor<1xi32>
  %j = nf.sub %j0, %one : (tensor<16xi32>, tensor<1xi32>) -> tensor<16xi32>
  %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<2x5x1xi32>) -> tensor<2x5x16xi1>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %at = nf.where %hot, %l, %zero : (tensor<2x5x16xi1>, tensor<2x5x16xf32>, tensor<1xf32>) -> tensor<2x5x16xf32>
  %picked = nf.reduce_sum %at axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %nll = nf.sub %lse, %picked : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %mean = nf.reduce_mean %nll axes [0, 1, 2] : (tensor<2x5x1xf32>) -> tensor<1x1x1xf32>
  %loss = nf.reshape %mean : (tensor<1x1x1xf32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// The mean over one axis only: no loss.
// CHECK-LABEL: program @gradient_of_one
// CHECK-NOT: linear_cross_entropy
// CHECK: return
nf.program @gradient_of_one(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 16 : i64})
    -> (tensor<2x1x1xf32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %l = nf.linear %x, %w : (tensor<2x5x8xf32>, tensor<16x8xf32>) -> tensor<2x5x16xf32>
  %m = nf.reduce_max %l axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %c = nf.sub %l, %m : (tensor<2x5x16xf32>, tensor<2x5x1xf32>) -> tensor<2x5x16xf32>
  %e = nf.exp %c : (tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %ls = nf.log %s : (tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %lse = nf.add %m, %ls : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %t = nf.reshape %targets : (tensor<2x5xi32>) -> tensor<2x5x1xi32>
  %j = nf.iota : tensor<16xi32>
  %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<2x5x1xi32>) -> tensor<2x5x16xi1>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %at = nf.where %hot, %l, %zero : (tensor<2x5x16xi1>, tensor<2x5x16xf32>, tensor<1xf32>) -> tensor<2x5x16xf32>
  %picked = nf.reduce_sum %at axes [2] : (tensor<2x5x16xf32>) -> tensor<2x5x1xf32>
  %nll = nf.sub %lse, %picked : (tensor<2x5x1xf32>, tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %mean = nf.reduce_mean %nll axes [1] : (tensor<2x5x1xf32>) -> tensor<2x1x1xf32>
  nf.return %mean : tensor<2x1x1xf32>
}

// No-op.
// CHECK-LABEL: program @composite
// CHECK: linear_cross_entropy %x, %head, %targets, %lw, %{{.*}} :
nf.program @composite(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x5xi32> {nf.name = "targets", nf.below = 16 : i64}, %lw: tensor<2x5xf32> {nf.name = "lw", nf.range = [0.1, 1.0]})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %scale = nf.constant dense<0.1> : tensor<1xf32>
  %loss = nf.linear_cross_entropy %x, %w, %targets, %lw, %scale : (tensor<2x5x8xf32>, tensor<16x8xf32>, tensor<2x5xi32>,
      tensor<2x5xf32>, tensor<1xf32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// The likelihood of all tokens but the first: its sign is a part of the scale.
// CHECK-LABEL: program @likelihood
// CHECK-DAG: constant dense<-1.000000e+00> : tensor<1xf32>
// CHECK-DAG: slice %x axis 1 from 1 size 4
// CHECK: linear_cross_entropy
// CHECK: return
nf.program @likelihood(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x4xi32> {nf.name = "targets", nf.below = 16 : i64})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %all = nf.linear %x, %w : (tensor<2x5x8xf32>, tensor<16x8xf32>) -> tensor<2x5x16xf32>
  %l = nf.slice %all axis 1 from 1 size 4 : (tensor<2x5x16xf32>) -> tensor<2x4x16xf32>
  %e = nf.exp %l : (tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x4x16xf32>) -> tensor<2x4x1xf32>
  %lse = nf.log %s : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %t = nf.reshape %targets : (tensor<2x4xi32>) -> tensor<2x4x1xi32>
  %j = nf.iota : tensor<16xi32>
  %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<2x4x1xi32>) -> tensor<2x4x16xi1>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %at = nf.where %hot, %l, %zero : (tensor<2x4x16xi1>, tensor<2x4x16xf32>, tensor<1xf32>) -> tensor<2x4x16xf32>
  %picked = nf.reduce_sum %at axes [2] : (tensor<2x4x16xf32>) -> tensor<2x4x1xf32>
  %ll = nf.sub %picked, %lse : (tensor<2x4x1xf32>, tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %sum = nf.reduce_sum %ll axes [0, 1, 2] : (tensor<2x4x1xf32>) -> tensor<1x1x1xf32>
  %loss = nf.reshape %sum : (tensor<1x1x1xf32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

// A number divided by the loss.
// CHECK-LABEL: program @inverse
// CHECK: linear_cross_entropy
// CHECK: div
// CHECK: return
nf.program @inverse(%x: tensor<2x5x8xf32> {nf.name = "x"}, %targets: tensor<2x4xi32> {nf.name = "targets", nf.below = 16 : i64})
    -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @head : tensor<16x8xf32>
  %all = nf.linear %x, %w : (tensor<2x5x8xf32>, tensor<16x8xf32>) -> tensor<2x5x16xf32>
  %l = nf.slice %all axis 1 from 1 size 4 : (tensor<2x5x16xf32>) -> tensor<2x4x16xf32>
  %e = nf.exp %l : (tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  %s = nf.reduce_sum %e axes [2] : (tensor<2x4x16xf32>) -> tensor<2x4x1xf32>
  %lse = nf.log %s : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %t = nf.reshape %targets : (tensor<2x4xi32>) -> tensor<2x4x1xi32>
  %j = nf.iota : tensor<16xi32>
  %hot = nf.compare eq %j, %t : (tensor<16xi32>, tensor<2x4x1xi32>) -> tensor<2x4x16xi1>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %at = nf.where %hot, %l, %zero : (tensor<2x4x16xi1>, tensor<2x4x16xf32>, tensor<1xf32>) -> tensor<2x4x16xf32>
  %picked = nf.reduce_sum %at axes [2] : (tensor<2x4x16xf32>) -> tensor<2x4x1xf32>
  %nll = nf.sub %lse, %picked : (tensor<2x4x1xf32>, tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %sum = nf.reduce_sum %nll axes [0, 1, 2] : (tensor<2x4x1xf32>) -> tensor<1x1x1xf32>
  %three = nf.constant dense<3.0> : tensor<1x1x1xf32>
  %inverse = nf.div %three, %sum : (tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
  %loss = nf.reshape %inverse : (tensor<1x1x1xf32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}
