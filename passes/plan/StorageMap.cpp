//===- StorageMap.cpp - which memory each value of a program lives in ------------------------===//
//
// 1. Number the ops; a value is live from its op to the last op that reads it or a view of it.
// 2. From the end of data flow backwards: values that can be written straight into a state (nf.set, nf.accumulate) or
//    into their place of an nf.concat; an nf.concat of states that lie side by side, and are not written, is a view.
// 3. In program order, give each value a place: its destination, the place of an operand that it may overwrite, a view,
//    or a new buffer.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/plan/StorageMap.h"

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

int64_t nf::tensorBytes(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * llvm::divideCeil(tensor.getElementTypeBitWidth(), 8);
}

/// Whether axis `axis` counts the outermost elements of a row-major tensor: all axes before it have extent 1.
static bool isOutermost(RankedTensorType type, int64_t axis) {
  return llvm::all_of(type.getShape().take_front(axis), [](int64_t extent) { return extent == 1; });
}

static bool isLastAxis(RankedTensorType type, int64_t axis) { return axis == type.getRank() - 1; }

/// Whether a slice of columns needs no copy: kernels alone read it, and can read rows that lie apart. What it is a
/// slice of must itself have its rows together.
static bool isReadAsColumns(SliceOp slice) {
  Operation *from = slice.getX().getDefiningOp();
  if (!isLastAxis(tensorType(slice.getX()), slice.getAxis()) || isa_and_nonnull<SliceOp>(from))
    return false;
  return llvm::all_of(slice.getY().getUses(), [](OpOperand &use) {
    auto kernel = dyn_cast<KernelOpInterface>(use.getOwner());
    return kernel && kernel.takesColumns(use.getOperandNumber());
  });
}

bool nf::isView(Operation *op) {
  if (isa<ReshapeOp>(op))
    return true;
  auto slice = dyn_cast<SliceOp>(op);
  return slice && (isOutermost(tensorType(slice.getX()), slice.getAxis()) || isReadAsColumns(slice));
}

/// The value that `value` is a view of the whole of, if only reshapes with one use lie between.
static Value producerThroughReshapes(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>()) {
    if (!reshape.getX().hasOneUse())
      return {};
    value = reshape.getX();
  }
  return value;
}

AccumulateOp nf::soleAccumulate(Value value) {
  while (value.hasOneUse() && isa<ReshapeOp>(*value.user_begin()))
    value = value.user_begin()->getResult(0);
  return value.hasOneUse() ? dyn_cast<AccumulateOp>(*value.user_begin()) : AccumulateOp();
}

/// The state that the op reads or writes, or null.
static StringAttr accessedState(Operation *op) {
  if (auto get = dyn_cast<GetOp>(op))
    return get.getSymbolAttr().getAttr();
  if (auto set = dyn_cast<SetOp>(op))
    return set.getSymbolAttr().getAttr();
  if (auto accumulate = dyn_cast<AccumulateOp>(op))
    return accumulate.getSymbolAttr().getAttr();
  return {};
}

SmallVector<StringAttr> nf::statesInARow(ConcatOp concat, int64_t alignment) {
  SmallVector<StringAttr> states;
  for (Value part : concat.getParts()) {
    auto get = part.getDefiningOp<GetOp>();
    bool follows = get && tensorBytes(part.getType()) % alignment == 0;
    if (!follows || llvm::is_contained(states, get.getSymbolAttr().getAttr()))
      return {};
    states.push_back(get.getSymbolAttr().getAttr());
  }
  return isOutermost(tensorType(concat.getResult()), concat.getAxis()) ? states : SmallVector<StringAttr>();
}

StorageMap::StorageMap(ProgramOp program, function_ref<bool(ConcatOp)> liesInPlace) {
  Block &block = program.getBody().front();
  number(block);
  for (auto concat : block.getOps<ConcatOp>())
    if (liesInPlace(concat) && llvm::none_of(concat.getParts(), [&](Value part) {
          return isWritten(part.getDefiningOp<GetOp>().getSymbolAttr().getAttr());
        }))
      inPlace.insert(concat);
  planAccumulates(block);
  planDestinations(block);
  place(block);
}

void StorageMap::number(Block &block) {
  int64_t point = 1;
  for (Operation &op : block)
    points[&op] = point++;
  end = point;
  for (Operation &op : block)
    if (StringAttr state = accessedState(&op))
      accesses[state].push_back(&op);
}

/// Whether an op of the program writes the state.
bool StorageMap::isWritten(StringAttr state) const {
  return !llvm::all_of(accesses.find(state)->second, [](Operation *op) { return isa<GetOp>(op); });
}

/// The last point that reads `value` or a view of it.
int64_t StorageMap::lastUse(Value value) const {
  int64_t last = value.getDefiningOp() ? points.lookup(value.getDefiningOp()) : 0;
  for (Operation *user : value.getUsers()) {
    last = std::max(last, points.lookup(user));
    if (isa<ReturnOp>(user))
      last = end;
    if (isView(user))
      last = std::max(last, lastUse(user->getResult(0)));
  }
  return last;
}

//===------------------------------------------------------------------------------------------===//
// Destinations
//===------------------------------------------------------------------------------------------===//

/// All results that the kernel can add to a state are added, each to one, under one flag.
bool StorageMap::accumulatesInKernel(KernelOpInterface kernel) {
  std::optional<Value> flag;
  for (OpResult result : kernel->getResults()) {
    if (!kernel.canAccumulate(result.getResultNumber()))
      continue;
    AccumulateOp accumulate = soleAccumulate(result);
    if (!accumulate || (flag && *flag != accumulate.getFlag()))
      return false;
    flag = accumulate.getFlag();
  }
  return flag.has_value();
}

/// Nothing may touch the state between the kernel and the op that adds or sets its value.
bool StorageMap::isUntouchedBetween(Operation *from, Operation *to, StringAttr state) const {
  int64_t first = points.lookup(from), last = points.lookup(to);
  return llvm::none_of(accesses.find(state)->second, [&](Operation *op) {
    int64_t point = points.lookup(op);
    return first < point && point < last;
  });
}

void StorageMap::planAccumulates(Block &block) {
  for (auto accumulate : block.getOps<AccumulateOp>()) {
    Value value = producerThroughReshapes(accumulate.getValue());
    auto kernel =
        value && value.hasOneUse() ? dyn_cast_or_null<KernelOpInterface>(value.getDefiningOp()) : KernelOpInterface();
    StringAttr state = accumulate.getSymbolAttr().getAttr();
    if (kernel && accumulatesInKernel(kernel) && isUntouchedBetween(kernel, accumulate, state))
      destinations[value] = state;
    else
      separate.insert(accumulate);
  }
  // One kernel adds all its sums or none.
  for (auto accumulate : block.getOps<AccumulateOp>())
    if (Value value = producerThroughReshapes(accumulate.getValue()); value && separate.contains(accumulate))
      if (Operation *kernel = value.getDefiningOp())
        for (Value result : kernel->getResults())
          if (destinations.erase(result))
            separate.insert(soleAccumulate(result));
}

/// Whether the op that makes the new value may write over the old one: nothing reads the old value later, and the op
/// itself reads each element before it writes it.
bool StorageMap::canWriteState(SetOp set) {
  Value value = producerThroughReshapes(set.getValue());
  auto kernel = value ? dyn_cast_or_null<KernelOpInterface>(value.getDefiningOp()) : KernelOpInterface();
  StringAttr state = set.getSymbolAttr().getAttr();
  if (!kernel || destinations.contains(value) || !isUntouchedBetween(kernel, set, state))
    return false;
  unsigned result = cast<OpResult>(value).getResultNumber();
  for (Operation *access : accesses.find(state)->second) {
    auto get = dyn_cast<GetOp>(access);
    if (!get || points.lookup(get) > points.lookup(set))
      continue;
    if (lastUse(get.getResult()) > points.lookup(kernel))
      return false;
    for (OpOperand &operand : kernel->getOpOperands()) {
      Value source = operand.get();
      while (source.getDefiningOp() && isView(source.getDefiningOp()))
        source = source.getDefiningOp()->getOperand(0);
      if (source == get.getResult() && !kernel.mayOverwrite(operand.getOperandNumber(), result))
        return false;
    }
  }
  return true;
}

void StorageMap::planDestinations(Block &block) {
  for (Operation &op : block) {
    if (auto set = dyn_cast<SetOp>(op)) {
      if (canWriteState(set))
        destinations[producerThroughReshapes(set.getValue())] = set.getSymbolAttr().getAttr();
      else
        copied.insert(set);
    } else if (isa<SliceOp>(op) && !isView(&op)) {
      copied.insert(&op);
    } else if (auto concat = dyn_cast<ConcatOp>(op); concat && !inPlace.contains(concat)) {
      planParts(concat);
    }
  }
}

/// Whether a kernel can write the value straight into its part of the concat: a range of whole rows, or columns.
static bool isWritableAsPart(Value value, OpOperand &part, ConcatOp concat) {
  auto kernel = value ? dyn_cast_or_null<KernelOpInterface>(value.getDefiningOp()) : KernelOpInterface();
  if (!kernel || !value.hasOneUse())
    return false;
  RankedTensorType whole = tensorType(concat.getResult());
  if (isOutermost(whole, concat.getAxis()))
    return true;
  return isLastAxis(whole, concat.getAxis()) && value == part.get() &&
         kernel.givesColumns(cast<OpResult>(value).getResultNumber());
}

void StorageMap::planParts(ConcatOp concat) {
  RankedTensorType whole = tensorType(concat.getResult());
  bool areRows = isOutermost(whole, concat.getAxis());
  int64_t from = 0;
  for (OpOperand &operand : concat->getOpOperands()) {
    Value value = producerThroughReshapes(operand.get());
    bool direct = isWritableAsPart(value, operand, concat) && !destinations.contains(value) && !parts.contains(value);
    if (direct)
      parts[value] = {concat, from, areRows ? 0 : whole.getShape().back()};
    else
      copiedParts.insert(&operand);
    RankedTensorType part = tensorType(operand.get());
    from += areRows ? tensorBytes(part) : tensorBytes(part) / part.getNumElements() * part.getShape().back();
  }
}

//===------------------------------------------------------------------------------------------===//
// Places
//===------------------------------------------------------------------------------------------===//

Place StorageMap::newBuffer(Value value) {
  int64_t start = value.getDefiningOp() ? points.lookup(value.getDefiningOp()) : 0;
  buffers.push_back({tensorBytes(value.getType()), start, lastUse(value)});
  Place place;
  place.buffer = buffers.size() - 1;
  return place;
}

void StorageMap::extend(Value value, int64_t point) {
  auto it = places.find(value);
  if (it != places.end() && it->second.buffer >= 0)
    buffers[it->second.buffer].end = std::max(buffers[it->second.buffer].end, point);
}

/// The place of an operand that dies at the kernel and that this result may overwrite.
std::optional<Place> StorageMap::reusedOperand(KernelOpInterface kernel, unsigned result,
                                               llvm::SmallDenseSet<int64_t> &taken) {
  int64_t here = points.lookup(kernel);
  for (OpOperand &operand : kernel->getOpOperands()) {
    if (!kernel.mayOverwrite(operand.getOperandNumber(), result))
      continue;
    const Place &place = places.find(operand.get())->second;
    if (place.buffer < 0 || place.offset != 0 || taken.contains(place.buffer))
      continue;
    const Lifetime &buffer = buffers[place.buffer];
    bool dies = buffer.end == here && buffer.start > 0;
    bool readOnce = llvm::count_if(kernel->getOperands(),
                                   [&](Value other) { return places.find(other)->second.buffer == place.buffer; }) == 1;
    if (dies && readOnce && buffer.bytes == tensorBytes(kernel->getResult(result).getType())) {
      taken.insert(place.buffer);
      return place;
    }
  }
  return std::nullopt;
}

void StorageMap::placeResults(Operation *op) {
  auto kernel = dyn_cast<KernelOpInterface>(op);
  llvm::SmallDenseSet<int64_t> taken;
  for (OpResult result : op->getResults()) {
    Value value = result;
    if (auto destination = destinations.find(value); destination != destinations.end()) {
      places[value] = Place{-1, destination->second, 0};
    } else if (auto part = parts.find(value); part != parts.end()) {
      auto [concat, offset, rowStride] = part->second;
      Place place = concatPlaces.contains(concat) ? concatPlaces[concat] : newBuffer(concat.getResult());
      concatPlaces[concat] = place;
      buffers[place.buffer].start = std::min(buffers[place.buffer].start, points.lookup(op));
      place.offset = offset;
      place.rowStride = rowStride;
      places[value] = place;
    } else if (auto reused = kernel ? reusedOperand(kernel, result.getResultNumber(), taken) : std::nullopt) {
      places[value] = *reused;
      extend(value, lastUse(value));
    } else {
      places[value] = newBuffer(value);
    }
  }
}

void StorageMap::place(Block &block) {
  for (BlockArgument argument : block.getArguments()) {
    places[argument] = newBuffer(argument);
    extend(argument, end); // the host may set an argument once for many runs
  }
  std::vector<Lifetime> unshared = buffers;
  for (Operation &op : block) {
    if (auto get = dyn_cast<GetOp>(op)) {
      places[get.getResult()] = Place{-1, get.getSymbolAttr().getAttr(), 0};
    } else if (isView(&op)) {
      Place place = places[op.getOperand(0)];
      if (auto slice = dyn_cast<SliceOp>(op)) {
        RankedTensorType whole = tensorType(slice.getX());
        bool areRows = isOutermost(whole, slice.getAxis());
        int64_t elements = areRows ? tensorType(slice.getY()).getNumElements() / slice.getSize() : 1;
        place.offset += tensorBytes(whole) / whole.getNumElements() * elements * slice.getFrom();
        place.rowStride = areRows ? 0 : whole.getShape().back();
      }
      places[op.getResult(0)] = place;
    } else if (inPlace.contains(&op)) {
      places[op.getResult(0)] = Place(placeOf(op.getOperand(0))); // a copy: the map may grow
    } else if (auto concat = dyn_cast<ConcatOp>(op)) {
      places[concat.getResult()] = concatPlaces.contains(concat) ? concatPlaces[concat] : newBuffer(concat.getResult());
    } else {
      placeResults(&op);
      for (Value result : op.getResults())
        if (!destinations.contains(result))
          unshared.push_back({tensorBytes(result.getType()), points.lookup(&op), lastUse(result)});
    }
  }
  bound = peakLiveBytes(unshared, 64);
}
