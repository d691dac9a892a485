//===- NFModuleOps.td - parameters, states and programs --------------------------------------------*- tablegen -*-===//
#ifndef NF_MODULE_OPS_TD
#define NF_MODULE_OPS_TD

include "dialect/NFDialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/FunctionInterfaces.td"

def NF_ParameterOp : NF_Op<"parameter", [Symbol]> {
  let summary = "a trained tensor: name, type and init rule, never its values";
  let description = [{
    Declares a parameter of the module. It lives in fp32 in the persistent segment; `init` is the rule of
    runtime/abi/nf_abi.h. `trainable = false` makes it a constant: no gradient, no moments, not in checkpoints.

    ```mlir
    nf.parameter @"layers.0.attn.q.weight" : tensor<768x768xf32> {init = "{\"kind\":\"normal\",\"std\":0.02}"}
    ```

    Constraints: (C1) the type is a static tensor of f32 of rank 1 to 4 (f64 for evaluation by the
    reference); (C2) `init` is not empty.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<NF_FloatTensor>:$type, StrAttr:$init,
                       DefaultValuedAttr<BoolAttr, "true">:$trainable);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
  let hasVerifier = 1;
}

def NF_StateKind : I32EnumAttr<"StateKind", "what a state holds", [
    I32EnumAttrCase<"Moment1", 2, "moment1">, I32EnumAttrCase<"Moment2", 3, "moment2">,
    I32EnumAttrCase<"Gradient", 4, "gradient">, I32EnumAttrCase<"Derived", 5, "derived">,
    I32EnumAttrCase<"Partial", 6, "partial">, I32EnumAttrCase<"Folded", 7, "folded">]> {
  let cppNamespace = "::nf";
}

def NF_StateOp : NF_Op<"state", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a persistent tensor that belongs to a parameter";
  let description = [{
    A moment, the gradient sum, a partial sum of it, a value derived from parameters, or the gradient sum (or a partial
    sum) of such a value, kept between runs of programs. The kinds are those of nf_state_kind in runtime/abi/nf_abi.h.

    ```mlir
    nf.state gradient @"final_ln.weight.grad" of @final_ln.weight : tensor<768xf32>
    ```

    Constraints: (C1) `parameter` names an nf.parameter of the module; (C2) all but derived and folded
    ones have its shape.
  }];
  let arguments = (ins NF_StateKind:$kind, SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$parameter,
                       TypeAttrOf<NF_FloatTensor>:$type);
  let assemblyFormat = "$kind $sym_name `of` $parameter `:` $type attr-dict";
}

def NF_ProgramOp : NF_Op<"program", [FunctionOpInterface, IsolatedFromAbove, OpAsmOpInterface]> {
  let summary = "one entry of the compiled model";
  let description = [{
    A straight-line computation over its arguments and the module's states. Every argument and result carries the name
    by which the host finds it (`nf.name`); names and meanings are listed in runtime/abi/nf_abi.h.

    ```mlir
    nf.program @eval(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "y"}) {
      %y = nf.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
      nf.return %y : tensor<4x8xf32>
    }
    ```

    Constraints: (C1) one block, ended by nf.return of the result types; (C2) every argument and result has a name,
    no name twice.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// The host's name of argument or result `index`.
    ::llvm::StringRef getArgumentName(unsigned index);
    ::llvm::StringRef getResultName(unsigned index);
    /// The argument called `name`, or null.
    ::mlir::BlockArgument findArgument(::llvm::StringRef name);
    /// Appends an argument called `name`.
    ::mlir::BlockArgument appendArgument(::llvm::StringRef name, ::mlir::Type type, ::mlir::Location location);
    void getAsmBlockArgumentNames(::mlir::Region &region, ::mlir::OpAsmSetValueNameFn setName);
    static ::llvm::StringRef getDefaultDialect() { return "nf"; }
  }];
}

def NF_ReturnOp : NF_Op<"return", [Terminator, HasParent<"ProgramOp">, Pure]> {
  let summary = "ends a program with its results";
  let description = [{
    ```mlir
    nf.program @eval(%x: tensor<4x8xf32> {nf.name = "x"}) -> (tensor<4x8xf32> {nf.name = "same"}) {
      nf.return %x : tensor<4x8xf32>
    }
    ```
    Constraint: (C1) values of the program's result types.
  }];
  let arguments = (ins Variadic<NF_Data>:$results);
  let assemblyFormat = "($results^ `:` type($results))? attr-dict";
  let hasVerifier = 1;
}

def NF_GetOp : NF_Op<"get", [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                             DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "the present value of a parameter or state";
  let description = [{
    ```mlir
    %w = nf.get @"layers.0.attn.q.weight" : tensor<768x768xf32>
    ```
    Constraints: (C1) `symbol` names a parameter or state; (C2) the result has its type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$symbol);
  let results = (outs Res<NF_Data, "", [MemRead]>:$result);
  let assemblyFormat = "$symbol `:` type($result) attr-dict";
}

def NF_SetOp : NF_Op<"set", [DeclareOpInterfaceMethods<SymbolUserOpInterface>, MemoryEffects<[MemWrite]>]> {
  let summary = "replaces the value of a parameter or state";
  let description = [{
    A value read by nf.get before keeps its meaning: planning writes in place only where the old value is dead.

    ```mlir
    nf.set @"final_ln.weight", %new : tensor<768xf32>
    ```
    Constraints: (C1) `symbol` names a parameter or state; (C2) `value` has its type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$symbol, NF_Tensor:$value);
  let assemblyFormat = "$symbol `,` $value `:` type($value) attr-dict";
}

def NF_AccumulateOp : NF_Op<"accumulate", [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                           MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "adds a value to a gradient sum, or starts it";
  let description = [{
    `state = flag == 0 ? value : state + value`. `flag` is an i32 scalar; without it the value is always added. The
    first micro-batch of a step starts the sum, so that no pass over memory clears it.

    ```mlir
    nf.accumulate @"final_ln.weight.grad", %g if %accumulate : tensor<768xf32>, tensor<i32>
    ```
    Constraints: (C1) `symbol` names a state of kind gradient or folded; (C2) `value` has its type; (C3) `flag` is
    tensor<i32>.
  }];
  let arguments = (ins FlatSymbolRefAttr:$symbol, NF_Tensor:$value, Optional<NF_IndexTensor>:$flag);
  let assemblyFormat = "$symbol `,` $value (`if` $flag^)? `:` type($value) (`,` type($flag)^)? attr-dict";
}

#endif // NF_MODULE_OPS_TD
