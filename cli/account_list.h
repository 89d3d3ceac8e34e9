// SPDX-License-Identifier: Apache-2.0
// The list of `user enroll --from`: CSV with a header, or JSON lines. Read as a stream, more than
// once, and checked line by line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/csv_rows.h"
#include "cli/line_reader.h"
#include "core/account.h"
#include "core/result.h"
#include "core/unique_fd.h"

namespace sparekey {

// What a line says; what it does not say is nullopt, or empty.
struct ListEntry {
  std::size_t line = 0;
  std::string account;
  std::optional<std::string> label;
  std::optional<OtpType> type;
  std::optional<HashAlgorithm> algorithm;
  std::optional<int> digits;
  std::optional<std::chrono::seconds> interval;
  std::optional<std::int64_t> counter;
  SecretBytes secret;
};

class AccountList {
 public:
  // "-": standard input, which is held in memory. kInvalid: no such file, or no good header.
  static Result<AccountList> Open(const std::string& path);

  Status Rewind();
  // The next account; nullopt at the end. kInvalid names line and column of what is wrong; the call
  // after it goes on with the next line, unless IsBroken.
  Result<std::optional<ListEntry>> Next();
  bool IsBroken() const { return ended_.has_value(); }
  const std::string& name() const { return name_; }

 private:
  AccountList(std::string name, UniqueFd fd) : name_(std::move(name)), fd_(std::move(fd)) {}
  Status ReadHeader();
  Result<std::optional<CsvRow>> NextRow();
  Result<std::optional<ListEntry>> NextJson();
  Error Wrong(std::size_t line, std::string_view column, const std::string& what) const;
  Result<ListEntry> MakeEntry(std::size_t line, const std::vector<std::string_view>& cells) const;

  std::string name_;
  UniqueFd fd_;
  bool is_json_ = false;
  std::optional<LineReader> lines_;
  std::unique_ptr<CsvRows> rows_;
  std::size_t row_line_ = 0;         // where the row began
  std::vector<std::size_t> header_;  // which column stands there
  std::optional<Error> ended_;       // nothing can be read any more
};

struct ListCheck {
  std::size_t accounts = 0;
  std::vector<std::string> mistakes;  // one line each, at most 20
  std::size_t more = 0;               // mistakes that are not told
};
// Reads all of the list and calls `check` for each account; its error is a mistake, too, and so is
// an account that stands twice. The list stands at its beginning afterwards.
Result<ListCheck> CheckList(AccountList& list,
                            const std::function<Status(const ListEntry& entry)>& check);

}  // namespace sparekey
