//===- NFModuleOps.cpp - parameters, states and programs -------------------------------------===//
#include "dialect/NF.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace nf;

static constexpr StringLiteral nameAttr = "nf.name";

/// The type of the parameter or state that `symbol` names, or null after an error on `user`.
static Type lookUpType(Operation *user, FlatSymbolRefAttr symbol, SymbolTableCollection &table) {
  Operation *target = table.lookupNearestSymbolFrom(user, symbol);
  if (auto parameter = dyn_cast_or_null<ParameterOp>(target))
    return parameter.getType();
  if (auto state = dyn_cast_or_null<StateOp>(target))
    return state.getType();
  user->emitOpError() << "expected " << symbol << " to name a parameter or state, but got "
                      << (target ? "another op" : "no such symbol") << " (C1)";
  return {};
}

/// Planned buffers are views of the same shape and element type.
static bool sameShapeAndElement(Type a, Type b) {
  auto x = dyn_cast<ShapedType>(a), y = dyn_cast<ShapedType>(b);
  return x && y && x.getElementType() == y.getElementType() && x.getShape() == y.getShape();
}

static LogicalResult verifyValueOfSymbol(Operation *user, FlatSymbolRefAttr symbol, Type type,
                                         SymbolTableCollection &table) {
  Type expected = lookUpType(user, symbol, table);
  if (!expected)
    return failure();
  if (!sameShapeAndElement(expected, type))
    return user->emitOpError() << "expected the type of " << symbol << ", " << expected << ", but got " << type
                               << " (C2)";
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Parameter and state
//===------------------------------------------------------------------------------------------===//

LogicalResult ParameterOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  bool isFloat = type && (type.getElementType().isF32() || type.getElementType().isF64());
  if (!isFloat || !type.hasStaticShape() || type.getRank() < 1 || type.getRank() > 4)
    return emitOpError() << "expected a static tensor of f32 (or f64) of rank 1 to 4, but got " << getType() << " (C1)";
  if (getInit().empty())
    return emitOpError() << "expected an init rule, but got an empty string (C2)";
  return success();
}

LogicalResult StateOp::verifySymbolUses(SymbolTableCollection &table) {
  auto parameter = table.lookupNearestSymbolFrom<ParameterOp>(*this, getParameterAttr());
  if (!parameter)
    return emitOpError() << "expected " << getParameterAttr() << " to name a parameter, but got none (C1)";
  bool isOfDerived = getKind() == StateKind::Derived || getKind() == StateKind::Folded;
  if (!isOfDerived && !sameShapeAndElement(parameter.getType(), getType()))
    return emitOpError() << "expected the parameter's type " << parameter.getType() << ", but got " << getType()
                         << " (C2)";
  return success();
}

LogicalResult GetOp::verifySymbolUses(SymbolTableCollection &table) {
  return verifyValueOfSymbol(*this, getSymbolAttr(), getResult().getType(), table);
}

void GetOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  std::string name = getSymbol().str();
  std::replace(name.begin(), name.end(), '.', '_');
  setName(getResult(), name);
}

LogicalResult SetOp::verifySymbolUses(SymbolTableCollection &table) {
  return verifyValueOfSymbol(*this, getSymbolAttr(), getValue().getType(), table);
}

LogicalResult AccumulateOp::verifySymbolUses(SymbolTableCollection &table) {
  auto state = table.lookupNearestSymbolFrom<StateOp>(*this, getSymbolAttr());
  if (!state || (state.getKind() != StateKind::Gradient && state.getKind() != StateKind::Folded))
    return emitOpError() << "expected " << getSymbolAttr()
                         << " to name a state of kind gradient or folded, but got none (C1)";
  if (getFlag() && cast<ShapedType>(getFlag().getType()).getNumElements() != 1)
    return emitOpError() << "expected a flag of type tensor<i32>, but got " << getFlag().getType() << " (C3)";
  return verifyValueOfSymbol(*this, getSymbolAttr(), getValue().getType(), table);
}

//===------------------------------------------------------------------------------------------===//
// Program
//===------------------------------------------------------------------------------------------===//

ParseResult ProgramOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &builder, ArrayRef<Type> arguments, ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag,
                      std::string &) { return builder.getFunctionType(arguments, results); };
  return function_interface_impl::parseFunctionOp(parser, result, /*allowVariadic=*/false,
                                                  getFunctionTypeAttrName(result.name), buildType,
                                                  getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void ProgramOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
                                           getArgAttrsAttrName(), getResAttrsAttrName());
}

StringRef ProgramOp::getArgumentName(unsigned index) {
  auto name = getArgAttrOfType<StringAttr>(index, nameAttr);
  return name ? name.getValue() : StringRef();
}

StringRef ProgramOp::getResultName(unsigned index) {
  auto name = getResultAttrOfType<StringAttr>(index, nameAttr);
  return name ? name.getValue() : StringRef();
}

BlockArgument ProgramOp::findArgument(StringRef name) {
  for (unsigned i = 0; i < getNumArguments(); ++i)
    if (getArgumentName(i) == name)
      return getArgument(i);
  return {};
}

ProgramOp nf::createProgram(OpBuilder &builder, Location location, StringRef name, ArrayRef<Port> arguments,
                            ArrayRef<Port> results) {
  auto typesOf = [](ArrayRef<Port> ports) { return llvm::map_to_vector(ports, [](Port port) { return port.type; }); };
  auto namesOf = [&](ArrayRef<Port> ports) {
    return builder.getArrayAttr(llvm::map_to_vector(ports, [&](Port port) -> Attribute {
      return builder.getDictionaryAttr(builder.getNamedAttr(nameAttr, builder.getStringAttr(port.name)));
    }));
  };
  SmallVector<Type> types = typesOf(arguments);
  auto program = ProgramOp::create(builder, location, name, builder.getFunctionType(types, typesOf(results)),
                                   namesOf(arguments), namesOf(results));
  program.getBody().emplaceBlock().addArguments(types, SmallVector<Location>(types.size(), location));
  return program;
}

BlockArgument ProgramOp::appendArgument(StringRef name, Type type, Location location) {
  auto attrs = DictionaryAttr::get(
      getContext(), NamedAttribute(StringAttr::get(getContext(), nameAttr), StringAttr::get(getContext(), name)));
  unsigned index = getNumArguments();
  (void)insertArgument(index, type, attrs, location);
  return getArgument(index);
}

void ProgramOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments())
    setName(argument, getArgumentName(argument.getArgNumber()));
}

LogicalResult ProgramOp::verify() {
  llvm::StringSet<> seen;
  for (unsigned i = 0; i < getNumArguments(); ++i)
    if (getArgumentName(i).empty() || !seen.insert(getArgumentName(i)).second)
      return emitOpError() << "expected argument " << i << " to have a name of its own in nf.name, but got \""
                           << getArgumentName(i) << "\" (C2)";
  seen.clear();
  for (unsigned i = 0; i < getNumResults(); ++i)
    if (getResultName(i).empty() || !seen.insert(getResultName(i)).second)
      return emitOpError() << "expected result " << i << " to have a name of its own in nf.name, but got \""
                           << getResultName(i) << "\" (C2)";
  return success();
}

LogicalResult ReturnOp::verify() {
  auto program = cast<ProgramOp>((*this)->getParentOp());
  bool fits = program.getNumResults() == getNumOperands();
  for (auto [expected, value] : llvm::zip(program.getResultTypes(), getOperands()))
    fits = fits && sameShapeAndElement(expected, value.getType());
  if (!fits)
    return emitOpError() << "expected operands of the program's result types " << program.getResultTypes()
                         << ", but got " << getOperandTypes() << " (C1)";
  return success();
}

#define GET_OP_CLASSES
#include "dialect/NFOps.cpp.inc"
