// Matrix instructions and asynchronous copies as calls of the runtime.
// RUN: nf-opt --nf-emulate-gpu %s | FileCheck %s

// CHECK-NOT: nvvm.
gpu.module @nf_gpu {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<512 x i8>
  llvm.func @k(%x: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 32>} {
    %zero = llvm.mlir.constant(0.0 : f32) : f32
    %bytes = llvm.mlir.constant(8 : i32) : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    nvvm.cp.async.shared.global %tile, %x, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.shared.global %tile, %x, 16, cache = cg, %bytes : !llvm.ptr<3>, !llvm.ptr<1>, i32
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 1
    %a = nvvm.ldmatrix %tile {num = 4 : i32, layout = #nvvm.mma_layout<row>,
        shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>}
        : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
    %b = nvvm.ldmatrix %tile {num = 1 : i32, layout = #nvvm.mma_layout<col>,
        shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>}
        : (!llvm.ptr<3>) -> i32
    %a0 = llvm.extractvalue %a[0] : !llvm.struct<(i32, i32, i32, i32)>
    %d = nvvm.mma.sync A[%a0, %a0, %a0, %a0] B[%b, %b] C[%zero, %zero, %zero, %zero]
        {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>,
         multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>,
         shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %d3 = llvm.extractvalue %d[3] : !llvm.struct<(f32, f32, f32, f32)>
    %e = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"(%d3) : (f32) -> f32
    llvm.store %e, %x : f32, !llvm.ptr<1>
    llvm.return
  }
}

// CHECK-LABEL: llvm.func internal @k.code(
// CHECK-SAME: %[[X:.*]]: !llvm.ptr)
// CHECK: %[[WORDS:.*]] = llvm.alloca %{{.*}} x i32
// CHECK: llvm.call @nf_emulated_copy_async(%[[TILE:.*]], %[[X]], %[[BYTES:.*]], %[[BYTES]])
// CHECK: llvm.call @nf_emulated_copy_async(%[[TILE]], %[[X]], %{{.*}}, %[[EIGHT:.*]]) : (!llvm.ptr
// CHECK: llvm.call @nf_emulated_commit_copies()
// CHECK: %[[ONE:.*]] = llvm.mlir.constant(1 : i32)
// CHECK: llvm.call @nf_emulated_wait_copies(%[[ONE]])
// CHECK: %[[ROW:.*]] = llvm.mlir.constant(0 : i32)
// CHECK: %[[FOUR:.*]] = llvm.mlir.constant(4 : i32)
// CHECK: llvm.call @nf_emulated_ldmatrix(%[[TILE]], %[[FOUR]], %[[ROW]], %{{.*}})
// CHECK-COUNT-4: llvm.insertvalue
// CHECK: %[[COLUMN:.*]] = llvm.mlir.constant(1 : i32)
// CHECK: llvm.call @nf_emulated_ldmatrix(%[[TILE]], %{{.*}}, %[[COLUMN]], %{{.*}})
// CHECK: %[[B:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i32
// CHECK-COUNT-10: llvm.store
// CHECK: llvm.call @nf_emulated_mma_bf16(
// CHECK: llvm.call @nf_emulated_exp2(
llvm.func @k(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {nf.gpu_threads = 32 : i64} {
  llvm.return
}
