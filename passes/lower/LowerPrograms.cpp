//===- LowerPrograms.cpp - programs become functions that launch kernels ---------------------===//
//
// Before → after in Passes.td.
//
// 1. Every kernel gets an entry that loads its buffers' addresses from the argument array.
// 2. Every program becomes a function of parts that make some launches each: bases from the context, one argument array
//    as long as the longest launch, and for each launch its addresses and a call of nf_launch. (In one function LLVM's
//    time is quadratic in the launches.)
// 3. What nf-emit-table needs of a program stays on its function in `nf.program`.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/lower/LlvmBuilder.h"
#include "passes/lower/Passes.h"

namespace nf {
#define GEN_PASS_DEF_LOWERPROGRAMS
#include "passes/lower/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static constexpr StringLiteral launchName = "nf_launch";
static constexpr size_t launchesOfPart = 64;

/// The name that a launch has in profiles: its kernel, and the part of the model that it works for.
static std::string profileName(LaunchOp launch) {
  std::string name = launch.getKernel().str();
  launch.getLoc()->walk([&](Location location) {
    auto named = dyn_cast<NameLoc>(location);
    if (!named)
      return WalkResult::advance();
    name += " " + named.getName().str();
    return WalkResult::interrupt();
  });
  return name;
}

namespace {
struct LowerPrograms : nf::impl::LowerProgramsBase<LowerPrograms> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<ProgramOp> programs(module.getOps<ProgramOp>());
    bool fits = true;
    for (ProgramOp program : programs)
      fits &= succeeded(check(program));
    if (!fits)
      return signalPassFailure();
    LlvmBuilder b(module);
    SetVector<StringAttr> kernels;
    for (ProgramOp program : programs)
      program.walk([&](LaunchOp launch) { kernels.insert(launch.getKernelAttr().getAttr()); });
    for (StringAttr name : kernels)
      buildEntry(b, module.lookupSymbol<LLVM::LLVMFuncOp>(name));
    for (ProgramOp program : programs)
      lower(b, program);
  }

  /// Only launches of converted kernels are left; every other op is listed.
  LogicalResult check(ProgramOp program) {
    bool fits = true;
    program.walk([&](Operation *op) {
      if (auto launch = dyn_cast<LaunchOp>(op)) {
        if (!getOperation().lookupSymbol<LLVM::LLVMFuncOp>(launch.getKernel())) {
          launch.emitOpError() << "expected the kernel " << launch.getKernelAttr()
                               << " to be an llvm.func; convert kernels first";
          fits = false;
        }
      } else if (!isa<ProgramOp, BufferOp, ReturnOp>(op)) {
        op->emitOpError() << "expected only launches of kernels; a pass of the lower stage should have replaced it";
        fits = false;
      }
    });
    return success(fits);
  }

  void buildEntry(LlvmBuilder &b, LLVM::LLVMFuncOp kernel) {
    std::string name = kernel.getSymName().str();
    kernel.setSymName(name + ".body");
    kernel.setLinkage(LLVM::Linkage::Internal);
    kernel.setAlwaysInline(true);
    kernel.setNoUnwind(true);
    auto entry = b.function(kernel.getLoc(), name, {b.ptr, b.i64, b.ptr});
    Value args = entry.getArgument(0);
    SmallVector<Value> operands;
    unsigned buffers = kernel.getNumArguments() - 2;
    for (unsigned i = 0; i < buffers; ++i) {
      Value slot = LLVM::GEPOp::create(b, b.ptr, b.ptr, args, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
      operands.push_back(LLVM::LoadOp::create(b, b.ptr, slot));
    }
    operands.push_back(entry.getArgument(1));
    operands.push_back(entry.getArgument(2));
    LLVM::CallOp::create(b, kernel, operands);
    LLVM::ReturnOp::create(b, ValueRange());
  }

  void lower(LlvmBuilder &b, ProgramOp program) {
    SmallVector<LaunchOp> launches(program.getBody().front().getOps<LaunchOp>());
    ArrayRef<LaunchOp> rest = launches;
    std::string name = ("nf_program_" + program.getSymName()).str();
    SmallVector<LLVM::LLVMFuncOp> parts;
    while (!rest.empty()) {
      ArrayRef<LaunchOp> part = rest.take_front(launchesOfPart);
      rest = rest.drop_front(part.size());
      parts.push_back(buildPart(b, name + "." + std::to_string(parts.size()), part));
    }
    auto function = b.function(program.getLoc(), name, {b.ptr});
    for (LLVM::LLVMFuncOp part : parts)
      LLVM::CallOp::create(b, part, ValueRange{function.getArgument(0)});
    LLVM::ReturnOp::create(b, ValueRange());
    function->setAttr("nf.program", describe(program));
    program.erase();
  }

  /// The function that makes some launches, one after the other.
  LLVM::LLVMFuncOp buildPart(LlvmBuilder &b, StringRef name, ArrayRef<LaunchOp> launches) {
    size_t longest = 1;
    for (LaunchOp launch : launches)
      longest = std::max<size_t>(longest, launch.getBuffers().size());
    LLVM::LLVMFuncOp launchFunction = b.declare(launchName, {b.ptr, b.ptr, b.ptr, b.i64, b.ptr});
    auto function = b.function(LaunchOp(launches.front()).getLoc(), name, {b.ptr});
    function.setNoInline(true);
    Value context = function.getArgument(0);
    // nf_context: persistent, then transient.
    Value bases[2];
    for (int32_t i : {0, 1})
      bases[i] = LLVM::LoadOp::create(
          b, b.ptr, LLVM::GEPOp::create(b, b.ptr, b.ptr, context, ArrayRef<LLVM::GEPArg>{i}).getResult());
    Value args = LLVM::AllocaOp::create(b, b.ptr, b.ptr, b.constant(longest), /*alignment=*/0);
    for (LaunchOp launch : launches) {
      b.setLoc(launch.getLoc());
      for (auto [i, operand] : llvm::enumerate(launch.getBuffers())) {
        auto buffer = operand.getDefiningOp<BufferOp>();
        Value base = bases[buffer.getSegment() == Segment::Persistent ? 0 : 1];
        Value address =
            LLVM::GEPOp::create(b, b.ptr, b.i8, base, ValueRange{b.constant(static_cast<int64_t>(buffer.getOffset()))});
        Value slot = LLVM::GEPOp::create(b, b.ptr, b.ptr, args, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
        LLVM::StoreOp::create(b, address, slot);
      }
      Value kernel = b.addressOf(launch.getKernel());
      LLVM::CallOp::create(b, launchFunction,
                           ValueRange{context, kernel, args, b.constant(static_cast<int64_t>(launch.getTasks())),
                                      b.string(profileName(launch))});
    }
    LLVM::ReturnOp::create(b, ValueRange());
    return function;
  }

  DictionaryAttr describe(ProgramOp program) {
    Builder b(program.getContext());
    SmallVector<NamedAttribute> entries{b.getNamedAttr("name", program.getSymNameAttr())};
    for (StringRef name : {"transient_bytes", "nf.arguments"})
      if (Attribute value = program->getAttr(name))
        entries.push_back(b.getNamedAttr(name, value));
    return b.getDictionaryAttr(entries);
  }
};
} // namespace
