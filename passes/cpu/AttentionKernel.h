//===- AttentionKernel.h - what the forward and backward kernels of attention share ----------===//
//
// A task works on blocks of queries and keys of one batch entry and head. Scores are kept transposed, [keys, queries]:
// the lanes of a vector are queries, so that maximum and sum over keys need nothing across lanes, and four keys that
// share a random counter are four rows. Every block is copied to scratch memory first and padded with zeros, so that
// all products have static shapes and no row stride of the model's width (often a power of two) meets the cache.
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_CPU_ATTENTIONKERNEL_H
#define NF_PASSES_CPU_ATTENTIONKERNEL_H

#include "dialect/NF.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/cpu/TileBuilder.h"

namespace nf {

/// All that decides a kernel's code.
struct AttentionShape {
  int64_t batch, heads, queries, keys, width;
  double scale, dropout;
  bool causal;
  int64_t lanes;

  template <typename Op>
  AttentionShape(Op op, int64_t lanes)
      : heads(op.getHeads()), scale(op.getScale().convertToDouble()), dropout(op.getDropout().convertToDouble()),
        causal(op.getCausal()), lanes(lanes) {
    auto q = llvm::cast<mlir::ShapedType>(op.getQ().getType()), k = llvm::cast<mlir::ShapedType>(op.getK().getType());
    batch = q.getDimSize(0);
    queries = q.getDimSize(1);
    keys = k.getDimSize(1);
    width = q.getDimSize(2) / heads;
  }

  /// Blocks of about 64 × 64 scores (16 KB), of equal sizes so that little is padding; one block of up to 128 keys
  /// needs no running maximum (with a causal mask small blocks are better: half of them are never computed).
  int64_t queryBlocks() const { return llvm::divideCeil(queries, 64); }
  int64_t queryBlock() const { return llvm::alignTo(llvm::divideCeil(queries, queryBlocks()), lanes); }
  int64_t keyBlocks() const { return !causal && keys <= 128 ? 1 : llvm::divideCeil(keys, 64); }
  int64_t keyBlock() const { return llvm::alignTo(llvm::divideCeil(keys, keyBlocks()), 8); }
  /// Columns of a tile that holds rows of q, k or v.
  int64_t paddedWidth() const { return llvm::alignTo(width, lanes); }
};

/// A kernel's arguments, null where the op has no such operand; one-element operands are memref<1x…>.
struct AttentionBuffers {
  mlir::Value q, k, v, out, lse, dout, keyPadding, segments, keyLength, queryOffset, seed, step, sampleOffset, site;
  mlir::Value dq, dk, dv;
};

/// Hands out aligned pieces of a kernel's scratch memory.
class ScratchLayout {
public:
  explicit ScratchLayout(mlir::Value scratch) : scratch(scratch) {}
  mlir::Value take(TileBuilder &b, llvm::ArrayRef<int64_t> shape, mlir::Type element);
  int64_t bytes() const { return used; }

private:
  mlir::Value scratch;
  int64_t used = 0;
};

/// The steps that both kernels are made of. Positions: `query` and `key` are indices in the sequence.
class AttentionKernel {
public:
  AttentionKernel(TileBuilder &b, const AttentionShape &shape, const AttentionBuffers &buffers, mlir::Value scratch);

  /// Emits all of the forward kernel (out and lse of one query block), or of the backward kernel (dq, dk and dv of one
  /// batch entry and head), for `task`.
  void emitForward(mlir::Value task);
  void emitBackward(mlir::Value task);

  int64_t scratchBytes() const { return scratch.bytes(); }

private:
  using PerVector = llvm::SmallVector<mlir::Value>;

  mlir::Value tile(int64_t rows, int64_t columns) { return scratch.take(b, {rows, columns}, b.getF32Type()); }
  mlir::Value numbers(int64_t count) { return scratch.take(b, {count}, b.getF32Type()); }
  void enterHead(mlir::Value batchAndHead);

  /// Copies rows first… of a [B, T, heads·width] buffer to a tile, times `factor` if not null, zeros past the end.
  void packRows(mlir::Value from, mlir::Value first, mlir::Value to, mlir::Value factor = {});
  /// Copies `count` rows of a tile to rows first… of a [B, T, heads·width] buffer, times `factor` if not null.
  void unpackRows(mlir::Value from, mlir::Value to, mlir::Value first, mlir::Value count, mlir::Value factor = {});
  /// packed[i] = from[batch, head, firstQuery + i], zeros past the end.
  void packPerQuery(mlir::Value from, mlir::Value packed);
  void packSegments();

  /// Rows of a block that begins at `first` which exist among `extent`.
  mlir::Value rowsInBlock(mlir::Value first, int64_t block, int64_t extent);
  /// The key blocks that the current query block can see: at least one.
  mlir::Value visibleKeyBlocks();
  bool masked() const { return shape.causal || buffers.keyLength || buffers.keyPadding || buffers.segments; }

  /// scores := -1e30 where a key may not be seen.
  void applyMask(mlir::Value scores, mlir::Value firstKey, mlir::Value count);
  void maskRows(mlir::Value scores, mlir::Value firstKey, mlir::Value count);
  mlir::Value keyVisible(mlir::Value key);
  /// Calls body(row, column, keep) for every vector of a block of scores: keep is true where dropout keeps it.
  void forEachDropout(mlir::Value firstKey, mlir::Value count,
                      llvm::function_ref<void(mlir::Value, mlir::Value, mlir::Value)> body);

  // Forward
  void softmax(mlir::Value scores, mlir::Value firstKey, mlir::Value count);
  void softmaxColumns(mlir::Value scores, int64_t firstVector, int64_t vectors, mlir::Value count);
  void dropProbabilities(mlir::Value scores, mlir::Value firstKey, mlir::Value count);
  void finishForward();

  // Backward
  void packQueryBlock();
  void sumOutTimesDout();
  void scoreGradients(mlir::Value scores, mlir::Value dprobabilities, mlir::Value firstKey, mlir::Value count);

  TileBuilder &b;
  const AttentionShape &shape;
  const AttentionBuffers &buffers;
  ScratchLayout scratch;

  mlir::Value batch, head, firstColumn; ///< of the task; heads·width columns
  mlir::Value firstQuery, queryCount;   ///< of the block
  mlir::Value queryOffset;              ///< null without

  // Tiles: rows of a block, its transpose (the suffix T), and numbers of each query.
  mlir::Value queryRows, queryT, keyRows, valueRows, resultT;
  mlir::Value maximum, sum, querySegments;
  mlir::Value doutRows, doutT, logSums, delta;
};

} // namespace nf

#endif // NF_PASSES_CPU_ATTENTIONKERNEL_H
