// RUN: nf-opt %s --nf-stage-llvm | FileCheck %s
// RUN: nf-opt %s --nf-stage-llvm > %t.1 && nf-opt %s --nf-stage-llvm > %t.2 && cmp %t.1 %t.2

// The table is the one symbol that others see; states and programs are in it by name, and gone from the module.
// CHECK-NOT: nf.parameter
// CHECK-NOT: nf.state{{ }}
// CHECK-NOT: global external
// CHECK: "w\00"
// CHECK: global internal constant @nf.arguments.update()
// CHECK: "lr\00"
// CHECK: global internal constant @nf.programs()
// CHECK: global external constant @nf_program_table()
// CHECK-NOT: global external
module attributes {nf.persistent_bytes = 128 : i64} {
  nf.parameter @w : tensor<8xf32> {init = "{\"kind\":\"ones\"}", offset = 0 : i64}
  nf.state gradient @w.grad of @w : tensor<8xf32> {offset = 64 : i64}
  nf.program @update() attributes {transient_bytes = 64 : i64, nf.arguments = [
      {name = "lr", offset = 0 : i64, type = tensor<f32>, direction = 0 : i32}]} {
    nf.return
  }
}
