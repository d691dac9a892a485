#ifndef NF_RUNTIME_CORE_ERROR_H
#define NF_RUNTIME_CORE_ERROR_H

#include <stdexcept>
#include <string>

namespace nf::rt {

/// What the user did or has is wrong: a missing file, foreign data, a full disk. what() is one line without the word
/// "error", located where there is a place ("corpus.txt:3:7: expected UTF-8, but got byte 0xff; ..."), and says what
/// to do. main prints it after "error: " and exits 1.
class UserError : public std::runtime_error {
public:
  explicit UserError(const std::string &line) : std::runtime_error(line) {}
};

} // namespace nf::rt

#endif // NF_RUNTIME_CORE_ERROR_H
