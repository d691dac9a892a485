// Which ops can be exported: all that a forward program may hold.
#include "frontend/onnx/export/ExportContext.h"

#include <gmock/gmock.h>

using namespace mlir;
using namespace nf;

namespace {

/// Ops that forward programs have no use for, or that the exporter handles itself. A new op is here, or has an
/// exporter.
const char *const others[] = {"nf.parameter",
                              "nf.state",
                              "nf.program",
                              "nf.return",
                              "nf.get",
                              "nf.set",
                              "nf.accumulate",
                              "nf.dropout",
                              "nf.random_bits",
                              "nf.attention_backward",
                              "nf.linear_cross_entropy_backward",
                              "nf.square_norm",
                              "nf.clip_coefficient",
                              "nf.adamw",
                              "nf.fused",
                              "nf.yield",
                              "nf.number",
                              "nf.buffer",
                              "nf.copy",
                              "nf.launch"};

TEST(OnnxExport, EveryForwardOpHasAnExporter) {
  MLIRContext context;
  context.loadDialect<NFDialect>();
  std::vector<std::string> missing;
  for (RegisteredOperationName name : context.getRegisteredOperationsByDialect("nf"))
    if (!onnxfe::exportTable().contains(name.getStringRef()) && !llvm::is_contained(others, name.getStringRef()))
      missing.push_back(name.getStringRef().str());
  EXPECT_THAT(missing, testing::IsEmpty());
  for (const char *name : others)
    EXPECT_FALSE(onnxfe::exportTable().contains(name)) << name;
}

} // namespace
