//===- EmitTable.cpp - the table by which the runtime finds everything -----------------------===//
//
// 1. States: every nf.parameter and nf.state in the module's order; a state points to its parameter's entry.
// 2. Programs: every function with `nf.program`, with the arguments that plan placed.
// 3. nf_program_table, field by field as in runtime/abi/nf_abi.h. What was read is erased.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/lower/GpuWorks.h"
#include "passes/lower/Passes.h"
#include "runtime/abi/nf_gpu.h"

namespace nf {
#define GEN_PASS_DEF_EMITTABLE
#include "passes/lower/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static constexpr StringLiteral tableName = "nf_program_table", programAttr = "nf.program",
                               persistentAttr = "nf.persistent_bytes", metadataAttr = "nf.metadata",
                               featuresAttr = "nf.cpu_features", hashAttr = "nf.compile_hash",
                               scratchAttr = "nf.scratch_bytes", definitionAttr = "nf.definition",
                               imagesName = "nf.gpu.images", gpuTableName = "nf.gpu.table", openName = "nf_cuda_open";

static std::optional<nf_dtype> dtypeOf(Type type) {
  if (type.isF32())
    return NF_F32;
  if (type.isBF16())
    return NF_BF16;
  if (type.isInteger(32))
    return NF_I32;
  if (type.isInteger(64))
    return NF_I64;
  if (type.isInteger(1))
    return NF_I1;
  return std::nullopt;
}

static int64_t bytesOf(RankedTensorType type) { return type.getNumElements() * elementBytes(type); }

/// Declared kinds have the numbers of the ABI.
static_assert(static_cast<int>(StateKind::Moment1) == NF_STATE_MOMENT1 &&
              static_cast<int>(StateKind::Moment2) == NF_STATE_MOMENT2 &&
              static_cast<int>(StateKind::Gradient) == NF_STATE_GRADIENT &&
              static_cast<int>(StateKind::Derived) == NF_STATE_DERIVED &&
              static_cast<int>(StateKind::Partial) == NF_STATE_PARTIAL &&
              static_cast<int>(StateKind::Folded) == NF_STATE_FOLDED);

namespace {
/// One entry of the state table, before it is written.
struct StateEntry {
  std::string name, init;
  RankedTensorType type;
  int64_t offset, kind, parameter;
};

struct EmitTable : nf::impl::EmitTableBase<EmitTable> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<StateEntry> states;
    SmallVector<LLVM::LLVMFuncOp> programs;
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (function->hasAttr(programAttr))
        programs.push_back(function);
    if (failed(collectStates(states)) || failed(check(programs)))
      return signalPassFailure();
    LlvmBuilder b(module);
    emitStates(b, states);
    emitPrograms(b, programs);
    emitModel(b, states.size(), programs.size());
    erase();
  }

  //===----------------------------------------------------------------------------------------===//
  // What the module says
  //===----------------------------------------------------------------------------------------===//

  FailureOr<int64_t> offsetOf(Operation *op) {
    if (auto offset = op->getAttrOfType<IntegerAttr>("offset"))
      return offset.getInt();
    return op->emitOpError() << "expected an attribute offset : i64; plan memory first";
  }

  LogicalResult checkType(Operation *op, Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor && tensor.getRank() <= NF_MAX_RANK && dtypeOf(tensor.getElementType()))
      return success();
    return op->emitOpError() << "expected a tensor of rank at most " << NF_MAX_RANK
                             << " of f32, bf16, i32, i64 or i1, but got " << type;
  }

  LogicalResult collectStates(SmallVectorImpl<StateEntry> &states) {
    llvm::StringMap<int64_t> parameters;
    SmallVector<std::pair<int64_t, StringRef>> owners; // a state's index and its parameter
    bool fits = true;
    for (Operation &op : getOperation().getOps()) {
      if (!isa<ParameterOp, StateOp>(op))
        continue;
      FailureOr<int64_t> offset = offsetOf(&op);
      Type type = isa<ParameterOp>(op) ? cast<ParameterOp>(op).getType() : cast<StateOp>(op).getType();
      fits = fits && succeeded(offset) && succeeded(checkType(&op, type));
      int64_t at = succeeded(offset) ? *offset : 0, index = states.size();
      if (auto parameter = dyn_cast<ParameterOp>(op)) {
        parameters[parameter.getSymName()] = index;
        states.push_back({parameter.getSymName().str(), parameter.getInit().str(),
                          cast<RankedTensorType>(parameter.getType()), at,
                          parameter.getTrainable() ? NF_STATE_PARAMETER : NF_STATE_CONSTANT, index});
      } else if (auto state = dyn_cast<StateOp>(op)) {
        // A derived state and its gradient are no companions of one parameter by shape: they keep their own names.
        bool isDerived = state.getKind() == StateKind::Derived || state.getKind() == StateKind::Folded;
        StringRef name = isDerived ? state.getSymName() : state.getParameter();
        states.push_back(
            {name.str(), "", cast<RankedTensorType>(state.getType()), at, static_cast<int64_t>(state.getKind()), -1});
        owners.push_back({index, state.getParameter()});
      }
    }
    for (auto &[index, parameter] : owners)
      states[index].parameter = parameters.lookup(parameter);
    return success(fits);
  }

  LogicalResult check(ArrayRef<LLVM::LLVMFuncOp> programs) {
    bool fits = true;
    for (LLVM::LLVMFuncOp program : programs) {
      auto attrs = program->getAttrOfType<DictionaryAttr>(programAttr);
      auto arguments = attrs.getAs<ArrayAttr>("nf.arguments");
      bool planned = attrs.getAs<IntegerAttr>("transient_bytes") && arguments;
      if (!planned)
        program.emitOpError() << "expected transient_bytes and nf.arguments on the program; plan memory first";
      fits &= planned;
      if (planned)
        for (auto argument : arguments.getAsRange<DictionaryAttr>())
          fits &= succeeded(checkType(program, argument.getAs<TypeAttr>("type").getValue()));
    }
    if (!getOperation()->hasAttr(persistentAttr))
      fits = false, getOperation().emitError()
                        << "expected the module to have " << persistentAttr << "; plan memory first";
    return success(fits);
  }

  //===----------------------------------------------------------------------------------------===//
  // The tables
  //===----------------------------------------------------------------------------------------===//

  /// shape[NF_MAX_RANK], rank, dtype: in this order in nf_state and nf_argument.
  void appendType(LlvmBuilder &b, RankedTensorType type, SmallVectorImpl<Value> &fields) {
    SmallVector<Value> extents;
    for (int64_t i = 0; i < NF_MAX_RANK; ++i)
      extents.push_back(b.constant(i < type.getRank() ? type.getDimSize(i) : 0));
    fields.push_back(b.array(b.i64, extents));
    fields.push_back(b.constant32(type.getRank()));
    fields.push_back(b.constant32(*dtypeOf(type.getElementType())));
  }

  Type stateType(LlvmBuilder &b) {
    return LLVM::LLVMStructType::getLiteral(
        b.getContext(),
        {b.ptr, b.ptr, b.i64, b.i64, LLVM::LLVMArrayType::get(b.i64, NF_MAX_RANK), b.i32, b.i32, b.i32, b.i32});
  }

  void emitStates(LlvmBuilder &b, ArrayRef<StateEntry> states) {
    Type type = stateType(b);
    b.global("nf.states", LLVM::Linkage::Internal, [&] {
      SmallVector<Value> entries;
      for (const StateEntry &state : states) {
        SmallVector<Value> fields{b.string(state.name), b.string(state.init), b.constant(state.offset),
                                  b.constant(bytesOf(state.type))};
        appendType(b, state.type, fields);
        fields.push_back(b.constant32(state.kind));
        fields.push_back(b.constant32(state.parameter));
        entries.push_back(b.structure(fields));
      }
      return b.array(type, entries);
    });
  }

  void emitArguments(LlvmBuilder &b, StringRef symbol, ArrayAttr arguments) {
    Type type = LLVM::LLVMStructType::getLiteral(
        b.getContext(),
        {b.ptr, b.i64, b.i64, LLVM::LLVMArrayType::get(b.i64, NF_MAX_RANK), b.i32, b.i32, b.i32, b.i32});
    b.global(symbol, LLVM::Linkage::Internal, [&] {
      SmallVector<Value> entries;
      for (auto argument : arguments.getAsRange<DictionaryAttr>()) {
        auto tensor = cast<RankedTensorType>(argument.getAs<TypeAttr>("type").getValue());
        SmallVector<Value> fields{b.string(argument.getAs<StringAttr>("name").getValue()),
                                  b.constant(argument.getAs<IntegerAttr>("offset").getInt()),
                                  b.constant(bytesOf(tensor))};
        appendType(b, tensor, fields);
        fields.push_back(b.constant32(argument.getAs<IntegerAttr>("direction").getInt()));
        fields.push_back(b.constant32(0));
        entries.push_back(b.structure(fields));
      }
      return b.array(type, entries);
    });
  }

  void emitPrograms(LlvmBuilder &b, ArrayRef<LLVM::LLVMFuncOp> programs) {
    Type type = LLVM::LLVMStructType::getLiteral(b.getContext(), {b.ptr, b.ptr, b.ptr, b.i64, b.i64});
    auto argumentsName = [](DictionaryAttr attrs) {
      return ("nf.arguments." + attrs.getAs<StringAttr>("name").getValue()).str();
    };
    for (LLVM::LLVMFuncOp program : programs) {
      auto attrs = program->getAttrOfType<DictionaryAttr>(programAttr);
      emitArguments(b, argumentsName(attrs), attrs.getAs<ArrayAttr>("nf.arguments"));
    }
    b.global("nf.programs", LLVM::Linkage::Internal, [&] {
      SmallVector<Value> entries;
      for (LLVM::LLVMFuncOp program : programs) {
        auto attrs = program->getAttrOfType<DictionaryAttr>(programAttr);
        int64_t count = attrs.getAs<ArrayAttr>("nf.arguments").size();
        entries.push_back(
            b.structure({b.string(attrs.getAs<StringAttr>("name").getValue()), b.addressOf(program.getSymName()),
                         b.addressOf(argumentsName(attrs)), b.constant(count),
                         b.constant(attrs.getAs<IntegerAttr>("transient_bytes").getInt())}));
      }
      return b.array(type, entries);
    });
  }

  void emitModel(LlvmBuilder &b, int64_t stateCount, int64_t programCount) {
    ModuleOp module = getOperation();
    auto integer = [&](StringRef name) {
      auto attr = module->getAttrOfType<IntegerAttr>(name);
      return attr ? attr.getInt() : 0;
    };
    auto metadata = module->getAttrOfType<StringAttr>(metadataAttr);
    SmallVector<StringRef> features;
    if (auto array = module->getAttrOfType<ArrayAttr>(featuresAttr))
      for (auto feature : array.getAsRange<StringAttr>())
        features.push_back(feature.getValue());
    b.global("nf.cpu_features", LLVM::Linkage::Internal, [&] {
      SmallVector<Value> names;
      for (StringRef feature : features)
        names.push_back(b.string(feature));
      return b.array(b.ptr, names);
    });
    bool isForGpu = module->hasAttr(gpuWorkCountAttribute);
    if (isForGpu)
      emitGpuTable(b);
    b.global(tableName, LLVM::Linkage::External, [&] {
      return b.structure({b.constant32(NF_ABI_VERSION), b.constant32(features.size()), b.constant(integer(hashAttr)),
                          b.addressOf("nf.cpu_features"), b.string(metadata ? metadata.getValue() : "{}"),
                          b.addressOf("nf.states"), b.constant(stateCount), b.addressOf("nf.programs"),
                          b.constant(programCount), b.constant(integer(persistentAttr)), b.constant(scratchBytes()),
                          b.constant32(targetOf(module)), b.constant32(0),
                          isForGpu ? b.addressOf(gpuTableName) : LLVM::ZeroOp::create(b, b.ptr)});
    });
  }

  static nf_target targetOf(ModuleOp module) {
    return module->hasAttr(gpuImagesAttribute)      ? NF_TARGET_CUDA
           : module->hasAttr(gpuWorkCountAttribute) ? NF_TARGET_CUDA_EMULATED
                                                    : NF_TARGET_CPU;
  }

  /// An nf_gpu_table.
  void emitGpuTable(LlvmBuilder &b) {
    ModuleOp module = getOperation();
    auto images = module->getAttrOfType<ArrayAttr>(gpuImagesAttribute);
    if (images)
      b.declare(openName, {b.ptr});
    emitGpuImages(b, images);
    b.global(gpuTableName, LLVM::Linkage::Internal, [&] {
      Value null = LLVM::ZeroOp::create(b, b.ptr);
      return b.structure({b.addressOf(gpuWorksName),
                          b.constant(module->getAttrOfType<IntegerAttr>(gpuWorkCountAttribute).getInt()),
                          images ? b.addressOf(imagesName) : null, b.constant(images ? images.size() : 0),
                          images ? b.addressOf(openName) : null});
    });
  }

  void emitGpuImages(LlvmBuilder &b, ArrayAttr images) {
    if (!images)
      return;
    b.global(imagesName, LLVM::Linkage::Internal, [&] {
      SmallVector<Value> entries;
      for (auto image : images.getAsRange<DictionaryAttr>()) {
        auto number = [&](StringRef name) { return image.getAs<IntegerAttr>(name).getInt(); };
        entries.push_back(b.structure(
            {b.constant32(number("kind")), b.constant32(number("capability")), b.constant32(number("is_exact")),
             b.constant32(0), b.addressOf(image.getAs<StringAttr>("symbol").getValue()), b.constant(number("size"))}));
      }
      return b.array(entries.front().getType(), entries);
    });
  }

  /// What the most demanding kernel needs, in whole units of alignment.
  int64_t scratchBytes() {
    int64_t bytes = 0;
    getOperation().walk([&](LLVM::LLVMFuncOp function) {
      if (auto attr = function->getAttrOfType<IntegerAttr>(scratchAttr))
        bytes = std::max(bytes, attr.getInt());
    });
    return (bytes + NF_ALIGNMENT - 1) / NF_ALIGNMENT * NF_ALIGNMENT;
  }

  void erase() {
    ModuleOp module = getOperation();
    for (Operation &op : llvm::make_early_inc_range(*module.getBody())) {
      if (isa<ParameterOp, StateOp>(op)) {
        op.erase();
        continue;
      }
      op.removeAttr(programAttr);
      op.removeAttr(scratchAttr);
    }
    for (StringRef name : {persistentAttr, metadataAttr, featuresAttr, hashAttr, definitionAttr,
                           StringLiteral(gpuWorkCountAttribute), StringLiteral(gpuImagesAttribute)})
      module->removeAttr(name);
  }
};
} // namespace
