//===- NFInterfaces.td - what passes may ask of an op ----------------------------------------------*- tablegen -*-===//
#ifndef NF_INTERFACES_TD
#define NF_INTERFACES_TD

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::nf";
  let description = [{
    The gradient rule of an op. Reverse-mode differentiation knows nothing else about an op: an op without this
    interface on the path to the loss is an error that names it.
  }];
  let methods = [
    InterfaceMethod<[{
        Builds the gradients of the operands from those of the results. `resultGradients[i]` is null where no gradient
        reaches result i. `wanted[i]` says whether operand i's gradient is used; an unwanted one is neither built nor
        returned. `operandGradients` arrives with one null per operand; an operand that the function is constant in
        stays null. The default is a constant: no gradient for any operand.
      }],
      "::llvm::LogicalResult", "buildGradient",
      (ins "::mlir::OpBuilder &":$builder, "::llvm::ArrayRef<::mlir::Value>":$resultGradients,
           "::llvm::ArrayRef<bool>":$wanted, "::llvm::SmallVectorImpl<::mlir::Value> &":$operandGradients),
      "", [{ return ::mlir::success(); }]>,
    StaticInterfaceMethod<[{
        Why the op has no gradient, as the end of the sentence "… is not differentiable: "; empty where it has one.
      }],
      "::llvm::StringRef", "getNotDifferentiableReason", (ins), "", [{ return ""; }]>
  ];
}

def DecomposableOpInterface : OpInterface<"DecomposableOpInterface"> {
  let cppNamespace = "::nf";
  let description = [{
    A composite op written out in primitives: its definition, and the body that the fuser and the code generators see.
  }];
  let methods = [
    InterfaceMethod<[{
        Builds the op in primitives and returns one value per result, or fails where this instance has no such form
        (the op then stays as it is).
      }],
      "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>", "decompose", (ins "::mlir::OpBuilder &":$builder)>
  ];
}

def RowWiseOpInterface : OpInterface<"RowWiseOpInterface"> {
  let cppNamespace = "::nf";
  let description = [{
    An op that can be computed row by row over an iteration space [rows, cols]: its place in a fused region. `cols`
    are the trailing elements of the tensor shape that rows are made of. See NFFusedOps.td for the kinds of values.
  }];
  let methods = [
    InterfaceMethod<[{
        The part that the op plays: an elementwise map, a reduction within each row (over the last axis), or a
        reduction over all rows (over every axis but the last), which can only end a region; or none, where this instance
        does not fit rows.
      }],
      "::nf::RowRole", "getRowRole", (ins)>,
    InterfaceMethod<[{
        The op on one row. `operands` are row values: tensor<cols> or tensor<1>, one per operand of the op. The default
        clones the op onto them and infers its type.
      }],
      "::mlir::Value", "buildRow",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands, "int64_t":$cols), "",
      [{ return ::nf::buildRowByClone(builder, $_op, operands, cols); }]>,
    InterfaceMethod<[{
        Whether operand `index` is a table whose rows are picked by operand `getGatherIndex()`.
      }],
      "bool", "isGatheredOperand", (ins "unsigned":$index), "", [{ return false; }]>,
    InterfaceMethod<"The operand that holds the row indices of a gathered operand.", "unsigned", "getGatherIndex",
      (ins), "", [{ return 0; }]>,
    InterfaceMethod<[{
        Whether computing a value again costs more than keeping it in the row's scratch memory (exp, division, …).
      }],
      "bool", "isCostly", (ins), "", [{ return false; }]>,
    InterfaceMethod<[{
        Whether every reader computes the value for itself, so that it is never in memory: conditions, which have no form
        there, and bf16 values in f32, which would only take more of it.
      }],
      "bool", "isNeverStored", (ins), "", [{ return false; }]>
  ];
}

def ReferenceOpInterface : OpInterface<"ReferenceOpInterface"> {
  let cppNamespace = "::nf";
  let description = [{
    Names the plain-loop kernel of runtime/reference that defines the op.
  }];
  let methods = [
    StaticInterfaceMethod<"The kernel's name: the op's, unless it says otherwise.", "::llvm::StringRef",
      "getReferenceKernel", (ins), "", [{ return ConcreteOp::getOperationName(); }]>
  ];
}

def KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::nf";
  let description = [{
    An op that becomes kernels of its own. It has two forms: tensors with results, and, once memory is planned, buffers
    with one `outs` operand per result of the tensor form. (DestinationStyleOpInterface asks for `outs` in the tensor
    form too, which would fill every program with empty tensors that mean nothing before planning.)
  }];
  let methods = [
    InterfaceMethod<"The outs operands; empty in the tensor form.", "::mlir::MutableOperandRange", "getOutsMutable">,
    InterfaceMethod<[{
        Whether result `index` can be added to its destination instead of replacing it.
      }], "bool", "canAccumulate", (ins "unsigned":$index), "", [{ return false; }]>,
    InterfaceMethod<"The operand that switches accumulation: an i32 scalar, at most one; empty without.",
      "::mlir::MutableOperandRange", "getAccumulateMutable">,
    InterfaceMethod<[{
        Whether the destination of result `index` may be the buffer of operand `operand`: each element of the operand
        is read before the same element of the result is written.
      }], "bool", "mayOverwrite", (ins "unsigned":$operand, "unsigned":$index), "", [{ return false; }]>,
    InterfaceMethod<[{
        Whether `operand` may be columns of a wider buffer: rows that are dense, but not next to one another.
      }], "bool", "takesColumns", (ins "unsigned":$operand), "", [{ return false; }]>,
    InterfaceMethod<"The same of the destination of result `index`.",
      "bool", "givesColumns", (ins "unsigned":$index), "", [{ return false; }]>,
    InterfaceMethod<[{
        Whether the op, in tensor form, can also give the sum of operand `operand` over every axis but the last, in the
        pass over it that it makes anyway.
      }], "bool", "canSumOperand", (ins "unsigned":$operand), "", [{ return false; }]>,
    InterfaceMethod<[{
        Replaces the op by one that gives this sum, of `elementType`, as its last result, and returns the sum: [columns].
      }], "::mlir::Value", "addOperandSum",
      (ins "::mlir::OpBuilder &":$builder, "unsigned":$operand, "::mlir::Type":$elementType), "", [{ return {}; }]>
  ];
}

#endif // NF_INTERFACES_TD
