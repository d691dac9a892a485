//===- Passes.td - planned programs become LLVM -----------------------------------------------------------*- tablegen -*-===//
#ifndef NF_PASSES_LOWER_PASSES_TD
#define NF_PASSES_LOWER_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelSignatures : Pass<"nf-kernel-signatures", "::mlir::ModuleOp"> {
  let summary = "gives kernels the signatures that bare pointers need";
  let description = [{
    The scratch of every launched kernel becomes a static memref of `nf.scratch_bytes` bytes (the kernel's attribute; 0
    without), and its buffers become noalias: plan passes a buffer that is updated in place once.

    ```mlir
    nf.program @eval() {
      %x = nf.buffer transient 0 : memref<8xf32>
      nf.launch @k(%x) tasks 2 : memref<8xf32>
      nf.return
    }
    func.func private @k(%x: memref<8xf32>, %task: index, %scratch: memref<?xi8>)
        attributes {nf.scratch_bytes = 64 : i64} {
      return
    }
    ```
    becomes
    ```mlir
    nf.program @eval() {
      %x = nf.buffer transient 0 : memref<8xf32>
      nf.launch @k(%x) tasks 2 : memref<8xf32>
      nf.return
    }
    func.func private @k(%x: memref<8xf32> {llvm.noalias}, %task: index, %scratch: memref<64xi8> {llvm.noalias})
        attributes {nf.scratch_bytes = 64 : i64} {
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::LLVM::LLVMDialect"];
}

def LowerPrograms : Pass<"nf-lower-programs", "::mlir::ModuleOp"> {
  let summary = "programs become lists of launches";
  let description = [{
    Runs after the kernels were converted to LLVM with bare pointers. Each nf.program becomes an nf_launches of
    runtime/abi/nf_abi.h, its launches as numbers, and `@nf_program_<name>`, which gives it to nf_run. Each launched
    kernel gets an entry of type nf_kernel under its name; the kernel itself becomes `@<name>.body`, inlined there.
    With `check-kernels`, lists for an emulated GPU also say how large buffers are and where arguments lie.

    ```mlir
    module {
      llvm.func @k(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) {
        llvm.return
      }
      nf.program @eval() attributes {transient_bytes = 128 : i64, nf.arguments = []} {
        %0 = nf.buffer transient 64 : memref<8xf32>
        nf.launch @k(%0) tasks 2 : memref<8xf32>
        nf.return
      }
    }
    ```
    becomes, among others,
    ```mlir
    llvm.func internal @k(%args: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {no_unwind} {
      %place = llvm.getelementptr %args[0] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
      %x = llvm.load %place : !llvm.ptr -> !llvm.ptr
      llvm.call @k.body(%x, %task, %scratch) : (!llvm.ptr, i64, !llvm.ptr) -> ()
      llvm.return
    }
    llvm.func internal @k.body(%x: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) attributes {always_inline, no_unwind} {
      llvm.return
    }
    llvm.mlir.global internal constant @nf_program_eval.launches.numbers(dense<[0, 2, 0, 1, 193]> : tensor<5xi64>)
        {addr_space = 0 : i32} : !llvm.array<5 x i64>
    ```
    The program's attributes stay on the function for nf-emit-table.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
  let options = [Option<"checkKernels", "check-kernels", "bool", /*default=*/"false",
                        "what checked kernels of an emulated GPU are held to">];
}

def EmitTable : Pass<"nf-emit-table", "::mlir::ModuleOp"> {
  let summary = "writes nf_program_table, the one symbol that an object exports";
  let description = [{
    The nf_model of runtime/abi/nf_abi.h from nf.parameter, nf.state, the attributes that plan left on programs, and the
    module's `nf.persistent_bytes`, `nf.metadata`, `nf.cpu_features` and `nf.compile_hash`. All of these are erased, and
    so is the definition that the module was made from.

    ```mlir
    module attributes {nf.persistent_bytes = 64 : i64} {
      nf.parameter @w : tensor<8xf32> {init = "{\"kind\":\"ones\"}", offset = 0 : i64}
    }
    ```
    becomes, among others,
    ```mlir
    llvm.mlir.global private constant @nf.string.0("w\00") {addr_space = 0 : i32}
    llvm.mlir.global private constant @nf.string.1("{\22kind\22:\22ones\22}\00") {addr_space = 0 : i32}
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ExpandMath : Pass<"nf-expand-math"> {
  let summary = "writes elementary functions on f32 in arithmetic";
  let description = [{
    math.exp, log, tanh, erf, rsqrt and powf on f32 scalars and vectors become arith and math.fma, for every target alike;
    errors and special values are listed in ExpandMath.cpp. sqrt and fma stay. No call of a math library remains.

    ```mlir
    func.func @f(%x: vector<8xf32>) -> vector<8xf32> {
      %y = math.rsqrt %x : vector<8xf32>
      return %y : vector<8xf32>
    }
    ```
    becomes
    ```mlir
    func.func @f(%x: vector<8xf32>) -> vector<8xf32> {
      %one = arith.constant dense<1.0> : vector<8xf32>
      %root = math.sqrt %x : vector<8xf32>
      %y = arith.divf %one, %root : vector<8xf32>
      return %y : vector<8xf32>
    }
    ```
  }];
  let options = [
    Option<"bf16", "bf16", "bool", "true", "also expand conversions between f32 and bf16 (not for targets that have them)">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif // NF_PASSES_LOWER_PASSES_TD
