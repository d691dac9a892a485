// The models of ONNX's own test data (Debian's libonnx-testdata): each imports and gives the expected tensors through
// the reference, or is refused with a message. Axes, shapes, bounds and conditions, which are inputs there, may be
// constants of the file, as in models that are exported. onnx-passes.txt lists those that pass; the list only grows.
#include "frontend/onnx/Importer.h"
#include "frontend/onnx/TensorData.h"
#include "tools/Interpreter.h"

#include "mlir/IR/Diagnostics.h"

#include "onnx.pb.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <set>
#include <sys/resource.h>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;
namespace fs = std::filesystem;
using Tensor = rt::reference::Tensor<double>;

static constexpr const char *folder = "/usr/share/libonnx-testdata/data";

template <typename Proto> static std::optional<Proto> readProto(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  Proto proto;
  return proto.ParseFromIstream(&stream) ? std::optional(proto) : std::nullopt;
}

static fs::path inputFile(const fs::path &data, int index) { return data / ("input_" + std::to_string(index) + ".pb"); }

/// A tensor of a test's input or output, or nothing where it is of a type that no program has.
static std::optional<Tensor> readTensor(const fs::path &path) {
  auto stored = readProto<::onnx::TensorProto>(path);
  ExternalFiles none("");
  if (!stored)
    return std::nullopt;
  const ::onnx::TensorProto &proto = *stored;
  auto decoded = decodeTensor(proto, none);
  if (!decoded) {
    llvm::consumeError(decoded.takeError());
    return std::nullopt;
  }
  using rt::reference::Element;
  Tensor tensor(rt::reference::Shape(decoded->shape.begin(), decoded->shape.end()),
                decoded->isFloat()                          ? Element::Float
                : decoded->element == onnxfe::Element::Bool ? Element::I1
                                                            : Element::I32);
  tensor.floats = decoded->floats;
  tensor.integers = decoded->integers;
  return tensor;
}

static bool isClose(const Tensor &got, const Tensor &expected) {
  if (got.shape != expected.shape || got.isFloat() != expected.isFloat())
    return false;
  for (size_t i = 0; i < got.floats.size(); ++i) {
    double a = got.floats[i], b = expected.floats[i];
    bool isEqual = a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= 1e-4 + 1e-3 * std::abs(b);
    if (!isEqual)
      return false;
  }
  return got.integers == expected.integers;
}

enum class Outcome { Agrees, Differs, Refused, Silent, NotCompared };

/// The program on the inputs of one data set, those of the numbers `inputs`, against its outputs.
static Outcome compare(ImportResult &import, const fs::path &data, const std::vector<int> &inputs) {
  auto program = import.module->lookupSymbol<ProgramOp>("forward");
  Interpreter<double> interpreter;
  if (!import.module->getOps<ParameterOp>().empty())
    return Outcome::NotCompared; // the data has few; the numerics tests compare weights
  std::vector<Tensor> arguments;
  for (auto [i, type] : llvm::enumerate(program.getArgumentTypes())) {
    auto tensor = i < inputs.size() ? readTensor(inputFile(data, inputs[i])) : std::nullopt;
    if (!tensor || tensor->shape != zerosOf<double>(type).shape || tensor->element != zerosOf<double>(type).element)
      return Outcome::NotCompared;
    arguments.push_back(std::move(*tensor));
  }
  auto results = interpreter.run(program, arguments);
  if (failed(results))
    return Outcome::NotCompared;
  for (size_t i = 0; i < results->size(); ++i) {
    auto expected = readTensor(data / ("output_" + std::to_string(i) + ".pb"));
    if (!expected)
      return Outcome::NotCompared;
    if (!isClose((*results)[i], *expected))
      return Outcome::Differs;
  }
  return Outcome::Agrees;
}

/// The model at `path`, whose inputs of the numbers `inputs` are data; the others are in the file.
static Outcome runModel(const fs::path &path, const fs::path &data, const std::vector<int> &inputs,
                        std::string &message) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
    message += diagnostic.str() + "\n";
    return success();
  });
  auto file = ModelFile::read(context, path.string());
  ImportResult import;
  if (file)
    import = importModel(context, *file, {});
  if (!import.module)
    return message.empty() ? Outcome::Silent : Outcome::Refused;
  widenToDouble(*import.module);
  return compare(import, data, inputs);
}

/// Whether an input may be a constant: integers, bools and single floats, but for the first, which is what the operator
/// works on.
static bool mayBeConstant(const ::onnx::TensorProto &tensor, int index) {
  auto element = elementOf(tensor.data_type());
  return index > 0 && element && (!isFloat(*element) || tensor.dims_size() == 0);
}

/// The model with such inputs as constants, those of the data set, written to `to`; the numbers of the others in
/// `inputs`. False where there is none.
static bool bindInputs(const fs::path &path, const fs::path &data, const fs::path &to, std::vector<int> &inputs) {
  auto model = readProto<::onnx::ModelProto>(path);
  if (!model || fs::file_size(path) > 1 << 20)
    return false;
  auto *graph = model->mutable_graph();
  auto declared = graph->input();
  graph->clear_input();
  inputs.clear();
  for (int i = 0; i < declared.size(); ++i) {
    auto tensor = readProto<::onnx::TensorProto>(inputFile(data, i));
    if (!tensor || !mayBeConstant(*tensor, i)) {
      *graph->add_input() = declared[i];
      inputs.push_back(i);
      continue;
    }
    tensor->set_name(declared[i].name());
    *graph->add_initializer() = *tensor;
  }
  std::ofstream(to, std::ios::binary) << model->SerializeAsString();
  return inputs.size() < static_cast<size_t>(declared.size());
}

/// As the model is, and otherwise with inputs as constants.
static Outcome runEither(const fs::path &path, std::string &message) {
  fs::path data = path.parent_path() / "test_data_set_0";
  std::vector<int> inputs(64);
  std::iota(inputs.begin(), inputs.end(), 0);
  Outcome outcome = runModel(path, data, inputs, message);
  if (outcome != Outcome::Refused && outcome != Outcome::NotCompared)
    return outcome;
  fs::path bound = fs::path(testing::TempDir()) / ("nf-testdata-" + std::to_string(getpid()) + ".onnx");
  std::string further;
  Outcome second = bindInputs(path, data, bound, inputs) ? runModel(bound, data, inputs, further) : outcome;
  fs::remove(bound);
  return second == Outcome::Refused || second == Outcome::NotCompared ? outcome : second;
}

TEST(OnnxTestdata, ModelsAgreeOrAreRefused) {
  if (!fs::exists(folder))
    GTEST_SKIP() << folder << " is not here: tools/setup.sh --test installs it";
  std::set<std::string> listed;
  std::ifstream list(NF_SOURCE_DIR "/test/frontend/onnx-passes.txt");
  for (std::string line; std::getline(list, line);)
    listed.insert(line);
  std::set<std::string> agree;
  int models = 0;
  for (const auto &entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx")
      continue;
    ++models;
    auto start = std::chrono::steady_clock::now();
    std::string name = fs::relative(entry.path().parent_path(), folder).string(), message;
    Outcome outcome = runEither(entry.path(), message);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5)) << name;
    EXPECT_NE(outcome, Outcome::Silent) << name << ": refused without a message";
    EXPECT_NE(outcome, Outcome::Differs) << name;
    if (outcome == Outcome::Agrees)
      agree.insert(name);
  }
  EXPECT_GE(models, 1072);
  for (const std::string &name : listed)
    EXPECT_TRUE(agree.count(name)) << name << " agreed before";
  for (const std::string &name : agree)
    EXPECT_TRUE(listed.count(name)) << name << " agrees now: add it to test/frontend/onnx-passes.txt";
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 1 << 20) << "KiB of memory";
}
