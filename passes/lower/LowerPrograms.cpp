//===- LowerPrograms.cpp - programs become functions that launch kernels ---------------------===//
//
// Before → after in Passes.td.
//
// 1. Every kernel gets an entry that loads its buffers' addresses from the argument array.
// 2. All kernels' addresses are one table, all launches' names one string, all nf.number one array. (As code, launches
//    would cost LLVM more time than the kernels.)
// 3. Every program becomes its list of launches, as numbers, and a function that gives it to nf_run. Where they
//    are a GPU's, the list is one for nf_gpu_run: instead of kernels' addresses it has a table of works (GpuWorks), and
//    where its kernels are checked, sizes of buffers and the places of arguments (nf_gpu_checks).
// 4. What nf-emit-table needs of a program stays on its function in `nf.program`.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/lower/GpuWorks.h"
#include "passes/lower/Passes.h"
#include "runtime/abi/nf_gpu.h"

#include "llvm/ADT/MapVector.h"

namespace nf {
#define GEN_PASS_DEF_LOWERPROGRAMS
#include "passes/lower/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static constexpr StringLiteral runName = "nf_run", gpuRunName = "nf_gpu_run", kernelsName = "nf.kernels",
                               launchNamesName = "nf.launch_names", constantsName = "nf.launch_constants";
static_assert(static_cast<int>(Segment::Persistent) == NF_PERSISTENT &&
              static_cast<int>(Segment::Transient) == NF_TRANSIENT);

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
  using LowerProgramsBase::LowerProgramsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<ProgramOp> programs(module.getOps<ProgramOp>());
    bool fits = true;
    SymbolTable symbols(module);
    for (ProgramOp program : programs)
      fits &= succeeded(check(program, symbols));
    if (!fits)
      return signalPassFailure();
    LlvmBuilder b(module);
    for (ProgramOp program : programs)
      program.walk([&](LaunchOp launch) { kernels.insert({launch.getKernelAttr().getAttr(), kernels.size()}); });
    for (ProgramOp program : programs)
      program.walk([&](NumberOp number) { constants.insert({number.getValue(), constants.size()}); });
    for (auto [name, index] : kernels)
      isForGpu |= isGpuWork(symbols.lookup<LLVM::LLVMFuncOp>(name));
    if (isForGpu && failed(checkWorks(programs, symbols)))
      return signalPassFailure();
    if (!isForGpu)
      for (auto [name, index] : kernels)
        buildEntry(b, symbols.lookup<LLVM::LLVMFuncOp>(name));
    for (ProgramOp program : programs)
      lower(b, program);
    buildTables(b);
  }

  /// Only launches of converted kernels are left; every other op is listed.
  LogicalResult check(ProgramOp program, const SymbolTable &symbols) {
    bool fits = true;
    program.walk([&](Operation *op) {
      if (auto launch = dyn_cast<LaunchOp>(op)) {
        if (!symbols.lookup<LLVM::LLVMFuncOp>(launch.getKernel())) {
          launch.emitOpError() << "expected the kernel " << launch.getKernelAttr()
                               << " to be an llvm.func; convert kernels first";
          fits = false;
        }
      } else if (!isa<ProgramOp, BufferOp, NumberOp, ReturnOp>(op)) {
        op->emitOpError() << "expected only launches of kernels; a pass of the lower stage should have replaced it";
        fits = false;
      }
    });
    return success(fits);
  }

  /// A GPU runs no code of the CPU; every launch of it is listed.
  LogicalResult checkWorks(ArrayRef<ProgramOp> programs, const SymbolTable &symbols) {
    bool fits = true;
    for (ProgramOp program : programs)
      program.walk([&](LaunchOp launch) {
        if (isGpuWork(symbols.lookup<LLVM::LLVMFuncOp>(launch.getKernel())))
          return;
        launch.emitOpError()
            << "expected " << launch.getKernelAttr()
            << " to be a GPU's kernel or product, as others of the module are, but got code of the CPU";
        fits = false;
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
    std::string name = ("nf_program_" + program.getSymName()).str(), listName = name + ".launches";
    auto run = b.declare(isForGpu ? gpuRunName : runName, {b.ptr, b.ptr, b.ptr});
    int64_t longest = buildLaunches(b, program, listName);
    auto function = b.function(program.getLoc(), name, {b.ptr});
    Value args = LLVM::AllocaOp::create(b, b.ptr, b.ptr, b.constant(longest), /*alignment=*/0);
    LLVM::CallOp::create(b, run, ValueRange{function.getArgument(0), b.addressOf(listName), args});
    LLVM::ReturnOp::create(b, ValueRange());
    function->setAttr("nf.program", describe(program));
    program.erase();
  }

  /// Writes an nf_launches; returns the buffers of the longest launch.
  int64_t buildLaunches(LlvmBuilder &b, ProgramOp program, StringRef name) {
    std::vector<int64_t> numbers;
    int64_t count = 0, longest = 1;
    for (auto launch : program.getBody().front().getOps<LaunchOp>()) {
      int64_t buffers = launch.getBuffers().size();
      llvm::append_values(numbers, kernels.lookup(launch.getKernelAttr().getAttr()), launch.getTasks(),
                          placeOfName(launch), buffers);
      for (Value buffer : launch.getBuffers())
        numbers.push_back(placeOf(buffer));
      longest = std::max(longest, buffers);
      ++count;
    }
    std::string numbersName = (name + ".numbers").str();
    b.numbers(numbersName, numbers);
    std::string checksName = checkKernels && isForGpu ? buildChecks(b, program, name) : "";
    b.global(name, LLVM::Linkage::Internal, [&] { return listOf(b, numbersName, count, checksName); });
    return longest;
  }

  /// Writes an nf_gpu_checks; returns its name.
  std::string buildChecks(LlvmBuilder &b, ProgramOp program, StringRef name) {
    SmallVector<int64_t> sizes, inputs; // inputs: offset and bytes
    for (auto launch : program.getBody().front().getOps<LaunchOp>())
      for (Value buffer : launch.getBuffers())
        sizes.push_back(bytesOf(buffer));
    if (auto arguments = program->getAttrOfType<ArrayAttr>("nf.arguments"))
      for (auto argument : arguments.getAsRange<DictionaryAttr>())
        if (argument.getAs<IntegerAttr>("direction").getInt() == NF_IN) {
          auto type = cast<RankedTensorType>(argument.getAs<TypeAttr>("type").getValue());
          inputs.push_back(argument.getAs<IntegerAttr>("offset").getInt());
          inputs.push_back(type.getNumElements() * elementBytes(type));
        }
    std::string sizesName = (name + ".sizes").str(), inputsName = (name + ".inputs").str(),
                checksName = (name + ".checks").str();
    b.numbers(sizesName, sizes);
    b.numbers(inputsName, inputs);
    b.global(checksName, LLVM::Linkage::Internal, [&] {
      return b.structure({b.addressOf(sizesName), b.addressOf(inputsName), b.constant(inputs.size() / 2)});
    });
    return checksName;
  }

  /// What a launch may reach of a buffer: up to the last element of its type.
  int64_t bytesOf(Value buffer) {
    if (buffer.getDefiningOp<NumberOp>())
      return sizeof(int32_t);
    auto type = cast<MemRefType>(buffer.getType());
    auto [strides, offset] = type.getStridesAndOffset();
    int64_t last = 0;
    for (auto [extent, stride] : llvm::zip(type.getShape(), strides))
      last += (extent - 1) * stride;
    return (last + 1) * elementBytes(type);
  }

  /// An nf_launches, for a GPU an nf_gpu_launches.
  Value listOf(LlvmBuilder &b, StringRef numbers, int64_t count, StringRef checks) {
    SmallVector<Value> fields{b.addressOf(numbers), b.constant(count)};
    fields.push_back(isForGpu ? LLVM::ZeroOp::create(b, b.ptr).getResult() : b.addressOf(kernelsName));
    fields.push_back(b.addressOf(launchNamesName));
    fields.push_back(b.addressOf(constantsName));
    Value launches = b.structure(fields);
    if (!isForGpu)
      return launches;
    return b.structure({launches, b.addressOf(gpuWorksName), b.constant(constants.size() * constantBytes()),
                        checks.empty() ? LLVM::ZeroOp::create(b, b.ptr).getResult() : b.addressOf(checks)});
  }

  /// A buffer's offset and segment as one number.
  int64_t placeOf(Value buffer) {
    if (auto number = buffer.getDefiningOp<NumberOp>())
      return constants.lookup(number.getValue()) * constantBytes() * NF_SEGMENTS + NF_CONSTANTS;
    auto view = buffer.getDefiningOp<BufferOp>();
    return view.getOffset() * NF_SEGMENTS + static_cast<int64_t>(view.getSegment());
  }

  /// The first byte of the launch's name in `names`.
  int64_t placeOfName(LaunchOp launch) {
    std::string name = profileName(launch);
    auto [place, isNew] = namePlaces.try_emplace(name, names.size());
    if (isNew)
      names.append(name).push_back('\0');
    return place->second;
  }

  /// A GPU's pointers are multiples of 16 bytes.
  int64_t constantBytes() const { return isForGpu ? 16 : sizeof(int32_t); }

  /// What the lists of all programs point to.
  void buildTables(LlvmBuilder &b) {
    if (isForGpu)
      buildWorks(b);
    else
      buildKernels(b);
    b.text(launchNamesName, names);
    SmallVector<int32_t> values(constants.size() * constantBytes() / sizeof(int32_t));
    for (auto [value, index] : constants)
      values[index * constantBytes() / sizeof(int32_t)] = value;
    b.numbers32(constantsName, values).setAlignment(constantBytes());
  }

  void buildKernels(LlvmBuilder &b) {
    b.global(kernelsName, LLVM::Linkage::Internal, [&] {
      SmallVector<Value> addresses;
      for (auto [name, index] : kernels)
        addresses.push_back(b.addressOf(name));
      return b.array(b.ptr, addresses);
    });
  }

  void buildWorks(LlvmBuilder &b) {
    SmallVector<LLVM::LLVMFuncOp> functions;
    for (auto [name, index] : kernels)
      functions.push_back(getOperation().lookupSymbol<LLVM::LLVMFuncOp>(name));
    emitGpuWorks(b, functions);
    getOperation()->setAttr(gpuWorkCountAttribute, b.getI64IntegerAttr(kernels.size()));
  }

  DictionaryAttr describe(ProgramOp program) {
    Builder b(program.getContext());
    SmallVector<NamedAttribute> entries{b.getNamedAttr("name", program.getSymNameAttr())};
    for (StringRef name : {"transient_bytes", "nf.arguments"})
      if (Attribute value = program->getAttr(name))
        entries.push_back(b.getNamedAttr(name, value));
    return b.getDictionaryAttr(entries);
  }

  llvm::MapVector<StringAttr, int64_t> kernels; // index by name
  bool isForGpu = false;
  std::string names; // of launches, each ends in NUL
  llvm::StringMap<int64_t> namePlaces;
  llvm::MapVector<int32_t, int64_t> constants; // index by value
};
} // namespace
