//===- NFDialect.td - the nf dialect ---------------------------------------------------------------*- tablegen -*-===//
#ifndef NF_DIALECT_TD
#define NF_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "dialect/NFInterfaces.td"

def NF_Dialect : Dialect {
  let name = "nf";
  let cppNamespace = "::nf";
  let summary = "training graphs of transformer language models";
  let hasConstantMaterializer = 1;
  let description = [{
    Whole-tensor mathematics of a training step, and the module structure that holds its programs. Every shape is
    static. Values are ranked tensors; the ops that survive until memory is planned also accept memrefs, with their
    results passed as `outs`. Elementwise ops broadcast as NumPy does: shapes are aligned at the right, and an extent
    of 1 or a missing leading axis repeats. Reductions keep the reduced axes with extent 1.
  }];
}

class NF_Op<string mnemonic, list<Trait> traits = []> : Op<NF_Dialect, mnemonic, traits>;

// Tensors up to planning, buffers after it.
defvar NF_Tensor = AnyStaticShapeTensor;
defvar NF_Buffer = AnyStaticShapeMemRef;
def NF_Data : AnyTypeOf<[NF_Tensor, NF_Buffer], "static tensor or planned buffer">;
def NF_FloatTensor : StaticShapeTensorOf<[F32, BF16, F64]>;
def NF_IndexTensor : StaticShapeTensorOf<[I32]>;
def NF_SeedTensor : StaticShapeTensorOf<[I64]>;
def NF_SeedData : AnyTypeOf<[StaticShapeTensorOf<[I64]>, StaticShapeMemRefOf<[I64]>], "i64 tensor or planned buffer">;
def NF_IndexData : AnyTypeOf<[StaticShapeTensorOf<[I32]>, StaticShapeMemRefOf<[I32]>], "i32 tensor or planned buffer">;

def NF_Infer : DeclareOpInterfaceMethods<InferTypeOpInterface>;
def NF_Differentiable : DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildGradient"]>;
def NF_NotDifferentiable : DeclareOpInterfaceMethods<DifferentiableOpInterface, ["getNotDifferentiableReason"]>;
def NF_Decomposable : DeclareOpInterfaceMethods<DecomposableOpInterface>;
def NF_Kernel : DeclareOpInterfaceMethods<KernelOpInterface>;
def NF_AccumulatingKernel : DeclareOpInterfaceMethods<KernelOpInterface, ["canAccumulate"]>;
def NF_SummingKernel : DeclareOpInterfaceMethods<KernelOpInterface,
                                                 ["canAccumulate", "canSumOperand", "addOperandSum"]>;
def NF_ColumnsKernel : DeclareOpInterfaceMethods<KernelOpInterface, ["takesColumns", "givesColumns"]>;
def NF_FusedKernel : DeclareOpInterfaceMethods<KernelOpInterface, ["canAccumulate", "mayOverwrite"]>;
def NF_Effects : DeclareOpInterfaceMethods<MemoryEffectsOpInterface>;

#endif // NF_DIALECT_TD
