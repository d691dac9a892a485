//===- Traffic.cpp - bytes that a planned program's row kernels move --------------------------===//
//
// 1. Walk the program and remember who wrote which bytes of the arena last, so that every buffer has a maker again.
// 2. Operands and results of regions and copies become terms, named by their makers' places in the model.
// 3. Backward begins at the first op that writes a gradient state. What is read there of what was made before is saved.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/plan/Traffic.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nf;

static MemRefType memrefType(Value value) { return cast<MemRefType>(value.getType()); }
static int64_t elementBytes(Value value) { return memrefType(value).getElementTypeBitWidth() / 8; }

//===------------------------------------------------------------------------------------------===//
// Names
//===------------------------------------------------------------------------------------------===//

static void namesIn(Location location, llvm::SetVector<StringRef> &names) {
  if (auto name = dyn_cast<NameLoc>(location))
    names.insert(name.getName());
  else if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      namesIn(part, names);
}

/// "layers.1.attn.q,k,v layers.1.ffn.ln": the leaves of one parent side by side.
static std::string partsOf(Location location) {
  llvm::SetVector<StringRef> names;
  namesIn(location, names);
  llvm::MapVector<StringRef, std::string> leaves;
  for (StringRef name : names) {
    auto [parent, leaf] = name.rsplit('.');
    std::string &list = leaves[leaf.empty() ? StringRef() : parent];
    list += (list.empty() ? "" : ",") + (leaf.empty() ? name : leaf).str();
  }
  std::string text;
  for (auto &[parent, list] : leaves)
    text += (text.empty() ? "" : " ") + (parent.empty() ? "" : parent.str() + ".") + list;
  return text;
}

/// Where a region's value comes from: not from the op that gives it another element type, which belongs to its reader.
static Location placeOf(Value value) {
  auto elementOf = [](Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); };
  Operation *maker = value.getDefiningOp();
  while (maker && maker->getNumOperands() == 1 && maker->getOperand(0).getDefiningOp() &&
         elementOf(maker->getOperand(0)) != elementOf(maker->getResult(0)))
    maker = maker->getOperand(0).getDefiningOp();
  return maker ? maker->getLoc() : value.getLoc();
}

namespace {
/// Bytes of a segment, from the first to the last that a buffer has.
struct Extent {
  bool isPersistent = false;
  int64_t begin = 0, end = 0;

  bool overlaps(const Extent &other) const {
    return isPersistent == other.isPersistent && begin < other.end && other.begin < end;
  }
};

struct Write {
  Extent extent;
  TrafficTerm term;
  bool isSaved = false;
};

class Counter {
public:
  explicit Counter(ProgramOp program) : program(program) {
    auto note = [&](Operation *op, StringRef name, Type type, bool isGradient) {
      int64_t begin = op->getAttrOfType<IntegerAttr>("offset").getInt();
      auto shaped = cast<ShapedType>(type);
      int64_t bytes = shaped.getNumElements() * shaped.getElementTypeBitWidth() / 8;
      states.push_back({{true, begin, begin + bytes}, name, isGradient});
    };
    auto module = program->getParentOfType<ModuleOp>();
    for (auto parameter : module.getOps<ParameterOp>())
      note(parameter, parameter.getSymName(), parameter.getType(), false);
    for (auto state : module.getOps<StateOp>())
      note(state, state.getSymName(), state.getType(),
           state.getKind() == StateKind::Gradient || state.getKind() == StateKind::Folded);
  }

  ProgramTraffic run() {
    for (Operation &op : program.getBody().front()) {
      if (isMemoryEffectFree(&op))
        continue;
      isBackward = isBackward || writesGradient(&op);
      if (auto fused = dyn_cast<FusedOp>(op))
        countRegion(fused);
      else if (isa<KernelOpInterface>(op))
        countProduct(cast<KernelOpInterface>(op));
      else
        countMovement(&op);
    }
    for (const Write &write : writes)
      if (write.isSaved)
        traffic.saved.push_back(write.term);
    return std::move(traffic);
  }

private:
  struct State {
    Extent extent;
    StringRef name;
    bool isGradient;
  };

  static Extent extentOf(Value buffer) {
    auto place = buffer.getDefiningOp<BufferOp>();
    if (!place)
      return {};
    auto type = memrefType(buffer);
    auto [strides, offset] = type.getStridesAndOffset();
    int64_t last = 0, begin = place.getOffset();
    for (auto [extent, stride] : llvm::zip(type.getShape(), strides))
      last += (extent - 1) * stride;
    return {place.getSegment() == Segment::Persistent, begin, begin + (last + 1) * elementBytes(buffer)};
  }

  const State *stateAt(Value buffer) const {
    Extent extent = extentOf(buffer);
    auto state = llvm::find_if(states, [&](const State &s) { return s.extent.overlaps(extent); });
    return state == states.end() ? nullptr : &*state;
  }

  bool writesGradient(Operation *op) const {
    auto kernel = dyn_cast<KernelOpInterface>(op);
    return kernel && llvm::any_of(OperandRange(kernel.getOutsMutable()), [&](Value out) {
             const State *state = stateAt(out);
             return state && state->isGradient;
           });
  }

  Write *makerOf(Value buffer) {
    Extent extent = extentOf(buffer);
    for (Write &write : llvm::reverse(writes))
      if (write.extent.overlaps(extent))
        return &write;
    return nullptr;
  }

  TrafficTerm readTerm(Value buffer, int64_t elements) {
    TrafficTerm term{"", elements * elementBytes(buffer), elements, false};
    if (const State *state = stateAt(buffer)) {
      term.name = state->name;
    } else if (const Write *maker = makerOf(buffer)) {
      term.name = maker->term.name;
      term.isOfBackward = maker->term.isOfBackward;
    }
    return term;
  }

  void markSaved(Value buffer) {
    if (!isBackward)
      return;
    if (Write *maker = makerOf(buffer))
      maker->isSaved |= !maker->term.isOfBackward;
  }

  TrafficTerm write(Value buffer, Location maker, int64_t elements) {
    TrafficTerm term{partsOf(maker), elements * elementBytes(buffer), elements, isBackward};
    pending.push_back({extentOf(buffer), term, false});
    return term;
  }

  /// An op's results are there after all of its operands were read.
  void endOp() {
    for (Write &write : pending)
      if (!write.extent.isPersistent)
        writes.push_back(write);
    pending.clear();
  }

  void countRegion(FusedOp op) {
    RegionTraffic region{op, partsOf(op.getLoc()), isBackward, {}, {}};
    llvm::SmallDenseSet<Value> counted;
    for (auto [i, input] : llvm::enumerate(op.getInputs())) {
      markSaved(input);
      bool isGathered = op.getOperandKind(i) == RowKind::Gather;
      int64_t elements = isGathered ? op.getRows() * op.getCols() : memrefType(input).getNumElements();
      if (isGathered || counted.insert(input).second)
        region.reads.push_back(readTerm(input, elements));
    }
    if (Value flag = op.getAccumulate())
      region.reads.push_back(readTerm(flag, 1));
    for (auto [i, out] : llvm::enumerate(op.getOuts())) {
      int64_t elements = memrefType(out).getNumElements();
      if (op.getResultKind(i) == RowKind::ColSum && (op.getAccumulate() || op.getAlwaysAccumulate()))
        region.reads.push_back(readTerm(out, elements));
      region.writes.push_back(write(out, placeOf(op.getYield().getOperand(i)), elements));
    }
    endOp();
    traffic.regions.push_back(std::move(region));
  }

  void countProduct(KernelOpInterface op) {
    OperandRange outs(op.getOutsMutable());
    for (Value operand : op->getOperands())
      if (!llvm::is_contained(outs, operand))
        markSaved(operand);
    for (Value out : outs)
      (void)write(out, op.getLoc(), memrefType(out).getNumElements());
    endOp();
  }

  /// A copy between strided views: what is repeated is read once, and what is filled is written too.
  void countMovement(Operation *op) {
    auto sizes = op->getAttrOfType<DenseI64ArrayAttr>("sizes");
    auto strides = op->getAttrOfType<DenseI64ArrayAttr>("from_strides");
    if (!sizes || !strides)
      return;
    int64_t read = 1, written = 1;
    for (auto [size, stride] : llvm::zip(sizes.asArrayRef(), strides.asArrayRef())) {
      read *= stride == 0 ? 1 : size;
      written *= size;
    }
    Value from = op->getOperand(0), to = op->getOperand(1);
    markSaved(from);
    RegionTraffic region{op, partsOf(op->getLoc()), isBackward, {}, {}};
    region.reads.push_back(readTerm(from, read));
    region.writes.push_back(write(to, op->getLoc(), op->hasAttr("fill") ? memrefType(to).getNumElements() : written));
    endOp();
    traffic.regions.push_back(std::move(region));
  }

  ProgramOp program;
  SmallVector<State> states;
  std::vector<Write> writes, pending;
  ProgramTraffic traffic;
  bool isBackward = false;
};
} // namespace

int64_t RegionTraffic::bytes() const {
  int64_t sum = 0;
  for (const TrafficTerm &term : reads)
    sum += term.bytes;
  for (const TrafficTerm &term : writes)
    sum += term.bytes;
  return sum;
}

ProgramTraffic nf::countTraffic(ProgramOp program) { return Counter(program).run(); }
