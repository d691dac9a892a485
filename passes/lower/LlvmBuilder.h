//===- LlvmBuilder.h - functions, strings and tables in the LLVM dialect ---------------------===//
#ifndef NF_PASSES_LOWER_LLVMBUILDER_H
#define NF_PASSES_LOWER_LLVMBUILDER_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nf {

/// Builds at the end of a module. Everything but declarations is internal to the object.
class LlvmBuilder : public mlir::ImplicitLocOpBuilder {
public:
  explicit LlvmBuilder(mlir::ModuleOp module);

  mlir::Type ptr, i8, i32, i64;

  mlir::Value constant(int64_t value);
  mlir::Value constant32(int64_t value);
  /// The address of a function or global.
  mlir::Value addressOf(llvm::StringRef symbol);
  /// The address of a NUL-terminated string; equal strings share one.
  mlir::Value string(llvm::StringRef text);

  /// The declaration of a function without result.
  mlir::LLVM::LLVMFuncOp declare(llvm::StringRef name, llvm::ArrayRef<mlir::Type> arguments);
  /// An internal function without result; the builder is left in its empty entry block.
  mlir::LLVM::LLVMFuncOp function(mlir::Location location, llvm::StringRef name, llvm::ArrayRef<mlir::Type> arguments);

  /// A struct of `fields`, as a constant.
  mlir::Value structure(llvm::ArrayRef<mlir::Value> fields);
  /// What has the layout of an array of values of one type, as a constant.
  mlir::Value array(mlir::Type elementType, llvm::ArrayRef<mlir::Value> elements);
  /// A constant global called `name` with the value that `build` makes.
  mlir::LLVM::GlobalOp global(llvm::StringRef name, mlir::LLVM::Linkage linkage,
                              llvm::function_ref<mlir::Value()> build);
  /// A constant global of i64 or i32 numbers.
  mlir::LLVM::GlobalOp numbers(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  mlir::LLVM::GlobalOp numbers32(llvm::StringRef name, llvm::ArrayRef<int32_t> values);
  /// A constant global of bytes.
  mlir::LLVM::GlobalOp text(llvm::StringRef name, llvm::StringRef bytes);

private:
  /// A constant global whose value is an attribute.
  mlir::LLVM::GlobalOp data(llvm::StringRef name, mlir::Type type, mlir::LLVM::Linkage linkage, mlir::Attribute value);

  mlir::ModuleOp module;
  llvm::StringMap<std::string> strings; ///< text → symbol
};

/// Bytes that an element of a tensor or buffer takes; a bool takes one.
int64_t elementBytes(mlir::ShapedType type);

} // namespace nf

#endif // NF_PASSES_LOWER_LLVMBUILDER_H
