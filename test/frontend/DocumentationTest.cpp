// docs/model-definition.md says what the schema says.
#include "Support.h"
#include "frontend/Schema.h"

using namespace nf;

TEST(Documentation, TablesEqualTheSchema) {
  std::string text = readText("docs/model-definition.md");
  std::vector<std::string_view> tables = schemaTables();
  tables.push_back("");
  for (std::string_view table : tables)
    EXPECT_NE(text.find("\n" + documentationTable(table) + "\n"), std::string::npos)
        << "expected this table in docs/model-definition.md:\n"
        << documentationTable(table);
}

TEST(Documentation, ExamplesParse) {
  std::string text = readText("docs/model-definition.md");
  int examples = 0;
  for (size_t at = text.find("```toml\n"); at != std::string::npos; at = text.find("```toml\n", at + 1)) {
    size_t begin = at + 8;
    EXPECT_EQ(messages(text.substr(begin, text.find("```", begin) - begin)), "");
    ++examples;
  }
  EXPECT_GE(examples, 3);
}
