//===- NFPrimitiveOps.td - the ops that everything can be written in -------------------------------*- tablegen -*-===//
#ifndef NF_PRIMITIVE_OPS_TD
#define NF_PRIMITIVE_OPS_TD

include "dialect/NFDialect.td"

def NF_RowWise : DeclareOpInterfaceMethods<RowWiseOpInterface, ["getRowRole"]>;
def NF_RowWiseNeverStored : DeclareOpInterfaceMethods<RowWiseOpInterface, ["getRowRole", "isNeverStored"]>;
def NF_RowWiseCostly : DeclareOpInterfaceMethods<RowWiseOpInterface, ["getRowRole", "isCostly"]>;

class NF_Primitive<string mnemonic, list<Trait> traits = []>
    : NF_Op<mnemonic, [Pure, ReferenceOpInterface] # traits>;

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

class NF_Unary<string mnemonic, string maths, Trait rowWise = NF_RowWise>
    : NF_Primitive<mnemonic, [NF_Infer, NF_Differentiable, rowWise]> {
  let summary = "elementwise " # maths;
  let description = "`y = " # maths # "`, element by element. Constraint: (C1) the operand is a float tensor.\n\n"
                    # "```mlir\n%y = nf." # mnemonic # " %x : (tensor<4x8xf32>) -> tensor<4x8xf32>\n```";
  let arguments = (ins NF_FloatTensor:$x);
  let results = (outs NF_FloatTensor:$y);
  let assemblyFormat = "$x `:` functional-type(operands, results) attr-dict";
}

def NF_NegOp : NF_Unary<"neg", "-x">;
def NF_ExpOp : NF_Unary<"exp", "e^x", NF_RowWiseCostly>;
def NF_LogOp : NF_Unary<"log", "ln x", NF_RowWiseCostly>;
def NF_TanhOp : NF_Unary<"tanh", "tanh x", NF_RowWiseCostly>;
def NF_ErfOp : NF_Unary<"erf", "erf x", NF_RowWiseCostly>;
def NF_SqrtOp : NF_Unary<"sqrt", "√x", NF_RowWiseCostly>;
def NF_RsqrtOp : NF_Unary<"rsqrt", "1/√x", NF_RowWiseCostly>;

class NF_Binary<string mnemonic, string maths, Trait rowWise = NF_RowWise>
    : NF_Primitive<mnemonic, [NF_Infer, NF_Differentiable, rowWise]> {
  let summary = "elementwise " # maths;
  let description = "`z = " # maths # "` with broadcasting. Constraints: (C1) equal element types; "
                    # "(C2) shapes that broadcast.\n\n```mlir\n%z = nf." # mnemonic
                    # " %x, %y : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>\n```";
  let arguments = (ins NF_Tensor:$lhs, NF_Tensor:$rhs);
  let results = (outs NF_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs `:` functional-type(operands, results) attr-dict";
}

def NF_AddOp : NF_Binary<"add", "x + y"> {
  let hasCanonicalizeMethod = 1;
}
def NF_SubOp : NF_Binary<"sub", "x - y">;
def NF_MulOp : NF_Binary<"mul", "x · y">;
def NF_DivOp : NF_Binary<"div", "x / y", NF_RowWiseCostly>;
def NF_PowOp : NF_Binary<"pow", "x^y = e^(y ln x), x ≥ 0", NF_RowWiseCostly>;
def NF_MaxOp : NF_Binary<"max", "max(x, y), NaN where either is; the gradient goes to x where x ≥ y">;

def NF_ComparePredicate : I32EnumAttr<"ComparePredicate", "comparison", [
    I32EnumAttrCase<"Eq", 0, "eq">, I32EnumAttrCase<"Ne", 1, "ne">, I32EnumAttrCase<"Lt", 2, "lt">,
    I32EnumAttrCase<"Le", 3, "le">, I32EnumAttrCase<"Gt", 4, "gt">, I32EnumAttrCase<"Ge", 5, "ge">]> {
  let cppNamespace = "::nf";
}

def NF_CompareOp : NF_Primitive<"compare", [NF_Infer, DifferentiableOpInterface, NF_RowWiseNeverStored]> {
  let summary = "elementwise comparison, as i1";
  let description = [{
    ```mlir
    %m = nf.compare eq %x, %y : (tensor<4x8xi32>, tensor<4x1xi32>) -> tensor<4x8xi1>
    ```
    Floats compare ordered (NaN is false), except ne. Constraints: (C1) equal element types; (C2) shapes that broadcast.
  }];
  let arguments = (ins NF_ComparePredicate:$predicate, NF_Tensor:$lhs, NF_Tensor:$rhs);
  let results = (outs NF_Tensor:$result);
  let assemblyFormat = "$predicate $lhs `,` $rhs `:` functional-type(operands, results) attr-dict";
}

def NF_WhereOp : NF_Primitive<"where", [NF_Infer, NF_Differentiable, NF_RowWise]> {
  let summary = "condition ? x : y, elementwise";
  let description = [{
    ```mlir
    %z = nf.where %c, %x, %y : (tensor<4x8xi1>, tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
    ```
    Constraints: (C1) the condition is i1; (C2) x and y have equal element types; (C3) shapes that broadcast.
  }];
  let arguments = (ins NF_Tensor:$condition, NF_Tensor:$lhs, NF_Tensor:$rhs);
  let results = (outs NF_Tensor:$result);
  let assemblyFormat = "$condition `,` $lhs `,` $rhs `:` functional-type(operands, results) attr-dict";
}

def NF_CastOp : NF_Primitive<"cast", [NF_Differentiable, NF_RowWiseNeverStored]> {
  let summary = "another element type";
  let description = [{
    Rounds to nearest even between floats; i1 and i32 convert to floats by value.

    ```mlir
    %y = nf.cast %x : (tensor<4x8xf32>) -> tensor<4x8xbf16>
    ```
    A cast to a wider float and back is the value itself. Constraint: (C1) equal shapes.
  }];
  let arguments = (ins NF_Tensor:$x);
  let results = (outs NF_Tensor:$y);
  let assemblyFormat = "$x `:` functional-type(operands, results) attr-dict";
  let hasVerifier = 1;
  let hasFolder = 1;
  let extraClassDeclaration = [{
    /// Whether both sides are floats and the result has more bits: no value changes.
    bool isWidening();
  }];
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

def NF_ConstantOp : NF_Primitive<"constant", [ConstantLike, DifferentiableOpInterface, NF_RowWise,
                                              AllTypesMatch<["value", "result"]>]> {
  let summary = "a constant tensor";
  let description = [{
    ```mlir
    %c = nf.constant dense<1.0> : tensor<1xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NF_Tensor:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
}

def NF_IotaOp : NF_Primitive<"iota", [DifferentiableOpInterface, NF_RowWise]> {
  let summary = "the index along the last axis";
  let description = [{
    `y[..., j] = j`, i32 or float.

    ```mlir
    %j = nf.iota : tensor<50257xi32>
    ```
    Constraint: (C1) rank at least 1.
  }];
  let results = (outs NF_Tensor:$result);
  let assemblyFormat = "`:` type($result) attr-dict";
  let hasVerifier = 1;
}

def NF_RandomBitsOp : NF_Primitive<"random_bits", [DifferentiableOpInterface,
    DeclareOpInterfaceMethods<RowWiseOpInterface, ["getRowRole", "buildRow", "isCostly"]>]> {
  let summary = "31 random bits per element by Philox4x32-10";
  let description = [{
    The map of runtime/abi/nf_abi.h: key = seed, counter = {column / 4, row, site, step}, word column mod 4, shifted
    right by one so that the i32 result is not negative; row counts all axes but the last, from
    `sample_offset · rows_per_sample`. Pure: equal operands give equal bits.

    ```mlir
    %u = nf.random_bits %seed, %step, %offset {site = 3 : i32, rows_per_sample = 64 : i64}
         : (tensor<i64>, tensor<i32>, tensor<i32>) -> tensor<4x64x768xi32>
    ```
    Constraints: (C1) seed is one i64, step and sample_offset are one i32; (C2) the result is i32 of rank at least 1.
  }];
  let arguments = (ins NF_SeedTensor:$seed, NF_IndexTensor:$step, NF_IndexTensor:$sample_offset, I32Attr:$site,
                       I64Attr:$rows_per_sample);
  let results = (outs NF_IndexTensor:$result);
  let assemblyFormat = "$seed `,` $step `,` $sample_offset attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

class NF_Reduce<string mnemonic, string maths>
    : NF_Primitive<mnemonic, [NF_Infer, NF_Differentiable, NF_RowWise]> {
  let summary = maths # " over axes, which stay with extent 1";
  let description = "Constraint: (C1) axes are in range, ascending, without repetition.\n\n```mlir\n%y = nf."
                    # mnemonic # " %x axes [2] : (tensor<4x64x768xf32>) -> tensor<4x64x1xf32>\n```";
  let arguments = (ins NF_FloatTensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs NF_FloatTensor:$y);
  let assemblyFormat = "$x `axes` $axes `:` functional-type(operands, results) attr-dict";
}

def NF_ReduceSumOp : NF_Reduce<"reduce_sum", "the sum">;
def NF_ReduceMeanOp : NF_Reduce<"reduce_mean", "the mean">;
def NF_ReduceMaxOp : NF_Reduce<"reduce_max", "the maximum">;

//===----------------------------------------------------------------------===//
// Shape and movement
//===----------------------------------------------------------------------===//

def NF_ReshapeOp : NF_Primitive<"reshape", [NF_Differentiable]> {
  let summary = "another shape of the same elements in row-major order";
  let description = [{
    ```mlir
    %y = nf.reshape %x : (tensor<4x64x768xf32>) -> tensor<256x768xf32>
    ```
    Constraint: (C1) equal element types and element counts.
  }];
  let arguments = (ins NF_Tensor:$x);
  let results = (outs NF_Tensor:$y);
  let assemblyFormat = "$x `:` functional-type(operands, results) attr-dict";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NF_BroadcastOp : NF_Primitive<"broadcast", [NF_Differentiable, NF_RowWise]> {
  let summary = "repeats along axes of extent 1 and new leading axes";
  let description = [{
    ```mlir
    %y = nf.broadcast %x : (tensor<12x1xf32>) -> tensor<12x64xf32>
    ```
    Constraint: (C1) the operand's shape broadcasts to the result's.
  }];
  let arguments = (ins NF_Tensor:$x);
  let results = (outs NF_Tensor:$y);
  let assemblyFormat = "$x `:` functional-type(operands, results) attr-dict";
  let hasVerifier = 1;
}

def NF_TransposeOp : NF_Primitive<"transpose", [NF_Infer, NF_Differentiable]> {
  let summary = "permutes axes: result axis i is operand axis permutation[i]";
  let description = [{
    ```mlir
    %y = nf.transpose %x [0, 2, 1] : (tensor<4x8x16xf32>) -> tensor<4x16x8xf32>
    ```
    Constraint: (C1) `permutation` is a permutation of the axes.
  }];
  let arguments = (ins NF_Tensor:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs NF_Tensor:$y);
  let assemblyFormat = "$x $permutation `:` functional-type(operands, results) attr-dict";
}

def NF_SliceOp : NF_Primitive<"slice", [NF_Infer, NF_Differentiable]> {
  let summary = "a contiguous range of one axis";
  let description = [{
    ```mlir
    %y = nf.slice %x axis 0 from 128 size 64 : (tensor<256x768xf32>) -> tensor<64x768xf32>
    ```
    Constraint: (C1) 0 ≤ from, 1 ≤ size, from + size ≤ extent; axis in range.
  }];
  let arguments = (ins NF_Tensor:$x, I64Attr:$axis, I64Attr:$from, I64Attr:$size);
  let results = (outs NF_Tensor:$y);
  let assemblyFormat = "$x `axis` $axis `from` $from `size` $size `:` functional-type(operands, results) attr-dict";
}

def NF_PadOp : NF_Primitive<"pad", [NF_Infer, NF_Differentiable]> {
  let summary = "zeros before and after one axis";
  let description = [{
    ```mlir
    %y = nf.pad %x axis 0 low 128 high 64 : (tensor<64x768xf32>) -> tensor<256x768xf32>
    ```
    Constraint: (C1) axis in range, low and high not negative.
  }];
  let arguments = (ins NF_Tensor:$x, I64Attr:$axis, I64Attr:$low, I64Attr:$high);
  let results = (outs NF_Tensor:$y);
  let assemblyFormat = "$x `axis` $axis `low` $low `high` $high `:` functional-type(operands, results) attr-dict";
}

def NF_ConcatOp : NF_Primitive<"concat", [NF_Infer, NF_Differentiable]> {
  let summary = "tensors one after another along an axis";
  let description = [{
    ```mlir
    %y = nf.concat %a, %b axis 0 : (tensor<64x8xf32>, tensor<32x8xf32>) -> tensor<96x8xf32>
    ```
    Constraint: (C1) at least one operand, equal element types, equal extents off the axis.
  }];
  let arguments = (ins Variadic<NF_Tensor>:$parts, I64Attr:$axis);
  let results = (outs NF_Tensor:$result);
  let assemblyFormat = "$parts `axis` $axis `:` functional-type(operands, results) attr-dict";
}

def NF_GatherOp : NF_Primitive<"gather", [NF_Infer, NF_Differentiable,
    DeclareOpInterfaceMethods<RowWiseOpInterface, ["getRowRole", "buildRow", "isGatheredOperand", "getGatherIndex"]>]> {
  let summary = "rows of a table by index";
  let description = [{
    `y[i..., :] = table[indices[i...], :]`; the gradient is nf.scatter_add.

    ```mlir
    %y = nf.gather %table, %ids : (tensor<50257x768xf32>, tensor<4x64xi32>) -> tensor<4x64x768xf32>
    ```
    Constraints: (C1) the table has rank 2; (C2) indices are i32.
  }];
  let arguments = (ins NF_Tensor:$table, NF_IndexTensor:$indices);
  let results = (outs NF_Tensor:$result);
  let assemblyFormat = "$table `,` $indices `:` functional-type(operands, results) attr-dict";
}

def NF_ScatterAddOp : NF_Op<"scatter_add", [AttrSizedOperandSegments, NF_Effects, NF_AccumulatingKernel, NF_Differentiable,
                                           ReferenceOpInterface]> {
  let hasCanonicalizeMethod = 1;
  let summary = "adds rows into a table of zeros by index: the gradient of nf.gather";
  let description = [{
    `y = 0; y[indices[i...], :] += rows[i..., :]` in ascending order of i, so that the bits never vary. In buffer form
    `outs` is the table; with `accumulate` (an i32 scalar) other than 0 it is added to instead of cleared. Rows may be
    bf16 where the table is f32.

    ```mlir
    %y = nf.scatter_add %rows, %ids : (tensor<4x64x768xf32>, tensor<4x64xi32>) -> tensor<50257x768xf32>
    ```
    Constraints: (C1) rows' shape is indices' shape plus one axis; (C2) the result is [entries, that axis].
  }];
  let arguments = (ins NF_Data:$rows, NF_IndexData:$indices, Optional<NF_IndexData>:$accumulate, Variadic<NF_Data>:$outs,
                       UnitAttr:$always_accumulate);
  let results = (outs Variadic<NF_Tensor>:$result);
  let assemblyFormat = [{
    $rows `,` $indices (`accumulate` $accumulate^)? (`outs` `(` $outs^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NF_MatmulOp : NF_Op<"matmul", [AttrSizedOperandSegments, NF_Effects, NF_SummingKernel, NF_Differentiable,
                                     ReferenceOpInterface]> {
  let summary = "matrix product over the last two axes";
  let description = [{
    `C = op(A) · op(B) [+ bias]`, where op transposes the last two axes. Leading axes of A are batches; B has either
    the same leading axes or rank 2 (then A's leading axes count as rows). `bias` ([columns]) is added to every row.
    In buffer form `outs` is C; with `accumulate` (an i32 scalar) other than 0, or `always_accumulate`, C is added to.
    Operands and result may be f32 or bf16, each by itself: sums are f32, and a bf16 result is rounded once.
    With `sum_lhs` (`sum_rhs`) a second result is the sum of A's (B's) rows as they are stored, the inner extent: for a
    weight's gradient, whose operand A is that of the linear's result, the gradient of its bias. The product reads all
    of both operands, so that the sum is no pass over memory of its own.

    ```mlir
    %y = nf.matmul %x, %w bias %b {transpose_b}
         : (tensor<4x64x768xf32>, tensor<3072x768xf32>, tensor<3072xf32>) -> tensor<4x64x3072xf32>
    %dw, %db = nf.matmul %dy, %u {sum_lhs, transpose_a}
         : (tensor<256x3072xf32>, tensor<256x768xf32>) -> (tensor<3072x768xf32>, tensor<3072xf32>)
    ```
    Constraints: (C1) ranks 2 to 4, B's rank 2 or A's; (C2) equal leading axes where B's rank is A's;
    (C3) equal inner extents; (C4) bias is [columns]; (C5) the result's shape; (C6) transpose_a needs equal ranks;
    (C7) one operand is summed at most, A with transpose_a, B without transpose_b, and without batches; (C8) its sum is a
    second result of one number a column.
  }];
  let arguments = (ins NF_Data:$lhs, NF_Data:$rhs, Optional<NF_Data>:$bias, Optional<NF_IndexData>:$accumulate,
                       Variadic<NF_Data>:$outs, UnitAttr:$transpose_a, UnitAttr:$transpose_b, UnitAttr:$sum_lhs,
                       UnitAttr:$sum_rhs, UnitAttr:$always_accumulate);
  let results = (outs Variadic<NF_Tensor>:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs, CArg<"bool", "false">:$transposeA,
                                 CArg<"bool", "false">:$transposeB, CArg<"::mlir::Value", "{}">:$bias)>];
  let assemblyFormat = [{
    $lhs `,` $rhs (`bias` $bias^)? (`accumulate` $accumulate^)? (`outs` `(` $outs^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Rows, columns and inner extent of one product, and the number of products.
    struct Shape { int64_t batch, m, n, k; };
    Shape getProductShape();
    /// Whether there is a second result.
    bool hasOperandSum() { return getSumLhs() || getSumRhs(); }
    ::llvm::LogicalResult verifyOperandSum();
    /// C's shape for operands of these types; fails where they do not fit.
    static ::llvm::FailureOr<::llvm::SmallVector<int64_t>> inferShape(::mlir::ShapedType lhs, ::mlir::ShapedType rhs,
                                                                      bool transposeA, bool transposeB);
  }];
}

def NF_SoftmaxOp : NF_Primitive<"softmax", [NF_Infer, NF_Differentiable, NF_Decomposable]> {
  let summary = "softmax over the last axis";
  let description = [{
    `y = e^(x − max x) / Σ e^(x − max x)` over the last axis. Constraint: (C1) rank at least 1.

    ```mlir
    %y = nf.softmax %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
  }];
  let arguments = (ins NF_FloatTensor:$x);
  let results = (outs NF_FloatTensor:$y);
  let assemblyFormat = "$x `:` functional-type(operands, results) attr-dict";
}

#endif // NF_PRIMITIVE_OPS_TD
