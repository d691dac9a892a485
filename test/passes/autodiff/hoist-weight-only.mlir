// RUN: nf-opt %s --nf-hoist-weight-only --split-input-file | FileCheck %s

// A value of parameters alone: read from a derived state, shared by the programs, computed by prepare_weights and again
// by update, of the new value before that is written.
// CHECK: nf.state derived @g.derived.1 of @g : tensor<4xf32>
// CHECK-NOT: nf.state
// CHECK-LABEL: program @forward_backward
// CHECK: %[[C:.*]] = get @g.derived.1
// CHECK-NOT: exp
// CHECK: mul %x, %[[C]]
// CHECK-LABEL: program @eval
// CHECK: get @g.derived.1
// CHECK-NOT: exp
// CHECK-LABEL: program @update
// CHECK: %[[E:.*]] = exp %x
// CHECK: set @g, %x
// CHECK: set @g.derived.1, %[[E]]
// CHECK-LABEL: program @prepare_weights
// CHECK: get @g
// CHECK: exp
// CHECK: set @g.derived.1
nf.parameter @g : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<2x4xf32> {nf.name = "x"}) -> (tensor<2x4xf32> {nf.name = "y"}) {
  %g = nf.get @g : tensor<4xf32>
  %c = nf.exp %g : (tensor<4xf32>) -> tensor<4xf32>
  %y = nf.mul %x, %c : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  nf.return %y : tensor<2x4xf32>
}
nf.program @eval(%x: tensor<2x4xf32> {nf.name = "x"}) -> (tensor<2x4xf32> {nf.name = "y"}) {
  %g = nf.get @g : tensor<4xf32>
  %c = nf.exp %g : (tensor<4xf32>) -> tensor<4xf32>
  %y = nf.mul %x, %c : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  nf.return %y : tensor<2x4xf32>
}
nf.program @update(%x: tensor<4xf32> {nf.name = "x"}) {
  nf.set @g, %x : tensor<4xf32>
  nf.return
}

// -----

// Negative: a value that also depends on an argument, and a view of a parameter, stay. No-op: no state, no program.
// CHECK-LABEL: program @forward_backward
// CHECK: reshape
// CHECK: mul
// CHECK-NOT: derived
// CHECK-NOT: prepare_weights
nf.parameter @g : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<1x4xf32> {nf.name = "x"}) -> (tensor<1x4xf32> {nf.name = "y"}) {
  %g = nf.get @g : tensor<4xf32>
  %r = nf.reshape %g : (tensor<4xf32>) -> tensor<1x4xf32>
  %y = nf.mul %x, %r : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  nf.return %y : tensor<1x4xf32>
}

// -----

// Two values that both have readers, one computed from the other: each is a derived state, computed from the parameter.
// CHECK-DAG: nf.state derived @g.derived.1 of @g
// CHECK-DAG: nf.state derived @g.derived.2 of @g
// CHECK-LABEL: program @forward_backward
// CHECK-NOT: exp
// CHECK-NOT: neg
// CHECK-LABEL: program @prepare_weights
// CHECK: exp
// CHECK: neg
// CHECK: set @g.derived.1
// CHECK: set @g.derived.2
nf.parameter @g : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<2x4xf32> {nf.name = "x"}) -> (tensor<2x4xf32> {nf.name = "y"}) {
  %g = nf.get @g : tensor<4xf32>
  %a = nf.exp %g : (tensor<4xf32>) -> tensor<4xf32>
  %b = nf.neg %a : (tensor<4xf32>) -> tensor<4xf32>
  %y = nf.mul %x, %a : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %z = nf.mul %y, %b : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  nf.return %z : tensor<2x4xf32>
}

// -----

// A mask of a parameter is no state: it stays in its program.
// CHECK-NOT: derived
// CHECK-LABEL: program @forward_backward
// CHECK: compare lt
// CHECK: where
nf.parameter @g : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  %g = nf.get @g : tensor<4xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %mask = nf.compare lt %g, %zero : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xi1>
  %y = nf.where %mask, %x, %x : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return %y : tensor<4xf32>
}

// -----

// What a mask of a parameter chooses stays beside the mask.
// CHECK-NOT: derived
// CHECK-LABEL: program @eval
// CHECK: where
nf.parameter @g : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @eval(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  %g = nf.get @g : tensor<4xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %mask = nf.compare lt %g, %zero : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xi1>
  %r = nf.where %mask, %zero, %g : (tensor<4xi1>, tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = nf.mul %x, %r : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return %y : tensor<4xf32>
}

// -----

// Parts of a concat of rows become states, and planning puts them next to each other: no copy of the whole. Parameters
// need no state.
// CHECK: nf.state derived @w.derived.1 of @w : tensor<2x4xf32>
// CHECK-NOT: nf.state
// CHECK-LABEL: program @eval
// CHECK: %[[A:.*]] = get @w.derived.1
// CHECK: concat %[[A]], %v axis 0
// CHECK-LABEL: program @prepare_weights
// CHECK: fold_scale
// CHECK-NEXT: set @w.derived.1
// CHECK-NEXT: return
nf.parameter @w : tensor<2x4xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @v : tensor<3x4xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @g : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @eval(%x: tensor<7x4xf32> {nf.name = "x"}) -> (tensor<7x5xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<2x4xf32>
  %v = nf.get @v : tensor<3x4xf32>
  %g = nf.get @g : tensor<4xf32>
  %a = nf.fold_scale %w, %g {axis = 1 : i64} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %c = nf.concat %a, %v axis 0 : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
  %y = nf.linear %x, %c : (tensor<7x4xf32>, tensor<5x4xf32>) -> tensor<7x5xf32>
  nf.return %y : tensor<7x5xf32>
}

// -----

// A sum is computed of the new values as they are written, in update as in prepare_weights: its order, and so its bits,
// must not depend on what else update computes. What has no sum is computed before.
// CHECK-LABEL: program @update
// CHECK: fold_scale %x, %g
// CHECK: set @w, %x
// CHECK: set @w.derived.1
// CHECK: %[[W:.*]] = get @w
// CHECK: %[[S:.*]] = fold_shift %[[W]],
// CHECK: set @w.derived.2, %[[S]]
nf.parameter @w : tensor<2x4xf32> {init = "{\"kind\":\"ones\"}"}
nf.parameter @g : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @eval(%x: tensor<7x4xf32> {nf.name = "x"}) -> (tensor<7x2xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<2x4xf32>
  %g = nf.get @g : tensor<4xf32>
  %a = nf.fold_scale %w, %g {axis = 1 : i64} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %c = nf.fold_shift %w, %g : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2xf32>
  %y = nf.linear %x, %a bias %c : (tensor<7x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<7x2xf32>
  nf.return %y : tensor<7x2xf32>
}
nf.program @update(%x: tensor<2x4xf32> {nf.name = "x"}) {
  nf.set @w, %x : tensor<2x4xf32>
  nf.return
}
