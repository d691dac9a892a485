// Errors of the runtime. Everything that a user can cause is thrown as one of these and caught once, in main, which
// prints one line "error: <message>" and exits with the code.
#ifndef NF_RUNTIME_CORE_ERROR_H
#define NF_RUNTIME_CORE_ERROR_H

#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <utility>

namespace nf::rt {

/// A failure that the user can do something about. Exit code 1.
class Error : public std::runtime_error {
public:
  explicit Error(const std::string &message, int exitCode = 1) : std::runtime_error(message), code(exitCode) {}
  int exitCode() const { return code; }

private:
  int code;
};

/// A wrong command line. Exit code 2.
class UsageError : public Error {
public:
  explicit UsageError(const std::string &message) : Error(message, 2) {}
};

/// Throws Error with a formatted message.
template <typename... Args> [[noreturn]] void fail(fmt::format_string<Args...> format, Args &&...args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

} // namespace nf::rt

#endif
