#include "frontend/TomlCharacters.h"

#include <cctype>

using namespace nf;

namespace {

/// A cursor that skips what may hold any character: comments and the four kinds of strings.
class Scanner {
public:
  explicit Scanner(std::string_view text) : text(text) {}

  std::optional<TomlCharacterError> scan();

private:
  bool atEnd() const { return next >= text.size(); }
  char current() const { return text[next]; }
  void advance();
  void skipComment();
  void skipString();
  std::optional<TomlCharacterError> header();

  std::string_view text;
  size_t next = 0;
  int line = 1, column = 1;
};

} // namespace

/// Continuation bytes of UTF-8 belong to the character before.
static bool isContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
static bool isAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }
static bool startsKey(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '"' || c == '\'';
}

void Scanner::advance() {
  if (current() == '\n') {
    ++line;
    column = 0;
  }
  ++next;
  if (atEnd() || !isContinuation(current()))
    ++column;
}

void Scanner::skipComment() {
  while (!atEnd() && current() != '\n')
    advance();
}

void Scanner::skipString() {
  char quote = current();
  size_t width = text.substr(next, 3) == std::string(3, quote) ? 3 : 1;
  std::string end(width, quote);
  for (size_t i = 0; i < width; ++i)
    advance();
  while (!atEnd() && text.substr(next, width) != end) {
    if (width == 1 && current() == '\n')
      return;
    bool isEscape = quote == '"' && current() == '\\';
    advance();
    if (isEscape && !atEnd())
      advance();
  }
  for (size_t i = 0; i < width && !atEnd(); ++i)
    advance();
}

/// At the first '[' of a line.
std::optional<TomlCharacterError> Scanner::header() {
  for (int brackets = 0; brackets < 2 && !atEnd() && current() == '['; ++brackets) {
    advance();
    while (!atEnd() && (current() == ' ' || current() == '\t'))
      advance();
  }
  if (atEnd() || startsKey(current()) || current() == ']' || !isAscii(current()))
    return std::nullopt;
  return TomlCharacterError{line, column, "a table header without a key"};
}

std::optional<TomlCharacterError> Scanner::scan() {
  if (text.starts_with("\xEF\xBB\xBF"))
    next = 3;
  bool isLineStart = true;
  while (!atEnd()) {
    char c = current();
    if (c == '[' && isLineStart) {
      if (auto error = header())
        return error;
      isLineStart = false;
    } else if (c == '#') {
      skipComment();
    } else if (c == '"' || c == '\'') {
      skipString();
      isLineStart = false;
    } else if (!isAscii(c)) {
      return TomlCharacterError{line, column, "a character beyond ASCII outside strings and comments"};
    } else {
      isLineStart = c == '\n' || (isLineStart && (c == ' ' || c == '\t' || c == '\r'));
      advance();
    }
  }
  return std::nullopt;
}

std::optional<TomlCharacterError> nf::findTomlCharacterError(std::string_view text) { return Scanner(text).scan(); }
