// Logits of one sequence, of a graph of a batch of four.
// RUN: nf-opt --pass-pipeline='builtin.module(nf-append-loss{remarks})' --split-input-file --verify-diagnostics %s | FileCheck %s

// The batch is followed into [batch · tokens, columns], into heads, and through a transpose to where it is the inner factor
// of an axis; a table and a mask of all sequences are cut to one.
// CHECK-LABEL: nf.program @logits(%tokens: tensor<1x8xi32>
// CHECK: %[[TABLE:.*]] = get @table : tensor<4x8x16xf32>
// CHECK: gather %{{.*}}, %tokens : {{.*}} -> tensor<1x8x16xf32>
// CHECK: %[[ONE:.*]] = slice %[[TABLE]] axis 0 from 0 size 1 : {{.*}} -> tensor<1x8x16xf32>
// CHECK: add %{{.*}}, %[[ONE]] : {{.*}} -> tensor<1x8x16xf32>
// CHECK: reshape {{.*}} -> tensor<8x16xf32>
// CHECK: linear {{.*}} -> tensor<8x16xf32>
// CHECK: reshape {{.*}} -> tensor<1x8x2x8xf32>
// CHECK: transpose {{.*}} -> tensor<1x2x8x8xf32>
// CHECK: matmul {{.*}} -> tensor<1x2x8x8xf32>
// CHECK: %[[I:.*]] = iota : tensor<1x8x8xi32>
// CHECK: %[[J:.*]] = constant dense<3> : tensor<1x8x8xi32>
// CHECK: compare le %[[I]], %[[J]] : {{.*}} -> tensor<1x8x8xi1>
// CHECK: reshape {{.*}} -> tensor<1x1x8x8xi1>
// CHECK: where {{.*}} -> tensor<1x2x8x8xf32>
// CHECK: softmax {{.*}} -> tensor<1x2x8x8xf32>
// CHECK: matmul {{.*}} -> tensor<1x2x8x8xf32>
// CHECK: transpose {{.*}} [2, 0, 1, 3] : {{.*}} -> tensor<8x1x2x8xf32>
// CHECK: %[[MERGED:.*]] = reshape {{.*}} -> tensor<8x16xf32>
// CHECK: slice {{.*}} axis 1 from 0 size 1 : (tensor<8x4x1x16xf32>) -> tensor<8x1x1x16xf32>
// CHECK: add %[[MERGED]], {{.*}} -> tensor<8x16xf32>
// CHECK: reshape {{.*}} -> tensor<8x1x16xf32>
// CHECK: concat {{.*}} -> tensor<8x1x32xf32>
// CHECK: transpose {{.*}} -> tensor<1x8x32xf32>
// CHECK: reduce_mean {{.*}} -> tensor<1x8x1xf32>
// CHECK: return {{.*}} : tensor<64xf32>
module {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.parameter @h : tensor<64x32xf32> {init = "zeros"}
  nf.parameter @p : tensor<16x16xf32> {init = "zeros"}
  nf.parameter @table : tensor<4x8x16xf32> {init = "zeros"}
  nf.parameter @other : tensor<32x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<4x8xi32> {nf.name = "tokens"}) -> (tensor<4x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %hw = nf.get @h : tensor<64x32xf32>
    %p = nf.get @p : tensor<16x16xf32>
    %table = nf.get @table : tensor<4x8x16xf32>
    %other = nf.get @other : tensor<32x16xf32>
    %e = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<4x8xi32>) -> tensor<4x8x16xf32>
    %x = nf.add %e, %table : (tensor<4x8x16xf32>, tensor<4x8x16xf32>) -> tensor<4x8x16xf32>
    %rows = nf.reshape %x : (tensor<4x8x16xf32>) -> tensor<32x16xf32>
    %q = nf.linear %rows, %p : (tensor<32x16xf32>, tensor<16x16xf32>) -> tensor<32x16xf32>
    %heads = nf.reshape %q : (tensor<32x16xf32>) -> tensor<4x8x2x8xf32>
    %t = nf.transpose %heads [0, 2, 1, 3] : (tensor<4x8x2x8xf32>) -> tensor<4x2x8x8xf32>
    %s = nf.matmul %t, %t {transpose_b} : (tensor<4x2x8x8xf32>, tensor<4x2x8x8xf32>) -> tensor<4x2x8x8xf32>
    %i = nf.iota : tensor<4x8x8xi32>
    %j = nf.constant dense<3> : tensor<4x8x8xi32>
    %c = nf.compare le %i, %j : (tensor<4x8x8xi32>, tensor<4x8x8xi32>) -> tensor<4x8x8xi1>
    %m = nf.reshape %c : (tensor<4x8x8xi1>) -> tensor<4x1x8x8xi1>
    %low = nf.constant dense<-1.0e9> : tensor<1xf32>
    %masked = nf.where %m, %s, %low : (tensor<4x1x8x8xi1>, tensor<4x2x8x8xf32>, tensor<1xf32>) -> tensor<4x2x8x8xf32>
    %a = nf.softmax %masked : (tensor<4x2x8x8xf32>) -> tensor<4x2x8x8xf32>
    %o = nf.matmul %a, %t : (tensor<4x2x8x8xf32>, tensor<4x2x8x8xf32>) -> tensor<4x2x8x8xf32>
    %u = nf.transpose %o [2, 0, 1, 3] : (tensor<4x2x8x8xf32>) -> tensor<8x4x2x8xf32>
    %flat = nf.reshape %u : (tensor<8x4x2x8xf32>) -> tensor<32x16xf32>
    %sum = nf.add %flat, %other : (tensor<32x16xf32>, tensor<32x16xf32>) -> tensor<32x16xf32>
    %parts = nf.reshape %sum : (tensor<32x16xf32>) -> tensor<8x4x16xf32>
    %both = nf.concat %parts, %parts axis 2 : (tensor<8x4x16xf32>, tensor<8x4x16xf32>) -> tensor<8x4x32xf32>
    %back = nf.transpose %both [1, 0, 2] : (tensor<8x4x32xf32>) -> tensor<4x8x32xf32>
    %mean = nf.reduce_mean %back axes [2] : (tensor<4x8x32xf32>) -> tensor<4x8x1xf32>
    %less = nf.sub %back, %mean : (tensor<4x8x32xf32>, tensor<4x8x1xf32>) -> tensor<4x8x32xf32>
    %y = nf.linear %less, %hw : (tensor<4x8x32xf32>, tensor<64x32xf32>) -> tensor<4x8x64xf32>
    nf.return %y : tensor<4x8x64xf32>
  }
}

// -----

// A mean over the batch needs all of it: the sequence is computed in every place of the batch.
// CHECK-LABEL: nf.program @logits(%tokens: tensor<1x8xi32>
// CHECK-NEXT: broadcast %tokens : (tensor<1x8xi32>) -> tensor<4x8xi32>
// CHECK: reduce_mean {{.*}} axes [0] : (tensor<4x8x16xf32>)
// CHECK: slice {{.*}} axis 0 from 0 size 8 : (tensor<32x16xf32>) -> tensor<8x16xf32>
module {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<4x8xi32> {nf.name = "tokens"}) -> (tensor<4x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<4x8xi32>) -> tensor<4x8x16xf32>
    // expected-remark @+1 {{logits computes the whole micro-batch for one sequence: nf.reduce_mean mixes its sequences, or they cannot be told from its other extents}}
    %m = nf.reduce_mean %x axes [0] : (tensor<4x8x16xf32>) -> tensor<1x8x16xf32>
    %d = nf.sub %x, %m : (tensor<4x8x16xf32>, tensor<1x8x16xf32>) -> tensor<4x8x16xf32>
    %y = nf.linear %d, %w : (tensor<4x8x16xf32>, tensor<64x16xf32>) -> tensor<4x8x64xf32>
    nf.return %y : tensor<4x8x64xf32>
  }
}

// -----

// A batch that is split over two axes, sequences side by side in columns, and neighbours in the batch: not divided.
// CHECK-LABEL: nf.program @logits(%tokens: tensor<1x8xi32>
// CHECK-NEXT: broadcast %tokens
module {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<4x8xi32> {nf.name = "tokens"}) -> (tensor<4x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<4x8xi32>) -> tensor<4x8x16xf32>
    // expected-remark @+1 {{nf.reshape mixes}}
    %s = nf.reshape %x : (tensor<4x8x16xf32>) -> tensor<2x16x16xf32>
    %n = nf.softmax %s : (tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
    %b = nf.reshape %n : (tensor<2x16x16xf32>) -> tensor<4x8x16xf32>
    %y = nf.linear %b, %w : (tensor<4x8x16xf32>, tensor<64x16xf32>) -> tensor<4x8x64xf32>
    nf.return %y : tensor<4x8x64xf32>
  }
}

// -----

// CHECK-LABEL: nf.program @logits(%tokens: tensor<1x8xi32>
// CHECK-NEXT: broadcast %tokens
module {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<4x8xi32> {nf.name = "tokens"}) -> (tensor<4x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<4x8xi32>) -> tensor<4x8x16xf32>
    %t = nf.transpose %x [1, 2, 0] : (tensor<4x8x16xf32>) -> tensor<8x16x4xf32>
    // expected-remark @+1 {{nf.softmax mixes}}
    %n = nf.softmax %t : (tensor<8x16x4xf32>) -> tensor<8x16x4xf32>
    %b = nf.transpose %n [2, 0, 1] : (tensor<8x16x4xf32>) -> tensor<4x8x16xf32>
    %y = nf.linear %b, %w : (tensor<4x8x16xf32>, tensor<64x16xf32>) -> tensor<4x8x64xf32>
    nf.return %y : tensor<4x8x64xf32>
  }
}

// -----

// CHECK-LABEL: nf.program @logits(%tokens: tensor<1x8xi32>
// CHECK-NEXT: broadcast %tokens
module {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<4x8xi32> {nf.name = "tokens"}) -> (tensor<4x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<4x8xi32>) -> tensor<4x8x16xf32>
    // expected-remark @+1 {{nf.slice mixes}}
    %l = nf.slice %x axis 0 from 0 size 3 : (tensor<4x8x16xf32>) -> tensor<3x8x16xf32>
    %b = nf.pad %l axis 0 low 1 high 0 : (tensor<3x8x16xf32>) -> tensor<4x8x16xf32>
    %y = nf.linear %b, %w : (tensor<4x8x16xf32>, tensor<64x16xf32>) -> tensor<4x8x64xf32>
    nf.return %y : tensor<4x8x64xf32>
  }
}

// -----

// Batches one after another are no longer one batch.
// CHECK-LABEL: nf.program @logits(%tokens: tensor<1x8xi32>
// CHECK-NEXT: broadcast %tokens
module {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<4x8xi32> {nf.name = "tokens"}) -> (tensor<4x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<4x8xi32>) -> tensor<4x8x16xf32>
    // expected-remark @+1 {{nf.concat mixes}}
    %two = nf.concat %x, %x axis 0 : (tensor<4x8x16xf32>, tensor<4x8x16xf32>) -> tensor<8x8x16xf32>
    %wide = nf.reshape %two : (tensor<8x8x16xf32>) -> tensor<4x8x32xf32>
    %half = nf.slice %wide axis 2 from 0 size 16 : (tensor<4x8x32xf32>) -> tensor<4x8x16xf32>
    %y = nf.linear %half, %w : (tensor<4x8x16xf32>, tensor<64x16xf32>) -> tensor<4x8x64xf32>
    nf.return %y : tensor<4x8x64xf32>
  }
}

// -----

// Both operands of a product that is no batch of products: each token of one sequence meets those of all others.
// CHECK-LABEL: nf.program @logits(%tokens: tensor<1x8xi32>
// CHECK-NEXT: broadcast %tokens
module {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<4x8xi32> {nf.name = "tokens"}) -> (tensor<4x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<4x8xi32>) -> tensor<4x8x16xf32>
    %r = nf.reshape %x : (tensor<4x8x16xf32>) -> tensor<32x16xf32>
    // expected-remark @+1 {{nf.matmul mixes}}
    %s = nf.matmul %r, %r {transpose_b} : (tensor<32x16xf32>, tensor<32x16xf32>) -> tensor<32x32xf32>
    %o = nf.matmul %s, %r : (tensor<32x32xf32>, tensor<32x16xf32>) -> tensor<32x16xf32>
    %b = nf.reshape %o : (tensor<32x16xf32>) -> tensor<4x8x16xf32>
    %y = nf.linear %b, %w : (tensor<4x8x16xf32>, tensor<64x16xf32>) -> tensor<4x8x64xf32>
    nf.return %y : tensor<4x8x64xf32>
  }
}

// -----

// One sequence a micro-batch: nothing to divide.
// CHECK-LABEL: nf.program @logits(%tokens: tensor<1x8xi32>
// CHECK-NOT: slice
// CHECK: reduce_mean {{.*}} axes [0]
module {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<1x8xi32> {nf.name = "tokens"}) -> (tensor<1x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<1x8xi32>) -> tensor<1x8x16xf32>
    %m = nf.reduce_mean %x axes [0] : (tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
    %y = nf.linear %m, %w : (tensor<1x8x16xf32>, tensor<64x16xf32>) -> tensor<1x8x64xf32>
    nf.return %y : tensor<1x8x64xf32>
  }
}
