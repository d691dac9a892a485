// What the frontend's tests share.
#ifndef NF_TEST_FRONTEND_SUPPORT_H
#define NF_TEST_FRONTEND_SUPPORT_H

#include "frontend/ModelConfig.h"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace nf {

/// A complete definition: 2 layers, d 8, 2 heads, vocabulary 32, context 16. Lines of [model] may follow it.
inline const std::string tiny = "[model]\nlayers = 2\nd_model = 8\nheads = 2\nvocab = 32\ncontext = 16\n";

/// All messages of a definition, as they are printed; "" if it is right.
inline std::string messages(const std::string &text, const std::vector<std::string> &sets = {}) {
  std::string all;
  for (const ConfigDiagnostic &diagnostic : parseModelConfig(text, "m.toml", sets).diagnostics)
    all += diagnostic.str();
  return all;
}

/// The config of a definition that must be right.
inline ModelConfig configOf(const std::string &text, const std::vector<std::string> &sets = {}) {
  ConfigResult result = parseModelConfig(text, "m.toml", sets);
  for (const ConfigDiagnostic &diagnostic : result.diagnostics)
    EXPECT_EQ(diagnostic.severity, Severity::Warning) << diagnostic.str();
  return result.config.value_or(ModelConfig());
}

inline std::string readText(const std::string &path) {
  std::ifstream stream(std::string(NF_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(stream) << path;
  return {std::istreambuf_iterator<char>(stream), {}};
}

} // namespace nf

#endif // NF_TEST_FRONTEND_SUPPORT_H
