//===- NFPlannedOps.td - programs on planned memory ------------------------------------------------*- tablegen -*-===//
#ifndef NF_PLANNED_OPS_TD
#define NF_PLANNED_OPS_TD

include "dialect/NFDialect.td"

def NF_Segment : I32EnumAttr<"Segment", "where a buffer lies", [
    I32EnumAttrCase<"Persistent", 0, "persistent">, I32EnumAttrCase<"Transient", 1, "transient">]> {
  let cppNamespace = "::nf";
}

def NF_BufferOp : NF_Op<"buffer", [Pure]> {
  let summary = "a static view of a segment";
  let description = [{
    The bytes from `offset` of the persistent segment, or of the program's transient arena, as a row-major memref, or
    as columns of a wider one.

    ```mlir
    %0 = nf.buffer transient 4096 : memref<4x64x768xf32>
    %1 = nf.buffer transient 7168 : memref<4x64x768xf32, strided<[147456, 2304, 1]>>
    ```
    Constraints: (C1) a static memref, row-major or of dense rows that are equally far apart; (C2) offset is not
    negative.
  }];
  let arguments = (ins NF_Segment:$segment, I64Attr:$offset);
  let results = (outs NF_Buffer:$result);
  let assemblyFormat = "$segment $offset `:` type($result) attr-dict";
  let hasVerifier = 1;
}

def NF_NumberOp : NF_Op<"number", [Pure]> {
  let summary = "a number that differs between the launches of one kernel";
  let description = [{
    A constant of the object, for a kernel that reads it from memory: so one kernel serves all dropout sites.

    ```mlir
    %0 = nf.number 4 : memref<1xi32>
    ```
    Constraints: (C1) memref<1xi32>.
  }];
  let arguments = (ins I32Attr:$value);
  let results = (outs NF_Buffer:$result);
  let builders = [OpBuilder<(ins "int32_t":$value)>];
  let assemblyFormat = "$value `:` type($result) attr-dict";
  let hasVerifier = 1;
}

def NF_CopyOp : NF_Op<"copy", []> {
  let summary = "moves elements between strided views: transpose, slice, pad, concat";
  let description = [{
    `out[to + Σ i·to_strides] = in[from + Σ i·from_strides]` for all i below `sizes`; offsets and strides in elements.
    With `fill` all of out is zero first.

    ```mlir
    nf.copy %in to %out sizes [8, 4] from 0 strides [1, 8] to 0 strides [4, 1] : memref<4x8xf32>, memref<8x4xf32>
    ```
    Constraints: (C1) one stride an axis on both sides and sizes of at least 1; (C2) every element addressed lies inside its buffer;
    (C3) equal element types.
  }];
  let arguments = (ins Arg<NF_Buffer, "", [MemRead]>:$in, Arg<NF_Buffer, "", [MemWrite]>:$out,
                       DenseI64ArrayAttr:$sizes, I64Attr:$from, DenseI64ArrayAttr:$from_strides, I64Attr:$to,
                       DenseI64ArrayAttr:$to_strides, UnitAttr:$fill);
  let assemblyFormat = [{
    $in `to` $out `sizes` $sizes `from` $from `strides` $from_strides `to` $to `strides` $to_strides attr-dict
    `:` type($in) `,` type($out)
  }];
  let hasVerifier = 1;
}

def NF_LaunchOp : NF_Op<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "runs a kernel on its buffers";
  let description = [{
    Runs `kernel(buffers…, task, scratch)` for every 0 ≤ task < `tasks`, by nf_run of runtime/abi/nf_abi.h. The
    kernel is a func.func over bare pointers: its memref arguments have the buffers' element types and counts, not
    necessarily their shapes; then come `%task: index` and `%scratch: memref<?xi8>`. In stage llvm the kernel is the
    llvm.func that this became.

    ```mlir
    nf.launch @layer_norm_256x768(%x, %w, %b, %y) tasks 16
        : memref<4x64x768xf32>, memref<768xf32>, memref<768xf32>, memref<4x64x768xf32>
    ```
    Constraints: (C1) `kernel` names a func.func with that signature; (C2) tasks is at least 1.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<NF_Buffer>:$buffers, I64Attr:$tasks);
  let assemblyFormat = "$kernel `(` $buffers `)` `tasks` $tasks attr-dict (`:` type($buffers)^)?";
  let hasVerifier = 1;
}

#endif // NF_PLANNED_OPS_TD
