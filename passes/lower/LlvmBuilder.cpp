//===- LlvmBuilder.cpp - functions, strings and tables in the LLVM dialect -------------------===//
#include "passes/lower/LlvmBuilder.h"

using namespace mlir;
using namespace nf;

static constexpr StringLiteral stringPrefix = "nf.string.";

LlvmBuilder::LlvmBuilder(ModuleOp module)
    : ImplicitLocOpBuilder(module.getLoc(), OpBuilder::atBlockEnd(module.getBody())), module(module) {
  ptr = LLVM::LLVMPointerType::get(getContext());
  i8 = getI8Type();
  i32 = getI32Type();
  i64 = getI64Type();
  for (auto global : module.getOps<LLVM::GlobalOp>())
    if (global.getSymName().starts_with(stringPrefix))
      strings[cast<StringAttr>(global.getValueAttr()).getValue().drop_back()] = global.getSymName().str();
}

Value LlvmBuilder::constant(int64_t value) { return LLVM::ConstantOp::create(*this, i64, getI64IntegerAttr(value)); }

Value LlvmBuilder::constant32(int64_t value) { return LLVM::ConstantOp::create(*this, i32, getI32IntegerAttr(value)); }

Value LlvmBuilder::addressOf(StringRef symbol) { return LLVM::AddressOfOp::create(*this, ptr, symbol); }

Value LlvmBuilder::string(StringRef text) {
  std::string &symbol = strings[text];
  if (symbol.empty()) {
    symbol = (stringPrefix + Twine(strings.size() - 1)).str();
    std::string terminated = text.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(i8, terminated.size());
    data(symbol, type, LLVM::Linkage::Private, getStringAttr(terminated));
  }
  return addressOf(symbol);
}

LLVM::LLVMFuncOp LlvmBuilder::declare(StringRef name, ArrayRef<Type> arguments) {
  if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return function;
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), arguments);
  return LLVM::LLVMFuncOp::create(*this, name, type);
}

LLVM::LLVMFuncOp LlvmBuilder::function(Location location, StringRef name, ArrayRef<Type> arguments) {
  setLoc(location);
  setInsertionPointToEnd(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), arguments);
  auto function = LLVM::LLVMFuncOp::create(*this, name, type, LLVM::Linkage::Internal);
  function.setNoUnwind(true);
  setInsertionPointToStart(function.addEntryBlock(*this));
  return function;
}

Value LlvmBuilder::structure(ArrayRef<Value> fields) {
  auto type = LLVM::LLVMStructType::getLiteral(getContext(), llvm::to_vector(ValueRange(fields).getTypes()));
  Value value = LLVM::UndefOp::create(*this, type);
  for (auto [i, field] : llvm::enumerate(fields))
    value = LLVM::InsertValueOp::create(*this, value, field, static_cast<int64_t>(i));
  return value;
}

// In runs: LLVM makes a constant array anew for each value that is inserted.
Value LlvmBuilder::array(Type elementType, ArrayRef<Value> elements) {
  constexpr size_t longestRun = 32;
  if (elements.size() > longestRun) {
    SmallVector<Value> runs;
    for (; !elements.empty(); elements = elements.drop_front(std::min(longestRun, elements.size())))
      runs.push_back(array(elementType, elements.take_front(longestRun)));
    return structure(runs);
  }
  Value value = LLVM::UndefOp::create(*this, LLVM::LLVMArrayType::get(elementType, elements.size()));
  for (auto [i, element] : llvm::enumerate(elements))
    value = LLVM::InsertValueOp::create(*this, value, element, static_cast<int64_t>(i));
  return value;
}

LLVM::GlobalOp LlvmBuilder::global(StringRef name, LLVM::Linkage linkage, function_ref<Value()> build) {
  OpBuilder::InsertionGuard guard(*this);
  LLVM::GlobalOp global = data(name, ptr, linkage, Attribute());
  createBlock(&global.getInitializerRegion());
  Value value = build();
  LLVM::ReturnOp::create(*this, value);
  global.setGlobalType(value.getType());
  return global;
}

LLVM::GlobalOp LlvmBuilder::data(StringRef name, Type type, LLVM::Linkage linkage, Attribute value) {
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToEnd(module.getBody());
  return LLVM::GlobalOp::create(*this, type, /*isConstant=*/true, linkage, name, value);
}

LLVM::GlobalOp LlvmBuilder::numbers(StringRef name, ArrayRef<int64_t> values) {
  return data(name, LLVM::LLVMArrayType::get(i64, values.size()), LLVM::Linkage::Internal, getI64TensorAttr(values));
}

LLVM::GlobalOp LlvmBuilder::numbers32(StringRef name, ArrayRef<int32_t> values) {
  return data(name, LLVM::LLVMArrayType::get(i32, values.size()), LLVM::Linkage::Internal, getI32TensorAttr(values));
}

LLVM::GlobalOp LlvmBuilder::text(StringRef name, StringRef bytes) {
  return data(name, LLVM::LLVMArrayType::get(i8, bytes.size()), LLVM::Linkage::Internal, getStringAttr(bytes));
}

int64_t nf::elementBytes(ShapedType type) { return std::max<int64_t>(1, type.getElementTypeBitWidth() / 8); }
