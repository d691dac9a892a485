// RUN: nf-opt --nf-append-loss --split-input-file --verify-diagnostics %s | FileCheck %s

// The loss takes the operands of the last projection; what no program needs goes with @forward.
// CHECK-NOT: nf.parameter @unused
// CHECK: nf.program @forward_backward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}, %targets: tensor<2x8xi32> {nf.name = "targets"}, %loss_weight: tensor<2x8xf32> {nf.name = "loss_weight"}, %inv_count: tensor<f32> {nf.name = "inv_count"}) -> (tensor<f32> {nf.name = "loss"})
// CHECK-DAG: %[[W:.*]] = get @w
// CHECK-DAG: %[[B:.*]] = get @b
// CHECK-DAG: %[[X:.*]] = gather
// CHECK-NOT: linear
// CHECK: %[[LOSS:.*]] = linear_cross_entropy %[[X]], %[[W]], %targets, %loss_weight, %inv_count bias %[[B]]
// CHECK-NEXT: return %[[LOSS]]
// CHECK: nf.program @eval(%tokens: tensor<2x8xi32> {nf.name = "tokens"}, %targets: {{.*}}, %loss_weight: {{.*}}) -> (tensor<f32> {nf.name = "loss_sum"})
// CHECK: %[[ONE:.*]] = constant dense<1.0{{.*}}> : tensor<1xf32>
// CHECK: linear_cross_entropy {{.*}}, %[[ONE]] bias
// CHECK: nf.program @logits(%tokens: tensor<1x8xi32> {nf.name = "tokens"}, %index: tensor<i32> {nf.name = "index"}) -> (tensor<64xf32> {nf.name = "logits"})
// CHECK: %[[X:.*]] = gather {{.*}}, %tokens : (tensor<64x16xf32>, tensor<1x8xi32>) -> tensor<1x8x16xf32>
// CHECK: %[[ROWS:.*]] = reshape %[[X]] : (tensor<1x8x16xf32>) -> tensor<8x16xf32>
// CHECK: %[[ROW:.*]] = gather %[[ROWS]]
// CHECK: linear %[[ROW]]
// CHECK-NOT: nf.program
module {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.parameter @b : tensor<64xf32> {init = "zeros"}
  nf.parameter @unused : tensor<64xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}) -> (tensor<2x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %b = nf.get @b : tensor<64xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<2x8xi32>) -> tensor<2x8x16xf32>
    %y = nf.linear %x, %w bias %b : (tensor<2x8x16xf32>, tensor<64x16xf32>, tensor<64xf32>) -> tensor<2x8x64xf32>
    nf.return %y : tensor<2x8x64xf32>
  }
}

// -----

// A matrix stored [columns, vocabulary] is transposed; the transpose of one stored as the loss wants it goes. An encoder
// continues no text.
// CHECK: nf.program @forward_backward
// CHECK: %[[W:.*]] = get @w
// CHECK: linear_cross_entropy %{{.*}}, %[[W]], %targets
// CHECK: nf.program @eval
// CHECK-NOT: nf.program
module attributes {nf.model = {kind = "encoder"}} {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}) -> (tensor<2x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<2x8xi32>) -> tensor<2x8x16xf32>
    %t = nf.transpose %w [1, 0] : (tensor<64x16xf32>) -> tensor<16x64xf32>
    %y = nf.matmul %x, %t : (tensor<2x8x16xf32>, tensor<16x64xf32>) -> tensor<2x8x64xf32>
    nf.return %y : tensor<2x8x64xf32>
  }
}

// -----

// Logits that are no projection: the loss is written out.
// CHECK: nf.program @forward_backward
// CHECK: %[[Y:.*]] = tanh
// CHECK: %[[MAX:.*]] = reduce_max %[[Y]] axes [2]
// CHECK: compare eq
// CHECK-NOT: linear_cross_entropy
// CHECK: nf.program @eval
module attributes {nf.model = {kind = "encoder"}} {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}) -> (tensor<2x8x16xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<2x8xi32>) -> tensor<2x8x16xf32>
    %y = nf.tanh %x : (tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
    nf.return %y : tensor<2x8x16xf32>
  }
}

// -----

// The graph's own loss, a mean over the micro-batch, counts as many times as it has tokens. A term that is a cross
// entropy takes the factor into its scale; others are multiplied by it.
// CHECK: nf.program @forward_backward(%tokens: {{.*}}, %targets: {{.*}}, %loss_weight: {{.*}}, %inv_count: tensor<f32>
// CHECK: %[[COUNT:.*]] = reduce_sum %loss_weight axes [0, 1]
// CHECK: %[[FACTOR:.*]] = mul
// CHECK: %[[SCALE:.*]] = mul %{{.*}}, %[[FACTOR]]
// CHECK: linear_cross_entropy %{{.*}}, %{{.*}}, %targets, %loss_weight, %[[SCALE]]
// CHECK: mul %{{.*}}, %[[FACTOR]]
// CHECK: nf.program @eval
// CHECK-NOT: inv_count
// CHECK-NOT: nf.program @loss
module attributes {nf.model = {kind = "encoder"}} {
  nf.parameter @w : tensor<64x16xf32> {init = "zeros"}
  nf.program @loss(%tokens: tensor<2x8xi32> {nf.name = "tokens"}, %targets: tensor<2x8xi32> {nf.name = "targets"},
                   %loss_weight: tensor<2x8xf32> {nf.name = "loss_weight"}) -> (tensor<f32> {nf.name = "loss"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %scale = nf.constant dense<0.0625> : tensor<1xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<2x8xi32>) -> tensor<2x8x16xf32>
    %l = nf.linear_cross_entropy %x, %w, %targets, %loss_weight, %scale : (tensor<2x8x16xf32>, tensor<64x16xf32>,
        tensor<2x8xi32>, tensor<2x8xf32>, tensor<1xf32>) -> tensor<f32>
    %m = nf.reduce_mean %x axes [0, 1, 2] : (tensor<2x8x16xf32>) -> tensor<1x1x1xf32>
    %s = nf.reshape %m : (tensor<1x1x1xf32>) -> tensor<f32>
    %sum = nf.add %l, %s : (tensor<f32>, tensor<f32>) -> tensor<f32>
    nf.return %sum : tensor<f32>
  }
  nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}) -> (tensor<2x8x64xf32> {nf.name = "logits"}) {
    %w = nf.get @w : tensor<64x16xf32>
    %x = nf.gather %w, %tokens : (tensor<64x16xf32>, tensor<2x8xi32>) -> tensor<2x8x16xf32>
    %y = nf.linear %x, %w : (tensor<2x8x16xf32>, tensor<64x16xf32>) -> tensor<2x8x64xf32>
    nf.return %y : tensor<2x8x64xf32>
  }
}

// -----

// Without @forward nothing changes.
// CHECK: nf.program @eval(%x: tensor<8xf32> {nf.name = "x"})
// CHECK-NEXT: return %x
// CHECK-NOT: nf.program
nf.program @eval(%x: tensor<8xf32> {nf.name = "x"}) -> (tensor<8xf32> {nf.name = "loss_sum"}) {
  nf.return %x : tensor<8xf32>
}

// -----

// expected-error @+1 {{expected the input ids alone, but the model also needs 'past.0'}}
nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}, %past: tensor<2x8x4xf32> {nf.name = "past.0"})
    -> (tensor<2x8x4xf32> {nf.name = "logits"}) {
  nf.return %past : tensor<2x8x4xf32>
}

// -----

// expected-error @+1 {{expected logits [batch, sequence, vocabulary], but got numbers of whole sequences [2, 8], as a classifier gives; export the model with its language-modelling head (AutoModelForCausalLM, AutoModelForMaskedLM)}}
nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}) -> (tensor<2x8xi32> {nf.name = "out"}) {
  nf.return %tokens : tensor<2x8xi32>
}

// -----

nf.parameter @table : tensor<61x4xf32> {init = "zeros"}
// expected-error @+1 {{expected logits [batch, sequence, vocabulary], but got hidden states [2, 8, 4] that no projection takes to the vocabulary}}
nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}) -> (tensor<2x8x4xf32> {nf.name = "last_hidden_state"}) {
  %t = nf.get @table : tensor<61x4xf32>
  %y = nf.gather %t, %tokens : (tensor<61x4xf32>, tensor<2x8xi32>) -> tensor<2x8x4xf32>
  nf.return %y : tensor<2x8x4xf32>
}

// -----

// All that is wrong with the inputs, at once.
// expected-error @+2 {{expected one sequence of ids, but got a second one, [2, 4], as an encoder with a decoder has it}}
// expected-error @+1 {{expected the input ids alone, but the model also needs 'past.0'}}
nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = "tokens"}, %other: tensor<2x4xi32> {nf.name = "decoder_input_ids"}, %past: tensor<2xf32> {nf.name = "past.0"})
    -> (tensor<2xf32> {nf.name = "out"}) {
  nf.return %past : tensor<2xf32>
}

// -----

// expected-error @+1 {{expected ids [batch, sequence] of a text, but got numbers [2, 3, 8], such as an image}}
nf.program @forward(%pixels: tensor<2x3x8xf32> {nf.name = "pixel_values"}) -> (tensor<2x3x8xf32> {nf.name = "last_hidden_state"}) {
  nf.return %pixels : tensor<2x3x8xf32>
}
