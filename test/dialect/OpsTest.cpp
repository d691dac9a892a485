// What every registered nf op must have: a summary, a gradient or the reason why not, a reference kernel.
#include "dialect/NF.h"
#include "runtime/reference/Reference.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/StringSet.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

using namespace mlir;

/// Module structure, access to states, and planned memory: they compute nothing, and differentiation handles nf.get.
static const llvm::StringSet<> structural = {"nf.parameter", "nf.state",  "nf.program",    "nf.return",
                                             "nf.get",       "nf.set",    "nf.accumulate", "nf.yield",
                                             "nf.buffer",    "nf.number", "nf.copy",       "nf.launch"};

class OpsTest : public testing::Test {
protected:
  OpsTest() { context.loadDialect<nf::NFDialect>(); }

  template <typename F> void forEachOp(F check) {
    int count = 0;
    for (RegisteredOperationName name : context.getRegisteredOperations())
      if (name.getDialectNamespace() == "nf") {
        check(name);
        ++count;
      }
    EXPECT_GT(count, 50);
  }

  MLIRContext context;
};

TEST_F(OpsTest, EveryOpHasAGradientOrTheReasonWhyNot) {
  forEachOp([](RegisteredOperationName name) {
    if (!structural.contains(name.getStringRef()))
      EXPECT_TRUE(name.hasInterface<nf::DifferentiableOpInterface>())
          << name.getStringRef().str() << " has neither a gradient nor a reason";
  });
}

TEST_F(OpsTest, EveryOpThatComputesHasAReferenceKernel) {
  forEachOp([](RegisteredOperationName name) {
    // nf.fused is evaluated as its body.
    if (structural.contains(name.getStringRef()) || name.getStringRef() == "nf.fused")
      return;
    auto *reference = name.getInterface<nf::ReferenceOpInterface>();
    ASSERT_TRUE(reference) << name.getStringRef().str() << " names no reference kernel";
    std::string kernel = reference->getReferenceKernel().str();
    EXPECT_TRUE(nf::rt::reference::findKernel<float>(kernel)) << kernel;
    EXPECT_TRUE(nf::rt::reference::findKernel<double>(kernel)) << kernel;
  });
}

TEST_F(OpsTest, EveryReferenceKernelBelongsToAnOp) {
  for (auto &[name, kernel] : nf::rt::reference::kernels<double>())
    EXPECT_TRUE(RegisteredOperationName::lookup(name, &context)) << name;
}

TEST_F(OpsTest, EveryOpHasASummary) {
  std::ifstream file(NF_OP_DOCS);
  std::stringstream docs;
  docs << file.rdbuf();
  forEachOp([&](RegisteredOperationName name) {
    size_t section = docs.str().find("### `" + name.getStringRef().str() + "`");
    ASSERT_NE(section, std::string::npos) << name.getStringRef().str();
    size_t summary = docs.str().find("\n_", section), next = docs.str().find("\n### ", section);
    EXPECT_LT(summary, next) << name.getStringRef().str() << " has no summary";
  });
}
