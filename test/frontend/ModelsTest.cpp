// The definitions in models/: each is right, has the size that it claims, and has a small twin.
#include "Support.h"
#include "frontend/ModelGraph.h"

#include <filesystem>
#include <sstream>

using namespace nf;

static std::string pathOf(const std::string &model) {
  return std::string(NF_SOURCE_DIR) + "/models/" + model + ".toml";
}

static ModelConfig load(const std::string &model, const std::vector<std::string> &sets = {}) {
  ConfigResult result = loadModelConfig(pathOf(model), sets);
  for (const ConfigDiagnostic &diagnostic : result.diagnostics)
    ADD_FAILURE() << diagnostic.str();
  return result.config.value_or(ModelConfig());
}

static std::vector<std::string> allModels() {
  std::vector<std::string> models;
  for (const auto &entry : std::filesystem::directory_iterator(std::string(NF_SOURCE_DIR) + "/models"))
    if (entry.path().extension() == ".toml")
      models.push_back(entry.path().stem().string());
  std::erase(models, "train-defaults"); // a recipe, without a model
  return models;
}

/// The --set values of test/small-twin.txt, which cut any model to a size that trains in a test.
static std::vector<std::string> smallTwin() {
  std::vector<std::string> sets;
  std::istringstream lines(readText("test/small-twin.txt"));
  for (std::string line; std::getline(lines, line);)
    sets.push_back(line);
  return sets;
}

TEST(Models, AllAreThere) {
  std::vector<std::string> models = allModels();
  for (const char *name : {"normformer-demo", "preln-demo", "gpt2-124m", "gpt3-125m", "gpt3-355m", "gpt3-1.3b",
                           "gpt3-2.7b", "normformer-125m", "normformer-355m", "normformer-1.3b", "normformer-2.7b",
                           "roberta-base", "normformer-roberta-base"})
    EXPECT_EQ(std::count(models.begin(), models.end(), name), 1) << name;
}

TEST(Models, AllParseWithoutAWarningAndSoDoTheirSmallTwins) {
  for (const std::string &model : allModels()) {
    EXPECT_EQ(load(model).name, model);
    ModelConfig small = load(model, smallTwin());
    EXPECT_LT(parameterCount(small), 300000) << model;
    EXPECT_EQ(small.headScale, load(model).headScale) << model;
  }
}

TEST(Models, ParameterCounts) {
  EXPECT_EQ(parameterCount(load("gpt2-124m")), 124439808);
  EXPECT_EQ(parameterCount(load("roberta-base")), 124052736);
  EXPECT_EQ(parameterCount(load("gpt3-125m")), 125226240);
  EXPECT_NEAR(static_cast<double>(parameterCount(load("gpt3-2.7b"))), 2.65e9, 0.01e9);
}

TEST(Models, NormFormersAreTheirTwinsAndTheExtraParameters) {
  auto extra = [](const char *normformer, const char *plain) {
    return parameterCount(load(normformer, {"norm.residual_scale=false"})) - parameterCount(load(plain));
  };
  // As computed for the paper's table from 10 d + h a layer.
  EXPECT_EQ(extra("normformer-125m", "gpt3-125m"), 92304);
  EXPECT_EQ(extra("normformer-355m", "gpt3-355m"), 246144);
  EXPECT_EQ(extra("normformer-1.3b", "gpt3-1.3b"), 492288);
  EXPECT_EQ(extra("normformer-2.7b", "gpt3-2.7b"), 820224);
  EXPECT_EQ(extra("normformer-demo", "preln-demo"), 6 * (10 * 128 + 4));
}

TEST(Models, TheDemoTwinsDifferInTheOperationsAlone) {
  ModelConfig normformer = load("normformer-demo"), plain = load("preln-demo");
  for (const auto &[key, setting] : plain.settings)
    if (key != "name" && !key.starts_with("norm."))
      EXPECT_EQ(setting.value, normformer.settings.find(key)->second.value) << key;
}

TEST(Models, PaperLearningRates) {
  EXPECT_EQ(load("gpt3-125m").lr, 6e-4);
  EXPECT_EQ(load("gpt3-355m").lr, 6e-4);
  EXPECT_EQ(load("gpt3-1.3b").lr, 2e-4);
  EXPECT_EQ(load("gpt3-2.7b").lr, 1.6e-4);
  EXPECT_EQ(load("normformer-125m").lr, 3e-3);
  EXPECT_EQ(load("normformer-355m").lr, 1e-3);
  EXPECT_EQ(load("normformer-1.3b").lr, 6e-4);
  EXPECT_EQ(load("normformer-2.7b").lr, 6e-4);
  EXPECT_EQ(load("normformer-2.7b").activation, "relu2");
}
