#include "tools/ExportWeights.h"
#include "frontend/onnx/WeightsFile.h"
#include "runtime/core/Error.h"
#include "runtime/core/Initialize.h"

#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

using namespace mlir;
using namespace nf;

static ArrayRef<int64_t> shapeOf(ParameterOp parameter) {
  return cast<RankedTensorType>(parameter.getType()).getShape();
}

static std::string kindOf(ParameterOp parameter) {
  auto rule = nlohmann::json::parse(parameter.getInit().str(), nullptr, /*allow_exceptions=*/false);
  return rule.is_object() ? rule.value("kind", "") : "";
}

ExportWeights::Place ExportWeights::placeOf(ParameterOp parameter) {
  if (weights && weights->find(parameter.getSymName().str()))
    return Place::Weights;
  std::string kind = kindOf(parameter);
  bool isFixed = !parameter.getTrainable();
  if (kind == "file")
    return weights && !isFixed ? Place::Nowhere : Place::Model;
  return isFixed && kind != "normal" && kind != "uniform" ? Place::Rule : Place::Nowhere;
}

bool ExportWeights::openWeights() {
  try {
    weights = std::make_unique<rt::SafetensorsFile>(path);
  } catch (const rt::Error &error) {
    fmt::print(stderr, "{}\n", error.what());
    return false;
  }
  return true;
}

/// The ONNX file, imported again for the constants that the import computes.
bool ExportWeights::openModel(StringRef input) {
  auto from = onnxfe::importOf(module);
  if (!from) {
    fmt::print(stderr,
               "{}: error: expected the attribute nf.weights, which names the file of the weights, but got none\n",
               input.str());
    return false;
  }
  model = onnxfe::ModelFile::read(*module.getContext(), from->first);
  if (model)
    imported = onnxfe::importModel(*module.getContext(), *model, from->second);
  return static_cast<bool>(imported.module);
}

bool ExportWeights::check(ArrayRef<ParameterOp> parameters, StringRef input) {
  std::vector<std::string> missing, unequal;
  for (ParameterOp parameter : parameters) {
    std::string name = parameter.getSymName().str();
    Place place = placeOf(parameter);
    if (place == Place::Nowhere)
      missing.push_back(name);
    const auto *stored = place == Place::Weights ? weights->find(name) : nullptr;
    if (stored && (stored->dtype != "F32" || ArrayRef<int64_t>(stored->shape) != shapeOf(parameter)))
      unequal.push_back(fmt::format("expected {} to be F32 [{}], but got {} [{}]", name,
                                    fmt::join(shapeOf(parameter), ", "), stored->dtype,
                                    fmt::join(stored->shape, ", ")));
  }
  for (const std::string &text : unequal)
    fmt::print(stderr, "{}: error: {}\n", path, text);
  if (!missing.empty() && weights)
    fmt::print(stderr, "{}: error: expected the weights of {} parameters, but got none of {}\n", path,
               parameters.size(), fmt::join(missing, ", "));
  else if (!missing.empty())
    fmt::print(stderr,
               "{}: error: expected the weights of {} parameters, but the module has rules for their first values "
               "alone; give --weights FILE, such as model.safetensors of a checkpoint\n",
               input.str(), missing.size());
  return missing.empty() && unequal.empty();
}

bool ExportWeights::open(ArrayRef<ParameterOp> parameters, StringRef input) {
  if (!path.empty() && !openWeights())
    return false;
  if (!check(parameters, input))
    return false;
  bool needsModel = llvm::any_of(parameters, [&](ParameterOp p) { return placeOf(p) == Place::Model; });
  return !needsModel || openModel(input);
}

llvm::Expected<std::vector<float>> ExportWeights::valuesOf(ParameterOp parameter) {
  ArrayRef<int64_t> shape = shapeOf(parameter);
  std::string name = parameter.getSymName().str();
  std::vector<float> values(cast<RankedTensorType>(parameter.getType()).getNumElements());
  switch (placeOf(parameter)) {
  case Place::Weights:
    std::memcpy(values.data(), weights->find(name)->data, values.size() * sizeof(float));
    return values;
  case Place::Model: {
    auto rule = nlohmann::json::parse(parameter.getInit().str());
    return onnxfe::valuesOf({name, std::vector<int64_t>(shape.begin(), shape.end()), rule.value("name", ""),
                             rule.value("transposed", false)},
                            *model, imported.constants);
  }
  default:
    rt::Initializer(parameter.getInit().str(), name, 0, std::span(shape.data(), shape.size())).fill(0, values);
    return values;
  }
}
