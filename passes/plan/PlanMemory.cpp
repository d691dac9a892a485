//===- PlanMemory.cpp - static views of two segments for every value -------------------------===//
//
// 1. Parameters and states get offsets in the persistent segment: side by side those that a program reads as one
//    (nf.concat), the others in the module's order.
// 2. Each program: decide where its values live (StorageMap), pack the arena (Arena).
// 3. Rewrite the program onto buffers: kernels get `outs`, movement becomes nf.copy, the rest disappears.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/plan/Passes.h"
#include "passes/plan/StorageMap.h"

namespace nf {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/plan/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// NF_ALIGNMENT of runtime/abi/nf_abi.h.
static constexpr int64_t alignment = 64;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

//===------------------------------------------------------------------------------------------===//
// The persistent segment
//===------------------------------------------------------------------------------------------===//

static constexpr StringLiteral offsetAttr = "offset";

static Type typeOfState(Operation *op) {
  auto parameter = dyn_cast<ParameterOp>(op);
  return parameter ? parameter.getType() : cast<StateOp>(op).getType();
}

/// Each state that some program reads in a row with others, with all of that row. A state is in one row at most.
static llvm::DenseMap<StringAttr, SmallVector<StringAttr>> rowsOfStates(ModuleOp module) {
  llvm::DenseMap<StringAttr, SmallVector<StringAttr>> rows;
  for (auto program : module.getOps<ProgramOp>())
    for (auto concat : program.getBody().front().getOps<ConcatOp>()) {
      SmallVector<StringAttr> states = statesInARow(concat, alignment);
      if (llvm::none_of(states, [&](StringAttr state) { return rows.contains(state); }))
        for (StringAttr state : states)
          rows[state] = states;
    }
  return rows;
}

static void placeStates(ModuleOp module, const SymbolTable &symbols) {
  Builder builder(module.getContext());
  auto rows = rowsOfStates(module);
  int64_t offset = 0;
  auto placeOne = [&](Operation *op) {
    op->setAttr(offsetAttr, builder.getI64IntegerAttr(offset));
    offset += llvm::alignTo(tensorBytes(typeOfState(op)), alignment);
  };
  auto place = [&](Operation *op, StringAttr name) {
    if (op->hasAttr(offsetAttr))
      return;
    auto row = rows.find(name);
    if (row == rows.end())
      return placeOne(op);
    for (StringAttr member : row->second)
      placeOne(symbols.lookup(member));
  };
  for (auto parameter : module.getOps<ParameterOp>())
    place(parameter, parameter.getSymNameAttr());
  for (auto state : module.getOps<StateOp>())
    place(state, state.getSymNameAttr());
  module->setAttr("nf.persistent_bytes", builder.getI64IntegerAttr(offset));
}

//===------------------------------------------------------------------------------------------===//
// Programs
//===------------------------------------------------------------------------------------------===//

namespace {
class ProgramRewriter {
public:
  ProgramRewriter(const SymbolTable &symbols, ProgramOp program)
      : symbols(symbols), program(program), storage(program, [&](ConcatOp concat) { return liesInPlace(concat); }),
        builder(program.getContext()) {}

  LogicalResult run() {
    Block &block = program.getBody().front();
    int64_t arena = packArena(storage.buffers, alignment);
    program->setAttr("transient_bytes", builder.getI64IntegerAttr(arena));
    program->setAttr("live_bytes", builder.getI64IntegerAttr(storage.bound));
    recordArguments();

    SmallVector<Operation *> ops;
    for (Operation &op : block)
      ops.push_back(&op);
    for (Operation *op : ops) {
      builder.setInsertionPoint(op);
      if (failed(rewrite(op)))
        return failure();
    }
    for (Operation *op : llvm::reverse(ops)) {
      op->dropAllUses();
      op->erase();
    }
    dropSignature();
    return success();
  }

private:
  Value buffer(Location location, Value value) { return bufferAt(location, storage.placeOf(value), tensorType(value)); }

  Value bufferAt(Location location, const Place &place, RankedTensorType type) {
    MemRefType memref = bufferType(type, place.rowStride);
    if (place.buffer >= 0)
      return BufferOp::create(builder, location, memref, Segment::Transient,
                              storage.buffers[place.buffer].offset + place.offset);
    return BufferOp::create(builder, location, memref, Segment::Persistent, offsetOfState(place.state) + place.offset);
  }

  static MemRefType bufferType(RankedTensorType type, int64_t rowStride) {
    if (rowStride == 0)
      return MemRefType::get(type.getShape(), type.getElementType());
    SmallVector<int64_t> strides = stridesOf(type.getShape());
    for (int64_t &stride : MutableArrayRef(strides).drop_back())
      stride = stride / type.getShape().back() * rowStride;
    return MemRefType::get(type.getShape(), type.getElementType(),
                           StridedLayoutAttr::get(type.getContext(), 0, strides));
  }

  int64_t offsetOfState(StringAttr name) const {
    return symbols.lookup(name)->getAttrOfType<IntegerAttr>(offsetAttr).getInt();
  }

  /// Whether the states that the concat reads lie one after another.
  bool liesInPlace(ConcatOp concat) const {
    SmallVector<StringAttr> states = statesInARow(concat, alignment);
    for (size_t i = 1; i < states.size(); ++i)
      if (offsetOfState(states[i]) !=
          offsetOfState(states[i - 1]) + tensorBytes(typeOfState(symbols.lookup(states[i - 1]))))
        return false;
    return !states.empty();
  }

  LogicalResult rewrite(Operation *op) {
    if (auto kernel = dyn_cast<KernelOpInterface>(op))
      return rewriteKernel(kernel);
    if (isa<GetOp>(op) || isView(op))
      return success();
    if (auto terminator = dyn_cast<ReturnOp>(op)) {
      ReturnOp::create(builder, op->getLoc(), ValueRange());
      return success();
    }
    if (auto accumulate = dyn_cast<AccumulateOp>(op)) {
      if (storage.formOf(accumulate) == AccumulateForm::Separate)
        addToState(accumulate);
      return success();
    }
    if (auto set = dyn_cast<SetOp>(op)) {
      if (storage.needsCopy(op))
        copyWhole(set.getLoc(), buffer(set.getLoc(), set.getValue()), Place{-1, set.getSymbolAttr().getAttr(), 0},
                  tensorType(set.getValue()));
      return success();
    }
    return rewriteMovement(op);
  }

  //===----------------------------------------------------------------------------------------===//
  // Kernels
  //===----------------------------------------------------------------------------------------===//

  /// The op that adds a result of the kernel to a state, if the kernel itself adds it.
  AccumulateOp addedInKernel(KernelOpInterface kernel) {
    for (OpResult result : kernel->getResults()) {
      if (!kernel.canAccumulate(result.getResultNumber()))
        continue;
      AccumulateOp accumulate = soleAccumulate(result);
      if (accumulate && storage.formOf(accumulate) == AccumulateForm::InKernel)
        return accumulate;
    }
    return {};
  }

  LogicalResult rewriteKernel(KernelOpInterface kernel) {
    Location location = kernel.getLoc();
    SmallVector<Value> operands, outs;
    for (Value operand : kernel->getOperands())
      operands.push_back(buffer(location, operand));
    for (Value result : kernel->getResults())
      outs.push_back(buffer(location, result));
    AccumulateOp accumulate = addedInKernel(kernel);
    Value flag = accumulate && accumulate.getFlag() ? buffer(location, accumulate.getFlag()) : Value();
    OperationState state(location, kernel->getName(), operands, /*types=*/TypeRange());
    state.addAttributes(llvm::to_vector(kernel->getDiscardableAttrs()));
    state.propertiesAttr = kernel->getPropertiesAsAttribute();
    for (Region &region : kernel->getRegions())
      state.addRegion()->takeBody(region);
    auto planned = cast<KernelOpInterface>(builder.create(state));
    planned.getOutsMutable().append(outs);
    if (flag)
      planned.getAccumulateMutable().append(flag);
    else if (accumulate)
      planned->setAttr("always_accumulate", builder.getUnitAttr());
    return success();
  }

  /// state = flag == 0 ? value : state + value, as a region of one row.
  void addToState(AccumulateOp op) {
    Location location = op.getLoc();
    auto type = tensorType(op.getValue());
    Value state = bufferAt(location, Place{-1, op.getSymbolAttr().getAttr(), 0}, type);
    SmallVector<Value> inputs{state, buffer(location, op.getValue())};
    int32_t rowcol = static_cast<int32_t>(RowKind::RowCol), row = static_cast<int32_t>(RowKind::Row);
    SmallVector<int32_t> kinds{rowcol, rowcol};
    if (op.getFlag()) {
      inputs.push_back(buffer(location, op.getFlag()));
      kinds.push_back(row);
    }
    SmallVector<int64_t> gather(inputs.size(), -1);
    int64_t cols = type.getNumElements();
    auto fused = FusedOp::create(builder, location, TypeRange(), inputs, Value(), ValueRange{state}, 1, cols, 1, kinds,
                                 ArrayRef<int32_t>{rowcol}, gather, false);
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&fused.getBody());
    auto rowType = RankedTensorType::get({cols}, type.getElementType());
    Value old = body->addArgument(rowType, location), value = body->addArgument(rowType, location);
    Value sum = AddOp::create(builder, location, old, value);
    if (op.getFlag()) {
      Value flag = body->addArgument(RankedTensorType::get({1}, builder.getI32Type()), location);
      Value starts = CompareOp::create(builder, location, ComparePredicate::Eq, flag,
                                       splat(builder, location, builder.getI32Type(), 0));
      sum = WhereOp::create(builder, location, starts, value, sum);
    }
    YieldOp::create(builder, location, ValueRange{sum});
  }

  //===----------------------------------------------------------------------------------------===//
  // Movement
  //===----------------------------------------------------------------------------------------===//

  static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
    SmallVector<int64_t> strides(shape.size(), 1);
    for (int64_t i = static_cast<int64_t>(shape.size()) - 2; i >= 0; --i)
      strides[i] = strides[i + 1] * shape[i + 1];
    return strides;
  }

  void copyWhole(Location location, Value from, const Place &to, RankedTensorType type) {
    int64_t count = type.getNumElements();
    CopyOp::create(builder, location, from, bufferAt(location, to, type), ArrayRef<int64_t>{count}, 0,
                   ArrayRef<int64_t>{1}, 0, ArrayRef<int64_t>{1}, false);
  }

  LogicalResult rewriteMovement(Operation *op) {
    Location location = op->getLoc();
    auto copy = [&](Value from, Value to, ArrayRef<int64_t> sizes, int64_t fromOffset, ArrayRef<int64_t> fromStrides,
                    int64_t toOffset, ArrayRef<int64_t> toStrides, bool fill = false) {
      CopyOp::create(builder, location, buffer(location, from), buffer(location, to), sizes, fromOffset, fromStrides,
                     toOffset, toStrides, fill);
    };
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      SmallVector<int64_t> from = stridesOf(tensorType(transpose.getX()).getShape()), permuted;
      for (int64_t axis : transpose.getPermutation())
        permuted.push_back(from[axis]);
      ArrayRef<int64_t> shape = tensorType(transpose.getY()).getShape();
      copy(transpose.getX(), transpose.getY(), shape, 0, permuted, 0, stridesOf(shape));
    } else if (auto slice = dyn_cast<SliceOp>(op)) {
      SmallVector<int64_t> from = stridesOf(tensorType(slice.getX()).getShape());
      ArrayRef<int64_t> shape = tensorType(slice.getY()).getShape();
      copy(slice.getX(), slice.getY(), shape, slice.getFrom() * from[slice.getAxis()], from, 0, stridesOf(shape));
    } else if (auto pad = dyn_cast<PadOp>(op)) {
      SmallVector<int64_t> to = stridesOf(tensorType(pad.getY()).getShape());
      ArrayRef<int64_t> shape = tensorType(pad.getX()).getShape();
      copy(pad.getX(), pad.getY(), shape, 0, stridesOf(shape), pad.getLow() * to[pad.getAxis()], to, /*fill=*/true);
    } else if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
      ArrayRef<int64_t> from = tensorType(broadcast.getX()).getShape(), to = tensorType(broadcast.getY()).getShape();
      SmallVector<int64_t> strides = stridesOf(from);
      for (auto [i, extent] : llvm::enumerate(from))
        if (extent == 1)
          strides[i] = 0;
      strides.insert(strides.begin(), to.size() - from.size(), 0);
      copy(broadcast.getX(), broadcast.getY(), to, 0, strides, 0, stridesOf(to));
    } else if (auto concat = dyn_cast<ConcatOp>(op)) {
      SmallVector<int64_t> to = stridesOf(tensorType(concat.getResult()).getShape());
      int64_t at = 0;
      for (OpOperand &part : concat->getOpOperands()) {
        ArrayRef<int64_t> shape = tensorType(part.get()).getShape();
        if (storage.needsCopy(part))
          copy(part.get(), concat.getResult(), shape, 0, stridesOf(shape), at * to[concat.getAxis()], to);
        at += shape[concat.getAxis()];
      }
    } else {
      return op->emitOpError() << "has no form on planned memory: expected fusion to have made a kernel of it";
    }
    return success();
  }

  //===----------------------------------------------------------------------------------------===//
  // The signature
  //===----------------------------------------------------------------------------------------===//

  void recordArguments() {
    SmallVector<Attribute> arguments;
    auto record = [&](StringRef name, Value value, Type type, int32_t direction) {
      const Place &place = storage.placeOf(value);
      int64_t offset = storage.buffers[place.buffer].offset + place.offset;
      arguments.push_back(
          builder.getDictionaryAttr({builder.getNamedAttr("name", builder.getStringAttr(name)),
                                     builder.getNamedAttr("offset", builder.getI64IntegerAttr(offset)),
                                     builder.getNamedAttr("type", TypeAttr::get(type)),
                                     builder.getNamedAttr("direction", builder.getI32IntegerAttr(direction))}));
    };
    for (BlockArgument argument : program.getArguments())
      record(program.getArgumentName(argument.getArgNumber()), argument, argument.getType(), 0);
    auto terminator = cast<ReturnOp>(program.getBody().front().getTerminator());
    for (auto [i, value] : llvm::enumerate(terminator.getOperands()))
      record(program.getResultName(i), value, value.getType(), 1);
    program->setAttr("nf.arguments", builder.getArrayAttr(arguments));
  }

  void dropSignature() {
    Block &block = program.getBody().front();
    block.eraseArguments(0, block.getNumArguments());
    program.setFunctionType(builder.getFunctionType({}, {}));
    program.removeArgAttrsAttr();
    program.removeResAttrsAttr();
  }

  const SymbolTable &symbols;
  ProgramOp program;
  StorageMap storage;
  OpBuilder builder;
};

struct PlanMemory : nf::impl::PlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    placeStates(getOperation(), symbols);
    for (auto program : getOperation().getOps<ProgramOp>())
      if (failed(ProgramRewriter(symbols, program).run()))
        return signalPassFailure();
  }
};
} // namespace
