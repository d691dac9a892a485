// Two counts of the bytes that row kernels move agree: one of what nf.fused reads and writes by its operands
// (passes/plan/Traffic.h), and one of the loads and stores that the kernels do.
#include "KernelTraffic.h"

#include "frontend/GraphBuilder.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "passes/plan/Traffic.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace nf;
using namespace nf::test;

namespace {
/// Rows of the widest region and their operands fit; none of its tensors does.
constexpr int64_t cacheBytes = 24 << 10;

constexpr const char *definition = R"(
[model]
layers = 3
d_model = 64
heads = 4
vocab = 160
context = 128
)";

class Traffic : public ::testing::Test {
protected:
  Traffic() : context(registry()) {}

  static DialectRegistry registry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    registerAllExtensions(registry);
    registry.insert<NFDialect>();
    return registry;
  }

  ProgramOp plan(std::vector<std::string> sets) {
    sets.insert(sets.end(), {"train.micro_batch=1", "train.sequence=128"});
    ConfigResult result = parseModelConfig(definition, "test.toml", sets);
    for (const ConfigDiagnostic &diagnostic : result.diagnostics)
      ADD_FAILURE() << diagnostic.str();
    module = buildModule(context, *result.config);
    PipelineOptions options;
    options.fold = FoldMode::All;
    EXPECT_TRUE(succeeded(runStages(*module, Stage::Raise, Stage::Plan, options)));
    return module->lookupSymbol<ProgramOp>("forward_backward");
  }

  /// The launches of row kernels, in the order of the regions that they were.
  std::vector<LaunchOp> lower(ProgramOp program) {
    PassManager manager(&context);
    manager.addPass(createLowerFused());
    EXPECT_TRUE(succeeded(manager.run(*module)));
    std::vector<LaunchOp> launches;
    for (auto launch : program.getBody().front().getOps<LaunchOp>())
      launches.push_back(launch);
    return launches;
  }

  func::FuncOp kernelOf(LaunchOp launch) { return module->lookupSymbol<func::FuncOp>(launch.getKernel()); }

  /// Dropout sites, which nf.number holds, are in the object: no buffers of the program.
  KernelTraffic count(LaunchOp launch) {
    return countAccesses(kernelOf(launch), launch.getTasks(), launch.getBuffers().size(), cacheBytes);
  }

  static std::vector<RegionTraffic> fusedRegions(ProgramOp program) {
    std::vector<RegionTraffic> regions;
    for (RegionTraffic &region : countTraffic(program).regions)
      if (isa<FusedOp>(region.op))
        regions.push_back(std::move(region));
    return regions;
  }

  static int64_t sum(const std::vector<TrafficTerm> &terms) {
    int64_t bytes = 0;
    for (const TrafficTerm &term : terms)
      bytes += term.bytes;
    return bytes;
  }

  void expectEqual(const std::vector<std::string> &sets) {
    ProgramOp program = plan(sets);
    std::vector<RegionTraffic> regions = fusedRegions(program);
    std::vector<LaunchOp> launches = lower(program);
    ASSERT_EQ(regions.size(), launches.size());
    ASSERT_GT(regions.size(), 20u);
    for (auto [region, launch] : llvm::zip(regions, launches)) {
      KernelTraffic moved = count(launch);
      EXPECT_EQ(sum(region.reads), moved.read) << launch.getKernel().str() << " of " << region.parts;
      EXPECT_EQ(sum(region.writes), moved.written) << launch.getKernel().str() << " of " << region.parts;
    }
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(Traffic, PreLn) { expectEqual({}); }
TEST_F(Traffic, NormFormer) { expectEqual({"norm.preset=normformer", "norm.residual_scale=true"}); }
TEST_F(Traffic, PreLnBf16) { expectEqual({"train.precision=bf16", "model.activation=relu2"}); }
TEST_F(Traffic, NormFormerBf16) {
  expectEqual({"norm.preset=normformer", "train.precision=bf16", "model.activation=gelu_tanh"});
}

/// A product that also sums an operand reads no byte more than one that does not: it adds up what its tile reads next.
/// The cache holds a task's blocks of both operands, and no operand.
TEST_F(Traffic, SumBesideAProduct) {
  constexpr int64_t rows = 1024, left = 256, right = 128, blockCache = 96 << 10;
  auto moved = [&](const std::string &outs, const std::string &sum, const std::string &types) {
    std::string text = R"(nf.program @p() attributes {transient_bytes = 1048576 : i64, nf.arguments = []} {
        %dy = nf.buffer transient 0 : memref<1024x256xbf16>
        %x = nf.buffer transient 524288 : memref<1024x128xbf16>
        %dw = nf.buffer transient 786432 : memref<256x128xf32>
        %db = nf.buffer transient 917504 : memref<256xf32>
        nf.matmul %dy, %x outs()" +
                       outs + ") {" + sum + "transpose_a} : (memref<1024x256xbf16>, memref<1024x128xbf16>, " + types +
                       R"() -> ()
        nf.return
      })";
    module = parseSourceString<ModuleOp>(text, &context);
    LowerMatmulOptions options;
    options.bf16Products = true;
    PassManager manager(&context);
    manager.addPass(createLowerMatmul(options));
    EXPECT_TRUE(module && succeeded(manager.run(*module)));
    LaunchOp launch = *module->lookupSymbol<ProgramOp>("p").getBody().front().getOps<LaunchOp>().begin();
    return countAccesses(kernelOf(launch), launch.getTasks(), launch.getBuffers().size(), blockCache);
  };
  KernelTraffic plain = moved("%dw", "", "memref<256x128xf32>");
  KernelTraffic summed = moved("%dw, %db", "sum_lhs, ", "memref<256x128xf32>, memref<256xf32>");
  EXPECT_GE(plain.read, rows * (left + right) * 2);
  EXPECT_EQ(plain.read, summed.read);
  EXPECT_EQ(plain.written + left * 4, summed.written);
}

/// A kernel that walks its rows twice reads them twice: no cache holds them all.
TEST_F(Traffic, SeesAnotherPassOverAnOperand) {
  ProgramOp program = plan({"norm.preset=normformer"});
  std::vector<RegionTraffic> regions = fusedRegions(program);
  std::vector<LaunchOp> launches = lower(program);
  ASSERT_EQ(regions.size(), launches.size());
  int found = 0;
  for (auto [region, launch] : llvm::zip(regions, launches)) {
    func::FuncOp kernel = kernelOf(launch);
    auto loops = llvm::to_vector(kernel.getBody().front().getOps<scf::ForOp>());
    if (loops.size() != 1 || launch.getTasks() != 1)
      continue;
    OpBuilder builder(loops.front());
    builder.clone(*loops.front());
    EXPECT_LT(sum(region.reads), count(launch).read) << launch.getKernel().str();
    ++found;
    break;
  }
  EXPECT_EQ(1, found);
}

TEST_F(Traffic, SeesAnOperandThatNothingReads) {
  ProgramOp program = plan({"norm.preset=normformer"});
  // The body of a region takes one whole tensor for another.
  FusedOp op;
  for (RegionTraffic &region : fusedRegions(program)) {
    auto fused = cast<FusedOp>(region.op);
    SmallVector<BlockArgument> rows;
    for (BlockArgument row : fused.getBodyBlock()->getArguments())
      if (fused.getOperandKind(row.getArgNumber()) == RowKind::RowCol && fused.getCols() > 1)
        rows.push_back(row);
    if (op || rows.size() < 2 || rows[0].getType() != rows[1].getType())
      continue;
    rows[0].replaceAllUsesWith(rows[1]);
    op = fused;
  }
  ASSERT_TRUE(op);
  size_t place = 0;
  std::vector<RegionTraffic> regions = fusedRegions(program);
  while (regions[place].op != op)
    ++place;
  int64_t byOperands = sum(regions[place].reads);
  EXPECT_GT(byOperands, count(lower(program)[place]).read);
}
} // namespace
