// Ops that move elements: shapes, slices, tables.
#include "frontend/onnx/export/ExportContext.h"

#include "onnx.pb.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

static LogicalResult reshape(ExportContext &e, Operation &op) {
  e.giveMoved(op.getResult(0), e.reshape(e.of(op.getOperand(0)), shapeOf(op.getResult(0))));
  return success();
}

static LogicalResult broadcast(ExportContext &e, Operation &op) {
  e.giveMoved(op.getResult(0), e.expand(e.of(op.getOperand(0)), shapeOf(op.getResult(0))));
  return success();
}

static LogicalResult transpose(ExportContext &e, Operation &op) {
  e.giveMoved(op.getResult(0), e.transpose(e.of(op.getOperand(0)), cast<TransposeOp>(op).getPermutation()));
  return success();
}

static LogicalResult slice(ExportContext &e, Operation &op) {
  auto slice = cast<SliceOp>(op);
  auto from = static_cast<int64_t>(slice.getFrom()), size = static_cast<int64_t>(slice.getSize());
  auto axis = static_cast<int64_t>(slice.getAxis());
  e.giveMoved(op.getResult(0),
              e.node("Slice", {e.of(slice.getX()), e.integers({from}), e.integers({from + size}), e.integers({axis})}));
  return success();
}

static LogicalResult pad(ExportContext &e, Operation &op) {
  auto pad = cast<PadOp>(op);
  auto low = static_cast<int64_t>(pad.getLow()), high = static_cast<int64_t>(pad.getHigh());
  auto axis = static_cast<int64_t>(pad.getAxis());
  e.giveMoved(op.getResult(0),
              e.node("Pad", {e.of(pad.getX()), e.integers({low, high}), std::string(), e.integers({axis})}));
  return success();
}

static LogicalResult concat(ExportContext &e, Operation &op) {
  SmallVector<std::string> parts;
  for (Value part : op.getOperands())
    parts.push_back(e.of(part));
  auto axis = static_cast<int64_t>(cast<ConcatOp>(op).getAxis());
  e.giveMoved(op.getResult(0), e.node("Concat", parts, {{"axis", axis}}));
  return success();
}

/// nf.gather and nf.embedding: rows of a table by index.
static LogicalResult gather(ExportContext &e, Operation &op) {
  e.giveMoved(op.getResult(0),
              e.node("Gather", {e.of(op.getOperand(0)), e.of(op.getOperand(1))}, {{"axis", int64_t(0)}}));
  return success();
}

static LogicalResult scatterAdd(ExportContext &e, Operation &op) {
  auto scatter = cast<ScatterAddOp>(op);
  Value table = op.getResult(0);
  SmallVector<int64_t> column(shapeOf(scatter.getIndices()));
  column.push_back(1);
  std::string zeros = e.expand(e.number(0, tensorType(table).getElementType()), shapeOf(table));
  std::string indices = e.reshape(e.cast(e.of(scatter.getIndices()), ::onnx::TensorProto::INT64), column);
  e.give(table, e.node("ScatterND", {zeros, indices, e.of(scatter.getRows())}, {{"reduction", std::string("add")}}));
  return success();
}

void nf::onnxfe::addMovementExporters(ExportTable &table) {
  table["nf.reshape"] = reshape;
  table["nf.broadcast"] = broadcast;
  table["nf.transpose"] = transpose;
  table["nf.slice"] = slice;
  table["nf.pad"] = pad;
  table["nf.concat"] = concat;
  table["nf.gather"] = gather;
  table["nf.embedding"] = gather;
  table["nf.scatter_add"] = scatterAdd;
}
