// nf.attention as opset 23's Attention, with what a query must not see as a mask of bools.
#include "frontend/onnx/export/ExportContext.h"

#include "onnx.pb.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

/// The conjunction of conditions; "" where there is none.
static void require(ExportContext &e, std::string &mask, const std::string &condition) {
  mask = mask.empty() ? condition : e.node("And", {mask, condition});
}

/// Keys whose padding is not 0: [batch, 1, 1, keys].
static std::string isReal(ExportContext &e, Value padding) {
  ArrayRef<int64_t> shape = shapeOf(padding);
  std::string isOne =
      e.node("Not", {e.node("Equal", {e.of(padding), e.number(0, tensorType(padding).getElementType())})});
  return e.reshape(isOne, {shape[0], 1, 1, shape[1]});
}

/// Keys of the query's segment: [batch, 1, queries, keys].
static std::string isSameSegment(ExportContext &e, Value segments, int64_t queries) {
  int64_t batch = shapeOf(segments)[0], keys = shapeOf(segments)[1];
  std::string last = e.of(segments);
  if (queries != keys)
    last = e.node("Slice", {last, e.integers({keys - queries}), e.integers({keys}), e.integers({1})});
  return e.node("Equal", {e.reshape(last, {batch, 1, queries, 1}), e.reshape(e.of(segments), {batch, 1, 1, keys})});
}

/// Keys up to the query's own place, `offset` further on: [queries, keys].
static std::string isNotLater(ExportContext &e, Value offset, int64_t queries, int64_t keys) {
  Type i32 = tensorType(offset).getElementType();
  std::string place = e.add(e.reshape(e.iota(queries, i32), {queries, 1}), e.reshape(e.of(offset), {1}));
  return e.node("LessOrEqual", {e.iota(keys, i32), place});
}

static std::string isBefore(ExportContext &e, Value length, int64_t keys) {
  return e.node("Less", {e.iota(keys, tensorType(length).getElementType()), e.reshape(e.of(length), {1})});
}

static LogicalResult attention(ExportContext &e, Operation &op) {
  auto attention = cast<AttentionOp>(op);
  if (attention.getDropout().convertToDouble() > 0)
    return op.emitError() << "expected attention without dropout, but got one of a training program; export @eval";
  if (!op.getResult(1).use_empty())
    return op.emitError() << "expected the output of attention alone to be read, but got a use of its log-sum-exp";
  int64_t batch = shapeOf(attention.getQ())[0], queries = shapeOf(attention.getQ())[1];
  int64_t keys = shapeOf(attention.getK())[1], heads = static_cast<int64_t>(attention.getHeads());
  std::string mask;
  if (attention.getKeyPadding())
    require(e, mask, isReal(e, attention.getKeyPadding()));
  if (attention.getSegments())
    require(e, mask, isSameSegment(e, attention.getSegments(), queries));
  if (attention.getKeyLength())
    require(e, mask, isBefore(e, attention.getKeyLength(), keys));
  // The operator's own causal mask knows no offset.
  bool isCausal = attention.getCausal(), isShifted = isCausal && attention.getQueryOffset();
  if (isShifted)
    require(e, mask, isNotLater(e, attention.getQueryOffset(), queries, keys));
  SmallVector<std::string> operands{e.of(attention.getQ()), e.of(attention.getK()), e.of(attention.getV())};
  if (!mask.empty())
    operands.push_back(e.expand(mask, {batch, 1, queries, keys}));
  e.give(op.getResult(0), e.node("Attention", operands,
                                 {{"q_num_heads", heads},
                                  {"kv_num_heads", heads},
                                  {"scale", static_cast<float>(attention.getScale().convertToDouble())},
                                  {"is_causal", int64_t(isCausal && !isShifted)}}));
  return success();
}

void nf::onnxfe::addAttentionExporter(ExportTable &table) { table["nf.attention"] = attention; }
