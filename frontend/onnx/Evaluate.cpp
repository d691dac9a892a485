#include "frontend/onnx/Evaluate.h"

using namespace nf::onnxfe;
using llvm::ArrayRef;
using llvm::SmallVector;

std::optional<HostTensor> nf::onnxfe::makeTensor(Element element, ArrayRef<int64_t> shape) {
  auto count = elementCount(shape);
  if (!count || *count > HostTensor::limit || shape.size() > 16)
    return std::nullopt;
  return HostTensor(element, shape);
}

std::optional<SmallVector<int64_t>> nf::onnxfe::integersOf(const Node &node, HostInputs inputs,
                                                           llvm::StringRef attribute, size_t index) {
  if (node.has(attribute))
    return node.integers(attribute);
  if (index >= inputs.size() || !inputs[index] || inputs[index]->isFloat())
    return std::nullopt;
  return llvm::to_vector(inputs[index]->integers);
}

std::optional<SmallVector<int64_t>> nf::onnxfe::reshapedShape(ArrayRef<int64_t> from, ArrayRef<int64_t> target,
                                                              bool allowZero) {
  auto total = elementCount(from);
  SmallVector<int64_t> shape(target);
  int64_t open = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && !allowZero) {
      if (i >= from.size())
        return std::nullopt;
      shape[i] = from[i];
    } else if (shape[i] == -1) {
      if (open >= 0)
        return std::nullopt;
      open = static_cast<int64_t>(i);
      shape[i] = 1;
    }
  }
  auto count = elementCount(shape);
  if (!total || !count)
    return std::nullopt;
  if (open >= 0) {
    if (*count == 0 || *total % *count != 0)
      return std::nullopt;
    shape[open] = *total / *count;
    count = total;
  }
  return *count == *total ? std::optional(shape) : std::nullopt;
}

std::optional<SmallVector<AxisRange>> nf::onnxfe::sliceRanges(ArrayRef<int64_t> shape, ArrayRef<int64_t> starts,
                                                              ArrayRef<int64_t> ends, ArrayRef<int64_t> axes,
                                                              ArrayRef<int64_t> steps) {
  size_t count = starts.size();
  if (ends.size() != count || (!axes.empty() && axes.size() != count) || (!steps.empty() && steps.size() != count) ||
      (axes.empty() && count > shape.size()))
    return std::nullopt;
  SmallVector<AxisRange> ranges;
  for (size_t i = 0; i < count; ++i) {
    auto axis = normalizedAxis(axes.empty() ? static_cast<int64_t>(i) : axes[i], static_cast<int64_t>(shape.size()));
    int64_t step = steps.empty() ? 1 : steps[i];
    if (!axis || step == 0 || step == INT64_MIN)
      return std::nullopt;
    int64_t extent = shape[*axis];
    auto clamp = [&](int64_t value, int64_t low, int64_t high) {
      return std::clamp(value < 0 ? value + extent : value, low, high);
    };
    int64_t from = step > 0 ? clamp(starts[i], 0, extent) : clamp(starts[i], 0, extent - 1);
    int64_t to = step > 0 ? clamp(ends[i], 0, extent) : clamp(ends[i], -1, extent - 1);
    int64_t length = step > 0 ? to - from : from - to, stride = std::abs(step);
    ranges.push_back({*axis, from, step, length > 0 && extent > 0 ? (length - 1) / stride + 1 : 0});
  }
  return ranges;
}

std::optional<SmallVector<int64_t>> nf::onnxfe::splitSizes(const Node &node, int64_t extent,
                                                           std::optional<SmallVector<int64_t>> given) {
  int64_t parts = static_cast<int64_t>(node.outputCount());
  if (parts == 0)
    return std::nullopt;
  SmallVector<int64_t> sizes;
  if (given) {
    sizes = *given;
  } else {
    int64_t size = (extent + parts - 1) / parts;
    for (int64_t left = extent, i = 0; i < parts; ++i, left -= size)
      sizes.push_back(std::clamp<int64_t>(left, 0, size));
  }
  int64_t sum = 0;
  for (int64_t size : sizes)
    if (size < 0 || __builtin_add_overflow(sum, size, &sum))
      return std::nullopt;
  if (static_cast<int64_t>(sizes.size()) != parts || sum != extent)
    return std::nullopt;
  return sizes;
}

static int64_t costOf(const Node &node, HostInputs inputs, const HostTensors &outputs) {
  int64_t cost = 16;
  for (const HostTensor &output : outputs)
    cost += output.size();
  for (const HostTensor *input : inputs)
    cost += input ? input->size() : 0;
  if ((node.type() == "MatMul" || node.type() == "Gemm" || node.type() == "Einsum") && inputs[0] && inputs[0]->rank())
    cost += outputs.front().size() * inputs[0]->shape.back();
  return cost;
}

std::optional<HostTensors> nf::onnxfe::evaluate(const Node &node, HostInputs inputs, EvaluationBudget &budget) {
  static const llvm::StringMap<Evaluator> table = [] {
    llvm::StringMap<Evaluator> all = shapeEvaluators();
    for (auto &entry : mathEvaluators())
      all[entry.getKey()] = entry.getValue();
    return all;
  }();
  auto found = table.find(node.type());
  if (!node.domain().empty() || found == table.end() || budget.elements <= 0)
    return std::nullopt;
  auto outputs = found->getValue()(node, inputs);
  if (outputs && !outputs->empty())
    budget.elements -= costOf(node, inputs, *outputs);
  return outputs;
}
