// One module a contract, and what breaks it; docs/compiler.md has the table.
// RUN: split-file %s %t
// RUN: nf-opt --nf-verify-stage=stage=import %t/import.mlir --verify-diagnostics
// RUN: nf-opt --nf-verify-stage=stage=autodiff %t/autodiff.mlir --verify-diagnostics
// RUN: nf-opt --nf-verify-stage=stage=hoist %t/hoist.mlir --verify-diagnostics
// RUN: nf-opt --nf-verify-stage=stage=fuse %t/fuse.mlir --verify-diagnostics
// RUN: nf-opt --nf-verify-stage=stage=plan %t/plan.mlir --verify-diagnostics
// RUN: nf-opt --nf-verify-stage=stage=lower %t/lower.mlir --verify-diagnostics
// RUN: nf-opt --nf-verify-stage=stage=llvm %t/llvm.mlir --verify-diagnostics
// RUN: not nf-opt --nf-verify-stage=stage=import %t/unknown.mlir 2>&1 | FileCheck %t/unknown.mlir
// RUN: not nf-opt --nf-verify-stage=stage=fused %t/good.mlir 2>&1 | FileCheck %t/good.mlir

// Good modules pass, and leave every stage that they go through.
// RUN: nf-opt --nf-verify-stage=stage=import %t/good.mlir
// RUN: nf-opt --nf-hoist-weight-only --nf-verify-stage=stage=hoist %t/mask.mlir
// RUN: nf-opt --nf-stage-raise --nf-stage-fold --nf-stage-autodiff --nf-stage-hoist --nf-stage-recompute \
// RUN:   --nf-stage-distribute --nf-stage-fuse --nf-stage-plan --nf-stage-lower --nf-stage-llvm %t/good.mlir
// What is computed again may repeat a head's factor over its columns.
// RUN: nf-compile %models/preln-demo.toml --set model.layers=1 --set norm.head_scale=post_proj --emit=hoist -o - \
// RUN:   | nf-opt --nf-stage-recompute=recompute-steps=100 -o /dev/null

// A pipeline ends with the check unless it is told not to.
// RUN: not nf-opt --nf-stage-import %t/later.mlir 2>&1 | FileCheck %t/later.mlir
// RUN: nf-opt --nf-stage-import=verify=false %t/later.mlir
// RUN: not nf-compile --emit=raise -o %t.out %t/later.mlir 2>&1 | FileCheck %t/later.mlir
// RUN: nf-compile --emit=raise --verify-stages=false -o %t.out %t/later.mlir

//--- good.mlir
// CHECK: error: expected the name of a stage in nf-verify-stage=stage=, but got 'fused'
nf.parameter @w : tensor<8x8xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<8x8xf32>
  %y = nf.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %z = nf.gelu %y : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = nf.reduce_sum %z axes [0, 1] : (tensor<4x8xf32>) -> tensor<1x1xf32>
  %loss = nf.reshape %s : (tensor<1x1xf32>) -> tensor<f32>
  nf.return %loss : tensor<f32>
}

//--- later.mlir
// CHECK: later.mlir:[[# @LINE + 3]]:{{[0-9]+}}: error: {{.*}}may not leave stage {{import|raise}}: expected programs that only read
nf.parameter @w : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @forward_backward(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "loss"}) {
  nf.set @w, %x : tensor<4xf32>
  nf.return %x : tensor<4xf32>
}

//--- unknown.mlir
// CHECK: error: expected every op to have a location after stage import, but got 3 without: 1 'nf.parameter' in w, 2 'nf.neg' in f
nf.parameter @w : tensor<4xf32> {init = "{\"kind\":\"ones\"}"} loc(unknown)
nf.program @f(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  %y = nf.neg %x : (tensor<4xf32>) -> tensor<4xf32> loc(unknown)
  %z = nf.neg %y : (tensor<4xf32>) -> tensor<4xf32> loc(unknown)
  nf.return %z : tensor<4xf32>
}

//--- import.mlir
nf.parameter @w : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
// expected-error @below {{may not leave stage import: expected parameters and programs at the top of the module}}
nf.state gradient @w.grad of @w : tensor<4xf32>
nf.program @forward_backward(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  // expected-error @below {{may not leave stage import: expected programs that only read; nf-differentiate and nf-append-update write states}}
  nf.accumulate @w.grad, %x : tensor<4xf32>
  // expected-error @below {{may not leave stage import: expected ops of the nf dialect only}}
  %c = arith.constant dense<1.0> : tensor<4xf32>
  // expected-error @below {{may not leave stage import: expected composite and primitive ops on tensors; fused regions and buffers come from stages fuse and plan}}
  %y = nf.fused rows 1 cols 4(%x) {operand_kinds = array<i32: 0>, result_kinds = array<i32: 0>,
      gather_index = array<i64: -1>} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%r: tensor<4xf32>):
    nf.yield %r : tensor<4xf32>
  }
  // expected-error @below {{may not leave stage import: expected composite and primitive ops on tensors}}
  %b = nf.buffer transient 0 : memref<4xf32>
  nf.return %y : tensor<4xf32>
}

//--- autodiff.mlir
// expected-error @below {{may not leave stage autodiff: nf-append-combine should have used up nf.reduction_slots}}
module attributes {nf.reduction_slots = 2 : i64} {
  nf.parameter @w : tensor<6x4xf32> {init = "{\"kind\":\"ones\"}"}
  nf.parameter @v : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
  // expected-error @below {{may not leave stage autodiff: nf-append-update should have made moments and the program update for it}}
  nf.state gradient @v.grad of @v : tensor<4xf32>
  // expected-error @below {{may not leave stage autodiff: nf-append-update should have made it part of the program update}}
  nf.program @unfold_gradients() {
    nf.return
  }
  // expected-error @below {{may not leave stage autodiff: nf-differentiate should have appended the backward half and the argument accumulate}}
  nf.program @forward_backward(%x: tensor<3x4xf32> {nf.name = "x"}, %t: tensor<3xi32> {nf.name = "targets"},
                               %l: tensor<3xf32> {nf.name = "loss_weight"}, %i: tensor<f32> {nf.name = "inv_count"})
      -> (tensor<f32> {nf.name = "loss"}) {
    // expected-error @below {{may not leave stage autodiff: nf-differentiate should have made a gradient state of @w}}
    %w = nf.get @w : tensor<6x4xf32>
    // expected-error @below {{may not leave stage autodiff: nf-differentiate should have replaced it by the loss with its gradients}}
    %loss = nf.linear_cross_entropy %x, %w, %t, %l, %i : (tensor<3x4xf32>, tensor<6x4xf32>, tensor<3xi32>,
        tensor<3xf32>, tensor<f32>) -> tensor<f32>
    nf.return %loss : tensor<f32>
  }
}

//--- hoist.mlir
nf.parameter @w : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @eval(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<4xf32>
  %n = nf.neg %w : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @below {{may not leave stage hoist: nf-hoist-weight-only should have made a state of what depends on parameters alone}}
  %e = nf.exp %n : (tensor<4xf32>) -> tensor<4xf32>
  %y = nf.mul %x, %e : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return %y : tensor<4xf32>
}
nf.program @prepare_weights() {
  %w = nf.get @w : tensor<4xf32>
  %n = nf.neg %w : (tensor<4xf32>) -> tensor<4xf32>
  nf.return
}

//--- mask.mlir
// What a mask of a parameter chooses is no state, since the mask is none.
nf.parameter @w : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
nf.program @eval(%x: tensor<4xf32> {nf.name = "x"}) -> (tensor<4xf32> {nf.name = "y"}) {
  %w = nf.get @w : tensor<4xf32>
  %zero = nf.constant dense<0.0> : tensor<1xf32>
  %mask = nf.compare lt %w, %zero : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xi1>
  %r = nf.where %mask, %zero, %w : (tensor<4xi1>, tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = nf.mul %x, %r : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  nf.return %y : tensor<4xf32>
}

//--- fuse.mlir
nf.program @forward(%x: tensor<4x8xf32> {nf.name = "x"}, %w: tensor<8x8xf32> {nf.name = "w"},
                    %t: tensor<4xi32> {nf.name = "t"}, %l: tensor<4xf32> {nf.name = "l"},
                    %i: tensor<f32> {nf.name = "i"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
  // expected-error @below {{may not leave stage fuse: nf-prepare-fusion should have written it in primitives}}
  %g = nf.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-error @below {{may not leave stage fuse: nf-fuse-rows should have put it into a region}}
  %e = nf.exp %g : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-error @below {{may not leave stage fuse: nf-expand-loss should have written it in chunks of rows}}
  %loss = nf.linear_cross_entropy %x, %w, %t, %l, %i : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4xi32>,
      tensor<4xf32>, tensor<f32>) -> tensor<f32>
  // expected-error @below {{may not leave stage fuse: expected kernels on tensors, movement and access to states}}
  %c = arith.constant dense<1.0> : tensor<4xf32>
  %m = nf.matmul %e, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  nf.return %m : tensor<4x8xf32>
}

//--- plan.mlir
// expected-error @below {{may not leave stage plan: nf-plan-memory should have given it nf.persistent_bytes}}
module {
  // expected-error @below {{may not leave stage plan: nf-plan-memory should have given it an offset}}
  nf.parameter @w : tensor<4x4xf32> {init = "{\"kind\":\"ones\"}"}
  // expected-error @below {{may not leave stage plan: nf-plan-memory should have placed its arguments (transient_bytes, nf.arguments)}}
  nf.program @forward(%x: tensor<4x4xf32> {nf.name = "x"}) {
    // expected-error @below {{may not leave stage plan: nf-plan-memory should have given its tensors buffers}}
    %w = nf.get @w : tensor<4x4xf32>
    // expected-error @below {{may not leave stage plan: nf-plan-memory should have given its tensors buffers}}
    %y = nf.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %b = nf.buffer transient 0 : memref<4xf32>
    // expected-error @below {{may not leave stage plan: expected buffers, copies that nf-plan-memory made, and kernels on buffers}}
    %a = memref.alloc() : memref<4xf32>
    // expected-error @below {{may not leave stage plan: expected buffers, copies that nf-plan-memory made, and kernels on buffers}}
    memref.copy %b, %a : memref<4xf32> to memref<4xf32>
    nf.return
  }
}

//--- lower.mlir
func.func private @k(%x: memref<4xf32>, %task: index, %scratch: memref<?xi8>) {
  // expected-error @below {{may not leave stage lower: kernels have their buffers and scratch only}}
  %a = memref.alloc() : memref<4xf32>
  // expected-error @below {{may not leave stage lower: expected a kernel of vectors, scalars and buffers}}
  %t = arith.constant dense<1.0> : tensor<4xf32>
  return
}
nf.program @forward() {
  %a = nf.buffer transient 0 : memref<4x4xf32>
  %b = nf.buffer transient 64 : memref<4x4xf32>
  // expected-error @below {{may not leave stage lower: nf-lower-matmul should have made a launch of it}}
  nf.matmul %a, %a outs(%b) : (memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>) -> ()
  // expected-error @below {{may not leave stage lower: nf-lower-copy should have made a launch of it}}
  nf.copy %a to %b sizes [4] from 0 strides [1] to 0 strides [1] : memref<4x4xf32>, memref<4x4xf32>
  nf.return
}

//--- llvm.mlir
// expected-error @below {{may not leave stage llvm: nf-emit-table should have written nf_program_table}}
module {
  // expected-error @below {{may not leave stage llvm: nf-emit-table should have made an entry of nf_program_table of it}}
  nf.parameter @w : tensor<4xf32> {init = "{\"kind\":\"ones\"}"}
  llvm.func @k(%x: f32) -> f32 {
    // expected-error @below {{may not leave stage llvm: a conversion of stage llvm should have replaced it}}
    %y = arith.addf %x, %x : f32
    llvm.return %y : f32
  }
  // expected-error @below {{may not leave stage llvm: nf-lower-programs should have made a list of launches of the program}}
  nf.program @forward() {
    // expected-error @below {{may not leave stage llvm: nf-lower-programs should have made a list of launches of the program}}
    nf.return
  }
}
