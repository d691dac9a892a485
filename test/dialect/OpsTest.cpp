// What every registered nf op must have: a summary, a gradient or the reason why not, a reference kernel.
#include "dialect/NF.h"
#include "runtime/reference/Reference.h"

#include "dialect/NFBytecode.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Parser/Parser.h"
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

/// What the reader says of a module written as `version` of the dialect; "" when it takes it.
static std::string readBytecode(MLIRContext &context, uint64_t version) {
  auto module = parseSourceString<ModuleOp>("nf.parameter @w : tensor<2xf32> {init = \"x\"}", &context);
  std::string bytes, message;
  llvm::raw_string_ostream stream(bytes);
  BytecodeWriterConfig config;
  config.setDialectVersion<nf::NFDialect>(std::make_unique<nf::DialectVersion>(version));
  EXPECT_TRUE(succeeded(writeBytecodeToFile(*module, stream, config)));
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message += diagnostic.str(); });
  bool isRead = static_cast<bool>(parseSourceString<ModuleOp>(bytes, &context));
  EXPECT_EQ(isRead, message.empty());
  return message;
}

TEST_F(OpsTest, BytecodeOfAnotherVersionIsRefusedByName) {
  EXPECT_EQ(readBytecode(context, nf::DialectVersion::current), "");
  std::string message = readBytecode(context, 99);
  EXPECT_NE(message.find("version 1 of the nf dialect, but got version 99"), std::string::npos) << message;
}
