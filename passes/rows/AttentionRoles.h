//===- AttentionRoles.h - what attention's kernels have in common ----------------------------===//
#ifndef NF_PASSES_ROWS_ATTENTIONROLES_H
#define NF_PASSES_ROWS_ATTENTIONROLES_H

#include "dialect/NF.h"
#include "llvm/Support/raw_ostream.h"

namespace nf {

/// "attention_4x64x64_h12w64_causal_padding", after `kind`: batch, queries, keys; heads, width; what else is in it.
template <typename Op, typename Shape> std::string attentionName(llvm::StringRef kind, Op op, const Shape &shape) {
  std::string name;
  llvm::raw_string_ostream out(name);
  out << kind << '_' << shape.batch << 'x' << shape.queries << 'x' << shape.keys << "_h" << shape.heads << 'w'
      << shape.width;
  out << (shape.causal ? "_causal" : "") << (op.getKeyPadding() ? "_padding" : "")
      << (op.getSegments() ? "_segments" : "") << (op.getKeyLength() ? "_length" : "")
      << (op.getQueryOffset() ? "_offset" : "") << (shape.dropout > 0 ? "_dropout" : "")
      << (mlir::getElementTypeOrSelf(op.getQ().getType()).isBF16() ? "_bf16" : "");
  return name;
}

/// Gives each member of `buffers` what `bufferOf` makes of the operand of its role (an mlir::OpOperand &), in buffer
/// form; those of optional operands that `op` lacks stay as they are.
template <typename Op, typename Buffers, typename BufferOf>
void assignAttentionRoles(Op op, Buffers &buffers, BufferOf bufferOf) {
  auto optional = [&](auto &buffer, mlir::MutableOperandRange range) {
    if (!range.empty())
      buffer = bufferOf(range[0]);
  };
  buffers.q = bufferOf(op.getQMutable());
  buffers.k = bufferOf(op.getKMutable());
  buffers.v = bufferOf(op.getVMutable());
  optional(buffers.keyPadding, op.getKeyPaddingMutable());
  optional(buffers.segments, op.getSegmentsMutable());
  optional(buffers.keyLength, op.getKeyLengthMutable());
  optional(buffers.queryOffset, op.getQueryOffsetMutable());
  optional(buffers.seed, op.getSeedMutable());
  optional(buffers.step, op.getStepMutable());
  optional(buffers.sampleOffset, op.getSampleOffsetMutable());
  mlir::MutableOperandRange outs = op.getOutsMutable();
  if constexpr (std::is_same_v<Op, AttentionOp>) {
    buffers.out = bufferOf(outs[0]);
    buffers.lse = bufferOf(outs[1]);
  } else {
    buffers.out = bufferOf(op.getOutMutable());
    buffers.lse = bufferOf(op.getLseMutable());
    buffers.dout = bufferOf(op.getDoutMutable());
    buffers.dq = bufferOf(outs[0]);
    buffers.dk = bufferOf(outs[1]);
    buffers.dv = bufferOf(outs[2]);
  }
}

} // namespace nf

#endif // NF_PASSES_ROWS_ATTENTIONROLES_H
