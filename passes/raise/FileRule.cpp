#include "passes/raise/FileRule.h"

using namespace mlir;
using namespace nf;

std::optional<llvm::json::Object> nf::fileRule(ParameterOp parameter) {
  auto rule = llvm::json::parse(parameter.getInit());
  if (!rule) {
    llvm::consumeError(rule.takeError());
    return std::nullopt;
  }
  llvm::json::Object *object = rule->getAsObject();
  if (!object || object->getString("kind") != "file")
    return std::nullopt;
  return std::move(*object);
}

std::string nf::nameInFile(ParameterOp parameter) {
  auto rule = fileRule(parameter);
  return rule ? rule->getString("name").value_or("").str() : "";
}
