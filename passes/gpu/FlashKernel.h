//===- FlashKernel.h - what the GPU's attention kernels share ---------------------------------===//
//
// A block works on a tile of queries (or keys) of one batch entry and head and goes over tiles of the others, so that
// scores never leave registers. Whether a query sees a key, and whether dropout keeps a probability, is decided here
// for both families of kernels: on tensor cores for bf16 (FlashMma.h) and by FMA for all else (FlashFma.h).
//
//===------------------------------------------------------------------------------------------===//
#ifndef NF_PASSES_GPU_FLASHKERNEL_H
#define NF_PASSES_GPU_FLASHKERNEL_H

#include "dialect/NF.h"
#include "passes/gpu/MmaTile.h"

#include <limits>
#include <numbers>

namespace nf {

/// Scores are in powers of two: e^x = 2^(x · log2 e).
using std::numbers::ln2, std::numbers::log2e;
inline constexpr double infinity = std::numeric_limits<double>::infinity();
/// Far below any score, and finite: a query that sees nothing gets a mean instead of NaN.
inline constexpr double maskedScore = -1e30;

/// All that decides a kernel's code but its operands' types.
struct FlashShape {
  int64_t batch, heads, queries, keys, width;
  double scale, dropout;
  bool causal;

  template <typename Op>
  explicit FlashShape(Op op)
      : heads(op.getHeads()), scale(op.getScale().convertToDouble()), dropout(op.getDropout().convertToDouble()),
        causal(op.getCausal()) {
    auto q = llvm::cast<mlir::ShapedType>(op.getQ().getType()), k = llvm::cast<mlir::ShapedType>(op.getK().getType());
    batch = q.getDimSize(0);
    queries = q.getDimSize(1);
    keys = k.getDimSize(1);
    width = q.getDimSize(2) / heads;
  }
};

/// A kernel's argument and what it points to; null where the op has no such operand.
struct FlashOperand {
  mlir::Value pointer;
  mlir::MemRefType type;
  int64_t alignment = gpuVectorBytes; ///< of the pointer
  explicit operator bool() const { return bool(pointer); }
};

struct FlashOperands {
  FlashOperand q, k, v, out, lse, dout, keyPadding, segments, keyLength, queryOffset, seed, step, sampleOffset, site;
  FlashOperand dq, dk, dv;
};

/// One batch entry and head of a kernel. Numbers of queries and keys are i32.
class FlashHead {
public:
  using Value = mlir::Value;

  /// `head` is batch entry · heads + head. Loads what is one number for all.
  FlashHead(ThreadBuilder &b, const FlashShape &shape, const FlashOperands &operands, Value head);

  /// The head's rows of q, k, v or a tensor like them.
  GlobalRows rows(const FlashOperand &operand);
  /// The address of a query's log-sum-exp.
  Value lseAt(Value query);

  /// A query or key with what the masks say of it; one past the end has the last one's segment and padding.
  struct Token {
    Value number, isSeen, segment; ///< isSeen: i1 of a key, null where all are
  };
  Token query(Value number);
  Token key(Value number);
  /// The score of a key, `hidden` where a mask hides it from the query; -∞ of one past the end.
  Value masked(const Token &query, const Token &key, Value score, double hidden);
  /// False where queries from `firstQuery` on see all keys of a tile, as far as its place says; null where any do.
  Value mayHide(Value firstQuery, Value firstKey, int64_t keys);

  /// The end of the keys that queries below `end` see, at least 1.
  Value keyEnd(Value end);
  /// The first query that sees `key`.
  Value firstQuery(Value key);

  /// The random words of keys 4·group … 4·group + 3 for a query, and whether dropout keeps what has one of them.
  std::array<Value, 4> draw(Value query, Value group);
  Value keeps(Value word);

private:
  /// Null where every query sees every key.
  Value sees(const Token &query, const Token &key);
  bool hidesKeys() const { return operands.keyPadding || operands.segments || operands.keyLength; }
  Value number(const FlashOperand &operand);

  ThreadBuilder &b;
  const FlashShape &shape;
  const FlashOperands &operands;
  Value batch, head;
  Value keyLength, queryOffset;     ///< null without
  Value seed, step, site, firstRow; ///< of dropout
};

} // namespace nf

#endif // NF_PASSES_GPU_FLASHKERNEL_H
