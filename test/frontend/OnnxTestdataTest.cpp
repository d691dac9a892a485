// The models of ONNX's own test data (Debian's libonnx-testdata): each imports and gives the expected tensors through
// the reference, or is refused with a message. onnx-passes.txt lists those that pass; the list only grows.
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
#include <set>
#include <sys/resource.h>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;
namespace fs = std::filesystem;
using Tensor = rt::reference::Tensor<double>;

static constexpr const char *folder = "/usr/share/libonnx-testdata/data";

/// A tensor of a test's input or output, or nothing where it is of a type that no program has.
static std::optional<Tensor> readTensor(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  ::onnx::TensorProto proto;
  ExternalFiles none("");
  if (!proto.ParseFromIstream(&stream))
    return std::nullopt;
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

/// The program on the inputs of one data set, against its outputs.
static Outcome compare(ImportResult &import, const fs::path &data) {
  auto program = import.module->lookupSymbol<ProgramOp>("forward");
  Interpreter<double> interpreter;
  if (!import.module->getOps<ParameterOp>().empty())
    return Outcome::NotCompared; // the data has few; the numerics tests compare weights
  std::vector<Tensor> arguments;
  int64_t index = 0;
  for (Type type : program.getArgumentTypes()) {
    auto tensor = readTensor(data / ("input_" + std::to_string(index++) + ".pb"));
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

static Outcome runModel(const fs::path &path, std::string &message) {
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
  return compare(import, path.parent_path() / "test_data_set_0");
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
    Outcome outcome = runModel(entry.path(), message);
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
