//===- ScatterAdds.cpp - the scattered row sums of a module ----------------------------------===//
#include "passes/rows/ScatterAdds.h"

using namespace mlir;
using namespace nf;

static LogicalResult checkElements(ScatterAddOp op) {
  Type rows = op.getRows().getType(), table = op.getOuts()[0].getType();
  bool rowsFit = getElementTypeOrSelf(rows).isF32() || getElementTypeOrSelf(rows).isBF16();
  if (!rowsFit || !getElementTypeOrSelf(table).isF32())
    return op.emitOpError() << "expected f32 or bf16 rows and an f32 table, but got " << rows << " and " << table
                            << "; sums of gradients are kept in fp32";
  return success();
}

FailureOr<SmallVector<ScatterAddOp>> nf::plannedScatterAdds(ModuleOp module,
                                                            function_ref<LogicalResult(ScatterAddOp)> check) {
  SmallVector<ScatterAddOp> ops;
  bool fits = true;
  module.walk([&](ScatterAddOp op) {
    if (op.getOuts().empty())
      return;
    ops.push_back(op);
    fits &= succeeded(checkElements(op)) && (!check || succeeded(check(op)));
  });
  if (!fits)
    return failure();
  return ops;
}
