#include "PlannedProgram.h"

#include "passes/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/TargetSelect.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <vector>

using namespace mlir;

namespace nf::test {
namespace {

struct Launch {
  std::string kernel;
  std::vector<int64_t> offsets; // of its buffers, in bytes from the arena's base; below 0: ~ of a place in numbers
  int64_t tasks;
};

void fail(const std::string &message) { throw std::runtime_error(message); }

void lowerToLLVM(ModuleOp module) {
  PassManager manager(module.getContext());
  manager.addPass(createExpandMath());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createConvertVectorToLLVMPass());
  ConvertFuncToLLVMPassOptions barePointers;
  barePointers.useBarePtrCallConv = true;
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertFuncToLLVMPass(barePointers));
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  if (failed(manager.run(module)))
    fail("the kernels cannot be lowered to LLVM");
}

} // namespace

struct PlannedProgram::State {
  State() : context(registry()) {
    context.loadAllAvailableDialects();
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  }
  ~State() {
    std::free(arena);
    std::free(scratch);
  }

  static DialectRegistry registry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    registerAllExtensions(registry);
    registerAllToLLVMIRTranslations(registry);
    registry.insert<NFDialect>();
    return registry;
  }

  /// Reads the program's launches, then removes it.
  void takeProgram(ModuleOp module) {
    auto programs = module.getOps<ProgramOp>();
    ProgramOp program = *programs.begin();
    int64_t arenaBytes = 0;
    auto offsetOf = [&](Value buffer) {
      if (auto number = buffer.getDefiningOp<NumberOp>()) {
        numbers.push_back(number.getValue());
        return ~static_cast<int64_t>(numbers.size() - 1);
      }
      auto op = buffer.getDefiningOp<BufferOp>();
      auto type = cast<MemRefType>(buffer.getType());
      int64_t offset = op.getOffset();
      int64_t bytes = std::max(1u, type.getElementTypeBitWidth() / 8);
      arenaBytes = std::max(arenaBytes, offset + type.getNumElements() * bytes);
      return offset;
    };
    program.walk([&](BufferOp op) { offsetOf(op.getResult()); });
    program.walk([&](LaunchOp op) {
      Launch launch{op.getKernel().str(), {}, static_cast<int64_t>(op.getTasks())};
      for (Value buffer : op.getBuffers())
        launch.offsets.push_back(offsetOf(buffer));
      launches.push_back(launch);
    });
    program.erase();
    arena = static_cast<uint8_t *>(std::aligned_alloc(64, llvm::alignTo(arenaBytes + 1, 64)));
    std::memset(arena, 0, llvm::alignTo(arenaBytes + 1, 64));
  }

  /// Scratch of a static size, so that upstream's conversion to bare pointers takes it, and arguments that do not
  /// alias.
  void prepareKernels(ModuleOp module) {
    for (auto kernel : module.getOps<func::FuncOp>()) {
      if (kernel.isExternal())
        continue;
      int64_t bytes = kernel->getAttrOfType<IntegerAttr>("nf.scratch_bytes").getInt();
      scratchBytes = std::max(scratchBytes, bytes);
      kernel.setPublic();
      for (BlockArgument argument : kernel.getArguments()) {
        auto type = dyn_cast<MemRefType>(argument.getType());
        if (!type)
          continue;
        if (!type.hasStaticShape())
          argument.setType(MemRefType::get({bytes}, type.getElementType()));
      }
      kernel.setType(FunctionType::get(&context, kernel.getBody().getArgumentTypes(), {}));
    }
    scratch = static_cast<uint8_t *>(std::aligned_alloc(64, llvm::alignTo(scratchBytes + 1, 64)));
    std::memset(scratch, 0xFF, scratchBytes); // every float a NaN: reading what was not written shows
  }

  void compile(ModuleOp module) {
    auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
    if (!builder)
      fail(llvm::toString(builder.takeError()));
    builder->setCodeGenOptLevel(llvm::CodeGenOptLevel::Default);
    auto machine = builder->createTargetMachine();
    if (!machine)
      fail(llvm::toString(machine.takeError()));
    ExecutionEngineOptions options;
    auto transformer = makeOptimizingTransformer(2, 0, machine->get());
    options.transformer = transformer;
    auto made = ExecutionEngine::create(module, options, std::move(*machine));
    if (!made)
      fail(llvm::toString(made.takeError()));
    engine = std::move(*made);
  }

  MLIRContext context;
  std::unique_ptr<ExecutionEngine> engine;
  std::vector<Launch> launches;
  std::vector<int32_t> numbers;
  uint8_t *arena = nullptr, *scratch = nullptr;
  int64_t scratchBytes = 0;
};

PlannedProgram::PlannedProgram(std::string_view text, std::string_view passes) : state(std::make_unique<State>()) {
  static bool registered = (registerPasses(), true);
  (void)registered;
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(llvm::StringRef(text), &state->context);
  if (!module)
    fail("the program does not parse");
  PassManager manager(&state->context);
  if (failed(parsePassPipeline(passes, manager)) || failed(manager.run(*module)))
    fail("the passes failed");
  state->takeProgram(*module);
  state->prepareKernels(*module);
  lowerToLLVM(*module);
  state->compile(*module);
}

PlannedProgram::~PlannedProgram() = default;

uint8_t *PlannedProgram::arena() { return state->arena; }
int64_t PlannedProgram::scratchBytes() const { return state->scratchBytes; }

void PlannedProgram::runTasks(const std::function<void(const std::function<void()> &)> &runTask) {
  for (Launch &launch : state->launches) {
    auto kernel = state->engine->lookupPacked(launch.kernel);
    if (!kernel)
      fail(llvm::toString(kernel.takeError()));
    int64_t task = launch.tasks;
    std::vector<void *> pointers, arguments;
    for (int64_t offset : launch.offsets)
      pointers.push_back(offset < 0 ? static_cast<void *>(&state->numbers[~offset]) : state->arena + offset);
    for (void *&pointer : pointers)
      arguments.push_back(&pointer);
    arguments.push_back(&task);
    arguments.push_back(&state->scratch);
    // Any order must do; from last to first no task finds what an earlier one left.
    while (task-- > 0)
      runTask([&] { (*kernel)(arguments.data()); });
  }
}

void PlannedProgram::run() {
  runTasks([](const std::function<void()> &task) { task(); });
}

double PlannedProgram::bestSeconds(int runs) {
  std::vector<double> best;
  for (int i = 0; i < runs; ++i) {
    size_t number = 0;
    runTasks([&](const std::function<void()> &task) {
      auto start = std::chrono::steady_clock::now();
      task();
      double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      if (i == 0)
        best.push_back(seconds);
      else
        best[number] = std::min(best[number], seconds);
      ++number;
    });
  }
  return std::accumulate(best.begin(), best.end(), 0.0);
}

} // namespace nf::test
